// What can be done to lanes: shapes, strokes, mute, solo, locks, dice. Every edit is a function of the state alone.

import { clamp } from '../shared/numbers.js';
import { assign, linkNow } from './link.js';
import { snap, total } from './state.js';

/** @typedef {import('./kinds.js').Lane} Lane */
/** @typedef {import('./state.js').State} State */

/**
 * Shapes run over the layers in view, between the lane's lowest and highest value there (or 0 and its highest).
 * @type {Record<string, ((t: number) => number) | null>}
 */
export const SHAPES = {
  Flat: null,
  Rise: (t) => t,
  Fall: (t) => 1 - t,
  Hill: (t) => Math.sin(Math.PI * t),
  Valley: (t) => 1 - Math.sin(Math.PI * t),
};

/**
 * @param {State} s
 * @param {Lane} lane
 * @param {(x: number, k: number, old: number[]) => number} fn of the layers in view, in order
 */
export function onLayers(s, lane, fn) {
  const columns = s.reachable(lane);
  const old = columns.map((c) => s.lanes[lane.path][c]);
  const numbers = [...s.lanes[lane.path]];
  columns.forEach((c, k) => {
    numbers[c] = snap(lane, fn(old[k], k, old));
  });
  assign(s, lane, numbers);
}

/**
 * @param {State} s
 * @param {Lane} lane
 * @param {string} name
 */
export function shape(s, lane, name) {
  const columns = s.reachable(lane);
  const old = columns.map((c) => s.lanes[lane.path][c]);
  const mean = total(old) / (old.length || 1);
  let [low, high] = [Math.min(...old), Math.max(...old)];
  if (high - low < 1e-9) [low, high] = high === 0 ? [0, Math.min(1, lane.high)] : [Math.min(0, high), Math.max(0, high)];
  const curve = SHAPES[name];
  const at = s.fractions(columns);
  onLayers(s, lane, (_, k) => (curve ? low + (high - low) * curve(at[k]) : mean));
}

/** @typedef {(s: State, lane: Lane) => void} Edit */

/** @type {Edit} */
export const mirror = (s, lane) => onLayers(s, lane, (_, k, old) => old[old.length - 1 - k]);
/** @type {Edit} */
export const invert = (s, lane) => onLayers(s, lane, (x) => s.view()[0] + s.view()[1] - x);
/** @type {Edit} */
export const smooth = (s, lane) => onLayers(s, lane, (x, k, old) => ((old[k - 1] ?? x) + 2 * x + (old[k + 1] ?? x)) / 4);
/** @type {Edit} */
export const reset = (s, lane) => assign(s, lane, s.resetTo(lane));
/** @param {State} s */
export const resetAll = (s) => s.board.lanes.forEach((lane) => s.put(lane.path, s.resetTo(lane)));

/**
 * @param {State} s
 * @param {Lane} lane
 * @param {(x: number) => number} fn
 */
const onAll = (s, lane, fn) =>
  assign(
    s,
    lane,
    s.lanes[lane.path].map((x) => snap(lane, fn(x))),
  );

/**
 * @param {State} s
 * @param {Lane} lane
 * @param {number} by
 */
export const lift = (s, lane, by) => onAll(s, lane, (x) => x + by);

/**
 * @param {State} s
 * @param {Lane} lane
 * @param {number} times
 */
export const scale = (s, lane, times) => onAll(s, lane, (x) => x * times);

/**
 * @param {State} s
 * @param {Lane} lane
 * @param {Lane[]} others
 */
export function copyTo(s, lane, others) {
  for (const other of others) {
    assign(
      s,
      other,
      s.lanes[lane.path].map((x) => snap(other, x)),
    );
  }
}

/**
 * Columns a to b set to a value, or moved by one.
 * @param {State} s
 * @param {Lane} lane
 * @param {[number, number]} columns
 * @param {{value: number | null, change: number | null}} how
 */
export function nudge(s, lane, [a, b], { value, change }) {
  const numbers = s.lanes[lane.path].map((x, i) => (i >= a && i <= b ? snap(lane, value ?? x + (change ?? 0)) : x));
  assign(s, lane, numbers);
}

// ---------------------------------------------------------------- strokes

/**
 * The numbers after the pointer went from one column and value to another: a fast one skips columns, and the line between
 * is drawn.
 * @param {State} s
 * @param {Lane} lane
 * @param {{column: number, value: number}} from
 * @param {{column: number, value: number}} to
 */
export function stroke(s, lane, from, to) {
  const numbers = [...s.lanes[lane.path]];
  const far = Math.abs(to.column - from.column);
  const way = Math.sign(to.column - from.column);
  for (let k = 0; k <= far; k += 1) {
    const [a, b] = s.span(from.column + way * k);
    const value = far ? from.value + ((to.value - from.value) * k) / far : to.value;
    numbers.fill(snap(lane, value), a, b + 1);
  }
  return numbers;
}

/**
 * The numbers with a straight line over the layers from `first` to `last`; one end stays, the other is pulled.
 * @param {State} s
 * @param {Lane} lane
 * @param {number[]} start the numbers before
 * @param {{first: number, last: number}} ends
 * @param {number} side 0: the first is pulled, 1: the last
 * @param {number} value
 */
export function ramp(s, lane, start, { first, last }, side, value) {
  const numbers = [...start];
  const [from, to] = side === 0 ? [value, start[last]] : [start[first], value];
  const at = s.fractions(Array.from({ length: last - first + 1 }, (_, k) => first + k));
  for (let i = first; i <= last; i += 1) numbers[i] = snap(lane, from + (to - from) * at[i - first]);
  return numbers;
}

// ---------------------------------------------------------------- mute, solo, locks

/**
 * Mute and solo give back exactly what was there, so they pass Link and locks by.
 * @type {Edit}
 */
export function mute(s, { path }) {
  if (s.isMuted(path)) {
    s.put(path, s.muted[path], true);
    delete s.muted[path];
  } else {
    s.muted[path] = s.lanes[path];
    s.put(
      path,
      s.lanes[path].map(() => 0),
      true,
    );
  }
}

/** @type {Edit} */
export function hearOnly(s, lane) {
  const was = s.solo && s.isSolo(s.solo.slot) ? s.solo : null;
  Object.entries(was?.saved ?? {}).forEach(([path, numbers]) => s.put(path, numbers, true));
  s.solo = null;
  if (was && was.slot === lane.slot) return;
  s.solo = { slot: lane.slot, saved: {} };
  for (const { path, slot } of s.weightLanes()) {
    if (slot === lane.slot && !s.isMuted(path)) continue;
    s.solo.saved[path] = s.lanes[path];
    const silence = s.lanes[path].map(() => 0);
    s.put(path, slot === lane.slot ? s.muted[path] : silence, true);
  }
}

/**
 * Every model gives nothing outside columns a to b: what is heard is what these layers do.
 * @param {State} s
 * @param {number} a
 * @param {number} b
 */
export function keepOnly(s, a, b) {
  if (s.board.can_keep === false) return;
  for (const { path } of s.weightLanes()) {
    s.put(
      path,
      s.lanes[path].map((x, i) => (i >= a && i <= b ? x : 0)),
    );
  }
}

/** @type {Edit} */
export function lockLane(s, { path }) {
  if (!s.frozen.delete(path)) s.frozen.add(path);
}

/**
 * @param {State} s
 * @param {number} a
 * @param {number} b
 * @returns {boolean} whether they are locked now
 */
export function lockColumns(s, a, b) {
  const on = !s.allHeld(a, b);
  for (let i = a; i <= b; i += 1) {
    if (on) s.held.add(i);
    else s.held.delete(i);
  }
  return on;
}

/** @param {State} s */
export function unlockAll(s) {
  s.held.clear();
  s.frozen.clear();
}

// ---------------------------------------------------------------- chance

/**
 * A small generator with a seed (mulberry32): the same page deals the same steps.
 * @param {number} seed
 */
export function dealer(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

/**
 * One small step of a random walk: each lane in sight is bent by a slow wave, so that neighbours stay alike.
 * @param {State} s
 */
export function surprise(s) {
  s.random ??= dealer(s.board.seed ?? 1);
  for (const lane of s.shown()) {
    const [size, turns, phase, tilt] = [s.random(), s.random(), s.random(), s.random()];
    const [low, high] = s.view();
    const columns = s.reachable(lane);
    const at = s.fractions(columns);
    const numbers = [...s.lanes[lane.path]];
    columns.forEach((c, k) => {
      const wave = Math.cos(2 * Math.PI * (phase + at[k] * (0.25 + 1.25 * turns))) + 0.6 * (tilt - 0.5);
      const x = numbers[c] + 0.2 * (0.4 + 0.6 * size) * (high - low) * wave;
      numbers[c] = snap(lane, clamp(x, Math.min(low, numbers[c]), Math.max(high, numbers[c])));
    });
    s.put(lane.path, numbers);
  }
  if (s.linked[s.param]) linkNow(s);
}
