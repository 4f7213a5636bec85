// What a drag does to the line under the bars, from a sample of every tensor's deltas: no call to Python while a hand moves.

import { percent } from '../shared/numbers.js';
import { bitsOf } from './sample.js';
import { trimmed } from './trims.js';
import { wordsFor } from './words.js';

/** @typedef {import('./kinds.js').Law} Law */
/** @typedef {import('./kinds.js').Numbers} Numbers */
/** @typedef {import('./kinds.js').Sketch} Sketch */
/** @typedef {import('./kinds.js').Tensor} Tensor */
/** @typedef {Record<string, number[]>} Lanes */
/** @typedef {{floor: (number | null)[], summary: string, lanes: Record<string, string>}} Strip */
/** @typedef {[number, number, number]} Contest how far they pull against each other, chance, positions where two meet */
/** @typedef {{contest: Contest, kept: number[], pull: number[]}} Found */
/** @typedef {readonly [number, number]} Key */

/**
 * (lanes) => the Mixer's `stats`, or null where only Python can say. `warm` measures ahead until a time (performance.now):
 * true where all is measured, false where some is left, null where only Python can say.
 * @typedef {{(lanes: Lanes): Strip | null, warm: (lanes: Lanes, until?: number) => boolean | null}} Meter
 */

/**
 * Room to work in, for the largest tensor.
 * @param {number} models
 * @param {number} most
 */
function makeRoom(models, most) {
  const terms = Array.from({ length: models }, () => new Float32Array(most));
  const sum = new Float32Array(most);
  const masks = { kept: new Uint8Array(most), other: new Uint8Array(most) };
  const met = { lead: new Uint8Array(most), share: new Float64Array(most), same: new Float64Array(most) };
  return { terms, bits: terms.map(bitsOf), sum, sumBits: bitsOf(sum), masks, ...met, fair: new Float64Array(most) };
}

/** @typedef {ReturnType<typeof makeRoom>} Room */

/**
 * One model's part of a tensor: trimmed and weighted, into its term and the sum.
 * @param {Room} room
 * @param {number} m
 * @param {number} n
 * @param {number} weight
 * @returns {number} how many positions are left
 */
function addUp({ terms, bits, sum }, m, n, weight) {
  const term = terms[m];
  const own = bits[m];
  const w = Math.fround(weight);
  let count = 0;
  for (let i = 0; i < n; i += 1) {
    const size = own[i] << 1;
    count += (size | -size) >>> 31; // 1 but for zero
    term[i] *= w;
    sum[i] += term[i];
  }
  return count;
}

/**
 * A term's mean magnitude where it is not zero.
 * @param {Room} room
 * @param {number} m
 * @param {number} n
 */
function meanOf({ terms, bits }, m, n) {
  let [whole, some] = [0, 0];
  for (let i = 0; i < n; i += 1) {
    const size = bits[m][i] << 1;
    some += (size | -size) >>> 31;
    whole += Math.abs(terms[m][i]);
  }
  return some && Number.isFinite(whole) ? whole / some : 0;
}

/**
 * analysis.contest: how far the terms pull against each other, and what unrelated ones would.
 * @param {Room} room
 * @param {number} n
 * @returns {Contest}
 */
function contestOf(room, n) {
  const { lead, share, same, fair } = room;
  const pulls = room.terms.map((_, m) => meanOf(room, m, n));
  const strongestFirst = pulls.map((_, m) => m).filter((m) => pulls[m]).sort((a, b) => pulls[b] - pulls[a]); // prettier-ignore
  if (strongestFirst.length < 2) return [0, 0, 0];
  const [top, ...others] = strongestFirst;
  for (let i = 0; i < n; i += 1) {
    const size = room.bits[top][i] << 1;
    const takes = (size | -size) >>> 31;
    lead[i] = takes << (room.bits[top][i] >>> 31); // 1 up, 2 down
    share[i] = takes / pulls[top];
    same[i] = 1;
    fair[i] = 1;
  }
  for (const m of others) {
    const own = room.bits[m];
    const [pull, inverse] = [pulls[m], 1 / pulls[m]];
    for (let i = 0; i < n; i += 1) {
      const size = own[i] << 1;
      const takes = (size | -size) >>> 31;
      const sign = takes << (own[i] >>> 31);
      const part = share[i] * pull; // of the strongest's; 0 where it is this one
      const other = sign ^ lead[i];
      same[i] *= 1 - (other & (other >> 1)) * part;
      fair[i] *= 1 - (takes * part) / 2;
      const first = takes & ((lead[i] - 1) >>> 31);
      lead[i] |= sign * first;
      share[i] += first * inverse;
    }
  }
  let [against, chance, met] = [0, 0, 0];
  for (let i = 0; i < n; i += 1) {
    against += 1 - same[i];
    chance += 1 - fair[i];
    met += fair[i] < 1 ? 1 : 0;
  }
  return [against, chance, met];
}

/**
 * How much of a term is in the result: all of it, or what has the sign that was voted.
 * @param {Room} room
 * @param {number} m
 * @param {number} n
 * @param {boolean} vote
 */
function pullOf({ terms, bits, sumBits }, m, n, vote) {
  const term = terms[m];
  const own = bits[m];
  let whole = 0;
  if (!vote) {
    for (let i = 0; i < n; i += 1) whole += Math.abs(term[i]);
    return whole;
  }
  for (let i = 0; i < n; i += 1) {
    const votes = sumBits[i] << 1;
    const down = (sumBits[i] >>> 31) & ((votes | -votes) >>> 31); // a sum of zero counts as up
    whole += (1 - (down ^ (own[i] >>> 31))) * Math.abs(term[i]);
  }
  return whole;
}

/**
 * analysis.counted_up of one tensor. Sums run in float32, as every store into `room` rounds.
 * @param {Law} law
 * @param {Tensor} tensor
 * @param {Numbers[]} numbers
 * @param {Key[]} keys
 * @param {Room} room
 * @returns {Found}
 */
function measured(law, tensor, numbers, keys, room) {
  const { n, deltas } = tensor;
  room.sum.fill(0, 0, n);
  const kept = deltas.map((_, m) => {
    trimmed(law, tensor, m, numbers[m], keys[m], room.terms[m].subarray(0, n), room.masks);
    return addUp(room, m, n, numbers[m].weight);
  });
  return { contest: contestOf(room, n), kept, pull: deltas.map((_, m) => pullOf(room, m, n, law.vote)) };
}

/**
 * The lanes' numbers for a tensor, one object for each model; null where the lanes are others than the law's.
 * @param {Law} law
 * @param {Lanes} lanes
 * @param {Tensor} tensor
 */
function numbersOf(law, lanes, tensor) {
  const half = tensor.attention ? '#attention' : '#rest';
  const found = law.models.map((paths) => {
    /** @type {Record<string, number>} */
    const own = {};
    for (const [name, path] of Object.entries(paths)) own[name] = (lanes[path] ?? lanes[path + half])?.[tensor.column];
    return /** @type {Numbers} */ (/** @type {unknown} */ (own));
  });
  return found.every((own) => Object.values(own).every(Number.isFinite)) ? found : null;
}

/**
 * methods.deltas._within: Python refuses these, in words.
 * @param {Law} law
 * @param {Numbers} own
 */
const refused = ({ trim }, { density, epsilon }) =>
  trim === 'ranked' && density > 0 && density < 1 && !(epsilon < Math.min(density, 1 - density));

/**
 * The words that seed the masks, of each tensor and model.
 * @param {Law} law
 * @param {Sketch} sketch
 * @returns {Key[][]}
 */
function keysOf(law, { tensors, models }) {
  const drawn = law.keys ? new Uint32Array(Uint8Array.from(atob(law.keys), (c) => c.charCodeAt(0)).buffer) : null;
  return tensors.map((_, t) =>
    Array.from({ length: models }, (__, m) => {
      const at = 2 * (t * models + m);
      return drawn ? [drawn[at], drawn[at + 1]] : [0, 0];
    }),
  );
}

/**
 * All tensors' counts as the line shows them.
 * @param {Law} law
 * @param {Sketch} sketch
 * @param {Found[]} found
 * @returns {Strip}
 */
function told(law, { layers, models, tensors }, found) {
  const cells = layers.map(() => [0, 0, 0]);
  const numel = tensors.reduce((sum, { n }) => sum + n, 0);
  const [kept, pull] = [new Array(models).fill(0), new Array(models).fill(0)];
  const all = [0, 0, 0];
  tensors.forEach(({ column }, t) => {
    found[t].contest.forEach((x, k) => {
      cells[column][k] += x;
      all[k] += x;
    });
    for (let m = 0; m < models; m += 1) {
      kept[m] += found[t].kept[m];
      pull[m] += found[t].pull[m];
    }
  });
  const whole = pull.reduce((a, b) => a + b, 0);
  /** @type {Record<string, string>} */
  const remarks = {};
  law.models.forEach((paths, m) => {
    const apart = (/** @type {number} */ share) => percent(share).replace('%', ' %');
    const text = `${apart(whole ? pull[m] / whole : 0)} of the mix · keeps ${apart(kept[m] / numel)}`;
    for (const path of Object.values(paths)) remarks[path] = text;
  });
  const beyond = (/** @type {number[]} */ [against, chance, met]) => (met ? (against - chance) / met : null);
  const floor = cells.map(beyond);
  return { floor, summary: models > 1 ? wordsFor(beyond(all), floor, layers) : 'one model alone', lanes: remarks };
}

/**
 * @param {Sketch} sketch
 * @param {Law} law
 * @returns {Meter}
 */
export function meterOf(sketch, law) {
  const { tensors, models } = sketch;
  /** @type {{said: string, found: Found}[]} */
  const known = [];
  const room = makeRoom(models, Math.max(0, ...tensors.map(({ n }) => n)));
  const keys = keysOf(law, sketch);
  for (const tensor of tensors) tensor.draws = []; // of another seed

  const warm = (/** @type {Lanes} */ lanes, until = Infinity) => {
    /** @type {Map<number, {numbers: Numbers[], said: string}>} */
    const here = new Map(); // a layer's tensors share theirs
    for (let t = 0; t < tensors.length; t += 1) {
      const at = 2 * tensors[t].column + (tensors[t].attention ? 1 : 0);
      let one = here.get(at);
      if (!one) {
        const numbers = numbersOf(law, lanes, tensors[t]);
        if (!numbers || numbers.some((own) => refused(law, own))) return null;
        here.set(at, (one = { numbers, said: numbers.map((own) => Object.values(own).join()).join(';') }));
      }
      if (known[t]?.said !== one.said) {
        if (performance.now() > until) return false;
        known[t] = { said: one.said, found: measured(law, tensors[t], one.numbers, keys[t], room) };
      }
    }
    return true;
  };
  const meter = (/** @type {Lanes} */ lanes) => {
    if (!warm(lanes)) return null;
    const found = known.map((one) => one.found);
    return told(law, sketch, found);
  };
  return Object.assign(meter, { warm });
}
