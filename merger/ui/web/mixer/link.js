// Link: the lanes of one part sum to 1 in every column.

import { snap, total } from './state.js';

/** @typedef {import('./kinds.js').Lane} Lane */
/** @typedef {import('./kinds.js').Lanes} Lanes */
/** @typedef {import('./state.js').State} State */

/**
 * A sum split in the proportion of `sizes` (evenly if all are 0), rounded so that it is still exact.
 * @param {number} sum
 * @param {number[]} sizes
 * @param {Lane} lane whose steps the parts keep
 */
export function share(sum, sizes, lane) {
  const all = total(sizes);
  let exact = 0;
  let given = 0;
  return sizes.map((size) => {
    exact += all > 0 ? (sum * size) / all : sum / sizes.length;
    const part = snap(lane, exact - given);
    given += part;
    return part;
  });
}

/**
 * What locked lanes take of a column.
 * @param {State} s
 * @param {Lane[]} lanes
 * @param {number} i
 */
const kept = (s, lanes, i) => total(lanes.map((lane) => (s.fixed(lane, i) ? Math.max(0, s.lanes[lane.path][i]) : 0)));

/**
 * New numbers for one lane; with Link on, the other lanes share what is left of 1 in their old proportion. Locked ones keep
 * theirs, so this lane can take no more than they leave.
 * @param {State} s
 * @param {Lane} lane
 * @param {number[]} numbers
 * @param {Lanes} [start] the proportions
 */
export function assign(s, lane, numbers, start = s.lanes) {
  if (!s.linked[s.param]) return s.put(lane.path, numbers);
  const others = s.partners(lane);
  const next = others.map((other) => [...s.lanes[other.path]]);
  const mine = numbers.map((x, i) => {
    if (s.fixed(lane, i)) return s.lanes[lane.path][i];
    if (x === start[lane.path][i]) {
      others.forEach((other, k) => {
        next[k][i] = start[other.path][i];
      });
      return x;
    }
    const free = others.map((_, k) => k).filter((k) => !s.fixed(others[k], i));
    const rest = Math.max(0, 1 - kept(s, others, i));
    if (!free.length) return others.length ? snap(lane, rest) : x;
    const taken = rest < 1 ? Math.min(x, snap(lane, rest)) : x;
    const sizes = free.map((k) => Math.max(0, start[others[k].path][i]));
    const parts = share(Math.max(0, 1 - taken - kept(s, others, i)), sizes, lane);
    free.forEach((k, n) => {
      next[k][i] = parts[n];
    });
    return taken;
  });
  s.put(lane.path, mine);
  others.forEach((other, k) => s.put(other.path, next[k]));
  return undefined;
}

/**
 * The lanes that are shown, brought to a sum of 1.
 * @param {State} s
 */
export function linkNow(s) {
  for (const part of new Set(s.shown().map((lane) => lane.part))) {
    const all = s.shown().filter((lane) => lane.part === part);
    const next = all.map((lane) => [...s.lanes[lane.path]]);
    s.board.columns.forEach((_, i) => {
      const free = all.map((_lane, k) => k).filter((k) => !s.fixed(all[k], i));
      const sizes = free.map((k) => Math.max(0, s.lanes[all[k].path][i]));
      const shares = share(Math.max(0, 1 - kept(s, all, i)), sizes, all[0]);
      free.forEach((k, n) => {
        next[k][i] = shares[n];
      });
    });
    all.forEach((lane, k) => s.put(lane.path, next[k]));
  }
}
