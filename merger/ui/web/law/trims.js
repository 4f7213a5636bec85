// What a trim leaves of a model's delta: operation by operation what merger/methods/trims.py and ops.py do in torch, in float32
// where they do (Math.fround), so that the counts are the same. tests/js/law.json holds both sides to it.
// Signs and comparisons are worked out on the numbers' bits: changes point either way at random, which no processor foresees,
// and a wrong guess costs more than the sum it is about.

import { bitsOf } from './sample.js';

/** @typedef {import('./kinds.js').Law} Law */
/** @typedef {import('./kinds.js').Numbers} Numbers */
/** @typedef {import('./kinds.js').Tensor} Tensor */
/** @typedef {{kept: Uint8Array, other: Uint8Array}} Masks */

const f = Math.fround;
const SIZE = 0x7fffffff; // the bits of a magnitude; as integers they are in the same order

/**
 * ops._hash: a number in [0, 1) for an index and a key of two words.
 * @param {number} index
 * @param {number} first
 * @param {number} second
 */
export function uniform(index, first, second) {
  let x = (index + first) | 0;
  x ^= x >>> 16;
  x = Math.imul(x, 0x7feb352d);
  x ^= x >>> 15;
  x = (x + second) | 0;
  x = Math.imul(x, 0x846ca68b);
  x ^= x >>> 16;
  return (x >>> 8) * 2 ** -24;
}

/**
 * Magnitudes from the smallest, kept: thresholds of any density are read off them.
 * @param {Tensor} tensor
 * @param {number} m
 */
function sortedOf(tensor, m) {
  tensor.sorted[m] ??= Float32Array.from(tensor.deltas[m], Math.abs).sort();
  return tensor.sorted[m];
}

/**
 * How many of the sorted lie below x, or at or below it.
 * @param {Float32Array} sorted
 * @param {number} x
 * @param {boolean} through
 */
export function below(sorted, x, through) {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (through ? sorted[middle] <= x : sorted[middle] < x) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * ops.cut_for: the k-th largest magnitude, and the share of those equal to it that makes k.
 * @param {Float32Array} sorted
 * @param {number} k
 */
function cutFor(sorted, k) {
  const n = sorted.length;
  const cut = sorted[n - k];
  const through = below(sorted, cut, true);
  return [cut, f((k - (n - through)) / (through - below(sorted, cut, false)))];
}

/**
 * trims.largest: where the k largest are kept, 1.
 * @param {Tensor} tensor
 * @param {number} m
 * @param {number} k
 * @param {Uint8Array} kept
 */
function largest(tensor, m, k, kept) {
  const {
    n,
    ties: [first, second],
  } = tensor;
  if (k <= 0 || k >= n) {
    kept.fill(k <= 0 ? 0 : 1, 0, n);
    return;
  }
  const [cut, room] = cutFor(sortedOf(tensor, m), k);
  const bits = tensor.bits[m];
  const edge = bitsOf(Float32Array.of(cut))[0];
  for (let i = 0; i < n; i += 1) {
    const short = edge - (bits[i] & SIZE);
    kept[i] = short >>> 31; // 1 above the cut
    if (short === 0 && (room >= 1 || uniform(i, first, second) < room)) kept[i] = 1;
  }
}

/**
 * trims._rank_share of each element: 0 (smallest) to 1; equal ones share the mean.
 * @param {Tensor} tensor
 * @param {number} m
 */
function sharesOf(tensor, m) {
  if (!tensor.shares[m]) {
    const sorted = sortedOf(tensor, m);
    const { n } = tensor;
    tensor.shares[m] = Float64Array.from(tensor.deltas[m], (x) => {
      const rank = (below(sorted, Math.abs(x), false) + below(sorted, Math.abs(x), true) - 1) / 2;
      return n > 1 ? rank / (n - 1) : rank + 0.5;
    });
  }
  return tensor.shares[m];
}

/**
 * The random numbers of a model's mask; they do not depend on any slider.
 * @param {Tensor} tensor
 * @param {number} m
 * @param {readonly [number, number]} key
 */
function drawsOf(tensor, m, [first, second]) {
  tensor.draws[m] ??= Float32Array.from(tensor.deltas[m], (_, i) => uniform(i, first, second));
  return tensor.draws[m];
}

/**
 * Which positions a trim keeps, into `masks.kept`; and, for the trim that draws by rank, each position's chance.
 * @param {Law} law
 * @param {Tensor} tensor
 * @param {number} m
 * @param {Numbers} numbers
 * @param {readonly [number, number]} key
 * @param {Masks} masks
 * @returns {Float64Array | null}
 */
function mask(law, tensor, m, numbers, key, { kept, other }) {
  const { n } = tensor;
  const { density, gamma, epsilon } = numbers;
  if (density <= 0 && law.trim !== 'middle') {
    kept.fill(0, 0, n);
    return null;
  }
  if (law.trim === 'largest') {
    largest(tensor, m, Math.max(1, Math.trunc(density * n)), kept);
    return null;
  }
  if (law.trim === 'middle') {
    const count = Math.trunc(density * n);
    const top = Math.min(Math.trunc(gamma * n), n - count);
    largest(tensor, m, top + count, kept);
    largest(tensor, m, top, other);
    for (let i = 0; i < n; i += 1) kept[i] &= 1 - other[i];
    return null;
  }
  const draws = drawsOf(tensor, m, key);
  if (law.trim === 'random') {
    const chance = f(density);
    for (let i = 0; i < n; i += 1) kept[i] = draws[i] < chance ? 1 : 0;
    return null;
  }
  const chances = sharesOf(tensor, m).map((share) => Math.min(1, Math.max(0, density + epsilon * (2 * share - 1))));
  for (let i = 0; i < n; i += 1) kept[i] = draws[i] < chances[i] ? 1 : 0;
  return chances;
}

/**
 * What a trim leaves of one model's delta, into `out`.
 * @param {Law} law
 * @param {Tensor} tensor
 * @param {number} m
 * @param {Numbers} numbers
 * @param {readonly [number, number]} key of its random mask
 * @param {Float32Array} out
 * @param {Masks} masks room to work in
 */
export function trimmed(law, tensor, m, numbers, key, out, masks) {
  const delta = tensor.deltas[m];
  const { n } = tensor;
  const { density } = numbers;
  if (law.trim === 'all' || density >= 1) {
    out.set(delta);
    return;
  }
  const chances = mask(law, tensor, m, numbers, key, masks);
  const { kept } = masks;
  if (chances && law.rescale === 'inverse') {
    for (let i = 0; i < n; i += 1) out[i] = kept[i] ? delta[i] / chances[i] : 0;
    return;
  }
  for (let i = 0; i < n; i += 1) out[i] = kept[i] * delta[i];
  if (law.rescale === 'inverse') {
    if (density > 0) for (let i = 0; i < n; i += 1) out[i] /= f(density);
  } else if (law.rescale) restore(tensor, m, out);
}

/**
 * What is left, scaled to the sum of magnitudes that there was.
 * @param {Tensor} tensor
 * @param {number} m
 * @param {Float32Array} out
 */
function restore(tensor, m, out) {
  const { n } = tensor;
  tensor.lengths[m] ??= tensor.deltas[m].reduce((sum, x) => sum + Math.abs(x), 0);
  const before = tensor.lengths[m];
  let after = 0;
  for (let i = 0; i < n; i += 1) after += Math.abs(out[i]);
  const scale = before >= 1e-7 && after >= 1e-7 ? f(before / after) : 1;
  for (let i = 0; i < n; i += 1) out[i] *= scale;
}
