// Numbers as people read them; how many digits stands in ../looks.json, for Python too (merger/looks.py).
import looks from '../looks.json' with { type: 'json' };

const { decimals, digits, hardly, minus } = looks.numbers;

/**
 * @param {number} x
 * @param {number} low
 * @param {number} high
 */
export const clamp = (x, low, high) => Math.min(high, Math.max(low, x));

/**
 * The nearest whole number, the even one of two that are as near: as Python does.
 * @param {number} x
 */
export function whole(x) {
  const below = Math.floor(x);
  const over = x - below;
  return over === 0.5 ? below + (below & 1) : Math.round(x);
}

/**
 * 0.423 -> 42%, as Python's `.0%`.
 * @param {number} share
 */
export const percent = (share) => `${whole(100 * share)}%`;

/**
 * A probability: what is possible is never 0%.
 * @param {number} p
 */
export const chance = (p) => (p > 0 && p < hardly ? '<1%' : percent(p));

/**
 * A value of a lane.
 * @param {number} x
 */
export const fixed = (x) => x.toFixed(decimals);

/**
 * A step of a search, with as many digits as it needs: 0.30000000000000004 -> 0.3. Words stay.
 * @param {unknown} x
 */
export const short = (x) => (typeof x === 'number' ? String(Number(x.toPrecision(digits))) : String(x));

/**
 * A bound, with a true minus.
 * @param {number} x
 */
export const signed = (x) => String(x).replace('-', minus);

/** @param {number} s */
export const seconds = (s) => (s < 90 ? `${Math.max(1, Math.round(s))} s` : `${Math.round(s / 60)} min`);

/**
 * How long ago that was.
 * @param {number} time in milliseconds
 */
export function ago(time, now = Date.now()) {
  const minutes = Math.floor((now - time) / 60000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 60 * 24) return `${Math.floor(minutes / 60)} h ago`;
  return new Date(time).toLocaleDateString();
}
