// How far models pull against each other, in words: as merger/ui/service/strip.py says it.

const ABOUT = 0.05; // as much as chance: so many shares more or less

/**
 * @param {number | null} beyond more than chance, of the whole
 * @param {(number | null)[]} floor of every column
 * @param {number[]} layers each column's, counted from 1; 0 for what is none
 */
export function wordsFor(beyond, floor, layers) {
  if (beyond === null) return 'do not touch the same weights';
  const about = Math.abs(beyond) <= ABOUT;
  const said = about ? 'about as much as chance' : beyond > 0 ? 'more than chance' : 'less than chance';
  const more = layers.filter((n, c) => n && Number(floor[c]) > ABOUT);
  if (beyond < -ABOUT || !more.length || more.length === layers.filter(Boolean).length) return said;
  /** @type {number[][]} */
  const runs = [];
  for (const n of more) {
    if (runs.at(-1)?.at(-1) === n - 1) runs.at(-1)?.push(n);
    else runs.push([n]);
  }
  const named = runs.slice(0, 3).map((run) => (run.length > 1 ? `${run[0]}–${run.at(-1)}` : run[0]));
  const dots = runs.length > 3 ? ' …' : '';
  return `${said}${about ? ', more in' : ','} layer${more.length > 1 ? 's' : ''} ${named.join(', ')}${dots}`;
}
