// What was voted in blind tests, kept in this browser, and what such numbers can tell.

/** @typedef {{A: number, B: number}} Won */

const TALLY = 'merge-explorer-tally'; // localStorage; it never leaves this browser
const KEPT = 200;

/** @returns {Record<string, {votes: Record<string, number>}>} recipes' ids -> votes by id, tie, bad */
function tallies() {
  try {
    const found = JSON.parse(localStorage.getItem(TALLY) ?? '{}');
    return found && typeof found === 'object' ? found : {};
  } catch {
    return {};
  }
}

/**
 * More votes between two recipes; all there are now.
 * @param {string[]} ids of A and B
 * @param {Won & {tie: number, bad: number}} won
 * @returns {Won}
 */
export function count([a, b], won) {
  const all = tallies();
  const key = [a, b].sort().join(' ');
  const votes = { ...(all[key]?.votes ?? {}) };
  for (const [name, more] of /** @type {[string, number][]} */ ([
    [a, won.A],
    [b, won.B],
    ['tie', won.tie],
    ['bad', won.bad],
  ])) {
    votes[name] = (Number(votes[name]) || 0) + more;
  }
  delete all[key];
  all[key] = { votes };
  try {
    localStorage.setItem(TALLY, JSON.stringify(Object.fromEntries(Object.entries(all).slice(-KEPT))));
  } catch {
    /* full */
  }
  return { A: votes[a], B: votes[b] };
}

/**
 * Whether one side is better: by how often chance alone, a coin for each vote, would part them as far or farther.
 * @param {number} a
 * @param {number} b
 */
export function verdict(a, b) {
  const n = a + b;
  if (!n) return 'nobody won';
  let [term, tail] = [2 ** -n, 0]; // of k = 0 of n
  for (let k = 0; k <= Math.min(a, b); k += 1) {
    tail += term;
    term *= (n - k) / (k + 1);
  }
  if (Math.min(1, 2 * tail) >= 0.05) return 'too few to tell';
  return `${a > b ? 'A' : 'B'} is better, by more than chance`;
}
