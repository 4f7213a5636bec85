// The first visit's game: three steps, each done when the rows say so. Nothing is locked meanwhile.

/** @typedef {{text: [string, string, string], done: (marks: boolean[]) => boolean}} Step text: before, the lane meant, after */

/** @type {Step[]} */
export const STEPS = [
  { text: ['Try it. Drag ', 'pirate', ' down to nothing and let go. Row 1 forgets.'], done: ([first]) => first === false },
  { text: ['Row 1 forgot. Now drag ', 'plural', ' up until row 2 learns.'], done: ([, second]) => second === true },
  {
    text: ['Row 2 learned. The game: all three right. Bring pirate back, add some ', 'spell', '.'],
    done: (marks) => marks.length > 2 && marks.every((mark) => mark === true),
  },
];
export const END = 'All three. One model, three skills. Push spell to 1 and see what breaks.';

/**
 * The step after these answers; as many as there are means that all is done.
 * @param {number} step
 * @param {boolean[]} marks whether the merge was right, by row; empty while nothing was said to a stroke
 */
export function after(step, marks) {
  const now = STEPS[step];
  return now && marks.length && now.done(marks) ? step + 1 : step;
}
