// Which way a bar helps, in words.

/** @param {number} way 1: more of it helps, -1: less, 0: neither */
export const wordsOf = (way) => (way > 0 ? '▲ more helps' : way < 0 ? '▽ less helps' : '· no effect');
