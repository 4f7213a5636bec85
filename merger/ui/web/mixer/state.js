// The Mixer's numbers: what stands in the lanes, who may move them, and the steps back. No page here; tests run it in node.

import { clamp } from '../shared/numbers.js';
import { RANGES, UNDO_STEPS } from './kinds.js';

/** @typedef {import('./kinds.js').Board} Board */
/** @typedef {import('./kinds.js').Lane} Lane */
/** @typedef {import('./kinds.js').Lanes} Lanes */
/** @typedef {import('./kinds.js').Range} Range */

/**
 * @param {readonly number[]} a
 * @param {readonly number[]} b
 */
export const sameNumbers = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);

/** @param {number[]} numbers */
export const total = (numbers) => numbers.reduce((a, b) => a + b, 0);

/**
 * Onto the lane's steps and within its bounds.
 * @param {Lane} lane
 * @param {number} x
 */
export function snap(lane, x) {
  const step = lane.step || 0.01;
  return Number(clamp(Math.round(x / step) * step, lane.low, lane.high).toFixed(4));
}

/** What other boards leave behind; a board of the same models in halves keeps `still`. */
const VIEW = /** @type {const} */ ({ zoom: null, stride: 1, random: null });

export class State {
  /** @param {(path: string) => void} [moved] told of every lane whose numbers were put */
  constructor(moved = () => {}) {
    this.moved = moved;
    /** @type {Board} */
    this.board = { columns: [], params: [], lanes: [] };
    /** @type {Lanes} */
    this.lanes = {}; // a shallow copy is a snapshot
    /** @type {Lanes} */
    this.baseline = {}; // what Python sent last: Reset without board.initial
    this.param = ''; // the parameter shown
    this.selected = ''; // path of the lane that shapes act on
    /** @type {import('./kinds.js').Picked | null} */
    this.picked = null;
    /** @type {Record<string, Range>} */
    this.views = {}; // of each parameter
    /** @type {Record<string, boolean>} */
    this.linked = {}; // parameters whose columns sum to 1
    /** @type {Lanes} */
    this.muted = {}; // the numbers before muting
    /** @type {Record<string, number>} */
    this.cursor = {}; // each lane's focused column
    /** @type {Set<string>} */
    this.frozen = new Set(); // lanes that nothing moves
    /** @type {Set<number>} */
    this.held = new Set(); // columns that nothing moves
    /** @type {import('./kinds.js').Solo | null} */
    this.solo = null;
    /** @type {number} */
    this.stride = VIEW.stride; // layers that move as one
    /** @type {Range | null} */
    this.zoom = VIEW.zoom; // the first and the last column in view, or all
    /** @type {(() => number) | null} */
    this.random = VIEW.random; // the seeded sequence of "Surprise me"
    /** @type {'edit' | 'undo' | 'redo'} */
    this.cause = 'edit'; // what made the numbers
    /** @type {Lanes[]} */
    this.past = [];
    /** @type {Lanes[]} */
    this.future = [];
    /** @type {{can_undo?: boolean, can_redo?: boolean}} */
    this.page = {}; // as board or stats said last
    this.asked = false; // the page was asked to take a step back
    this.adopted = false; // false while the lanes hold defaults only
  }

  // ---------------------------------------------------------------- lanes and columns

  /** @param {string} path */
  laneOf(path) {
    return this.board.lanes.find((lane) => lane.path === path);
  }

  shown() {
    return this.board.lanes.filter((lane) => lane.param === this.param);
  }

  /** @returns {Lane | undefined} */
  selectedLane() {
    return this.shown().find((lane) => lane.path === this.selected) ?? this.shown()[0];
  }

  weightLanes() {
    return this.board.lanes.filter((lane) => lane.param === this.board.params[0]?.name && lane.low <= 0);
  }

  /**
   * Lanes that share a sum of 1 with this one: those of the same part.
   * @param {Lane} lane
   */
  partners(lane) {
    return this.shown().filter((other) => other.path !== lane.path && other.part === lane.part);
  }

  layerColumns() {
    return this.board.columns.map((c, i) => (c.kind === 'layer' ? i : -1)).filter((i) => i >= 0);
  }

  /** The columns in view. */
  seen() {
    return this.board.columns.map((_, i) => i).filter((i) => this.inView(i));
  }

  /** @param {number} i */
  inView(i) {
    return !this.zoom || (i >= this.zoom[0] && i <= this.zoom[1]);
  }

  /**
   * @param {Lane} lane
   * @param {number} i
   */
  isOff(lane, i) {
    return lane.off?.includes(i) ?? false;
  }

  /**
   * Whether nothing moves this lane there.
   * @param {Lane} lane
   * @param {number} i
   */
  fixed(lane, i) {
    return this.frozen.has(lane.path) || this.held.has(i) || this.isOff(lane, i);
  }

  /**
   * @param {number} a
   * @param {number} b
   */
  allHeld(a, b) {
    return Array.from({ length: b - a + 1 }, (_, k) => a + k).every((i) => this.held.has(i));
  }

  /**
   * What shapes and the dice work on: the layers in view that the lane has.
   * @param {Lane} lane
   */
  reachable(lane) {
    return this.layerColumns().filter((i) => this.inView(i) && !this.isOff(lane, i));
  }

  /**
   * The columns in view that move with column i: the first and the last.
   * @param {number} i
   * @returns {Range}
   */
  span(i) {
    if (this.stride < 2) return [i, i];
    const columns = this.layerColumns();
    const k = columns.indexOf(i);
    if (k < 0) return [i, i];
    const start = k - (k % this.stride);
    const [a, b] = [columns[start], columns[Math.min(columns.length, start + this.stride) - 1]];
    return this.zoom && this.inView(i) ? [Math.max(a, this.zoom[0]), Math.min(b, this.zoom[1])] : [a, b];
  }

  /**
   * Where each of some layer columns lies from 0 to 1; layers of one step lie together.
   * @param {number[]} columns
   */
  fractions(columns) {
    const starts = columns.map((c) => this.span(c)[0]);
    const order = [...new Set(starts)];
    return starts.map((start) => (order.length > 1 ? order.indexOf(start) / (order.length - 1) : 0));
  }

  /**
   * What a column is called, with those that move with it.
   * @param {number} i
   */
  label(i) {
    const [a, b] = this.span(i);
    const [from, to] = [this.board.columns[a], this.board.columns[b]];
    if (a === b || !from || !to) return this.board.columns[i]?.label ?? '';
    return `layers ${(from.layer ?? a) + 1} to ${(to.layer ?? b) + 1} of ${this.layerColumns().length}`;
  }

  /**
   * @param {number} a
   * @param {number} b
   */
  rangeName(a, b) {
    const [from, to] = [this.board.columns[a], this.board.columns[b]];
    const plain = (/** @type {import('./kinds.js').Column | undefined} */ c) => (c?.label ?? '').replace(/ of \d+$/, '');
    if (a === b) return plain(from);
    if (from?.kind === 'layer' && to?.kind === 'layer') return `layers ${(from.layer ?? a) + 1} to ${(to.layer ?? b) + 1}`;
    return `${plain(from)} to ${plain(to)}`;
  }

  /** @returns {Range} */
  focusedColumns() {
    const lane = this.selectedLane();
    const columns = this.layerColumns().filter((i) => this.inView(i));
    return this.span(lane ? (this.cursor[lane.path] ?? columns[0] ?? 0) : 0);
  }

  /** There is always a parameter shown, and one of its lanes selected: the same model's as before, if it has one. */
  showSome() {
    const { params, lanes } = this.board;
    if (!params.some((p) => p.name === this.param)) this.param = params[0]?.name ?? lanes[0]?.param ?? '';
    for (const lane of lanes) this.views[lane.param] ??= lane.view ?? [0, 1];
    const was = this.laneOf(this.selected);
    if (was && was.param === this.param) return;
    const next = this.shown().find((lane) => lane.model === was?.model) ?? this.shown()[0];
    this.selected = next?.path ?? '';
  }

  // ---------------------------------------------------------------- the range that is seen

  /** @returns {Range} */
  view() {
    return this.views[this.param] ?? [0, 1];
  }

  ranges() {
    const all = this.shown();
    const list = RANGES.filter(([low, high]) => all.every((lane) => low >= lane.low && high <= lane.high));
    for (const range of [...all.map((lane) => lane.view), this.views[this.param]]) {
      if (range && !list.some((other) => sameNumbers(other, range))) list.push(range);
    }
    return list;
  }

  /** The view grows when a value lies outside of it; it never hides a number. True where it grew. */
  widen() {
    const all = this.shown();
    if (!all.length) return false;
    const numbers = all.flatMap((lane) => this.lanes[lane.path]);
    const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
    const now = this.view();
    if (low >= now[0] && high <= now[1]) return false;
    const [from, to] = [Math.min(low, now[0]), Math.max(high, now[1])];
    this.views[this.param] = RANGES.find((range) => range[0] <= from && range[1] >= to) ?? [Math.floor(from), Math.ceil(to)];
    return true;
  }

  // ---------------------------------------------------------------- numbers

  /**
   * A number for every lane and column; what is missing or no number is the lane's default.
   * @param {Record<string, unknown[] | undefined> | null | undefined} source
   * @returns {Lanes}
   */
  readLanes(source) {
    /** @type {Lanes} */
    const out = {};
    for (const lane of this.board.lanes) {
      const given = source?.[lane.path];
      out[lane.path] = this.board.columns.map((_, i) => {
        const x = given?.[i];
        return typeof x === 'number' && Number.isFinite(x) ? x : (lane.default ?? 0);
      });
    }
    return out;
  }

  /** @param {Record<string, unknown> | null | undefined} source */
  hasAll(source) {
    return this.board.lanes.every((lane) => Array.isArray(source?.[lane.path]));
  }

  /**
   * @param {Lanes} a
   * @param {Lanes} b
   */
  differ(a, b = this.lanes) {
    return this.board.lanes.some(({ path }) => !sameNumbers(a[path] ?? [], b[path] ?? []));
  }

  /** @param {Lane} lane */
  resetTo(lane) {
    return this.readLanes({ ...this.baseline, ...this.board.initial })[lane.path];
  }

  /**
   * Locked lanes and columns keep their numbers, whoever asks; `force` is for mute and solo, which give them back.
   * @param {string} path
   * @param {number[]} numbers
   */
  put(path, numbers, force = false) {
    const lane = this.laneOf(path);
    const now = this.lanes[path];
    const next = force || !lane ? numbers : numbers.map((x, i) => (this.fixed(lane, i) ? now[i] : x));
    this.lanes = { ...this.lanes, [path]: next };
    this.moved(path);
  }

  /** @param {string} path */
  silent(path) {
    return this.lanes[path].every((x) => x === 0);
  }

  /** @param {string} path */
  isMuted(path) {
    return Boolean(this.muted[path]) && this.silent(path);
  }

  /** @param {number | null | undefined} slot */
  isSolo(slot) {
    return this.solo?.slot === slot && this.weightLanes().every((lane) => lane.slot === slot || this.silent(lane.path));
  }

  // ---------------------------------------------------------------- steps back

  /** @param {Lanes} before */
  remember(before) {
    this.past.push(before);
    if (this.past.length > UNDO_STEPS) this.past.shift();
    this.future = [];
    [this.asked, this.cause] = [false, 'edit'];
  }

  forget() {
    [this.past, this.future] = [[], []];
  }

  /**
   * One of the lanes' own steps back or forth; false where there is none.
   * @param {'undo' | 'redo'} way
   */
  step(way) {
    const [from, to] = way === 'undo' ? [this.past, this.future] : [this.future, this.past];
    const target = this.board.locked ? undefined : from.pop();
    if (!target) return false;
    to.push(this.lanes);
    [this.lanes, this.cause] = [target, way];
    return true;
  }

  /** @param {'undo' | 'redo'} way */
  canStep(way) {
    return way === 'undo'
      ? this.past.length > 0 || Boolean(this.page.can_undo)
      : this.future.length > 0 || Boolean(this.page.can_redo);
  }

  get pageRemembers() {
    return this.page.can_undo !== undefined;
  }

  /** @param {{can_undo?: boolean, can_redo?: boolean}} told */
  hear({ can_undo: undoable = this.page.can_undo, can_redo: redoable = this.page.can_redo }) {
    this.page = { can_undo: undoable, can_redo: redoable };
  }

  /**
   * Other lanes than before: what was remembered of them means nothing any more. Split or joined: look and locks stay.
   * @param {Board} old
   * @param {boolean} wide fingers: many layers start in steps
   * @returns {boolean} whether the models are the same
   */
  outlive(old, wide) {
    const base = (/** @type {Lane} */ lane) => lane.path.split('#')[0];
    const bases = (/** @type {Board} */ b) => [...new Set(b.lanes.map(base))].join('\n') + b.columns.length;
    const same = bases(this.board) === bases(old);
    const locked = old.lanes.filter((lane) => this.frozen.has(lane.path)).map(base);
    this.frozen = new Set(same ? this.board.lanes.filter((lane) => locked.includes(base(lane))).map((lane) => lane.path) : []);
    Object.assign(this, { picked: null, adopted: false, solo: null, muted: {}, cursor: {} });
    this.forget();
    if (same) return true;
    this.held.clear();
    Object.assign(this, VIEW, { views: {}, linked: {} });
    const layers = this.layerColumns().length;
    if (wide && layers > 32) this.stride = [2, 4, 10].find((n) => layers / n <= 24) ?? 10;
    return false;
  }

  /**
   * Numbers from Python; one complete set after another is a step that can be undone, unless the page remembers it.
   * @param {{lanes?: Record<string, unknown[]>, picked?: import('./kinds.js').Picked | null} | null | undefined} value
   */
  adopt(value) {
    const next = this.readLanes(value?.lanes);
    const complete = this.hasAll(value?.lanes);
    if (this.adopted && complete && this.differ(this.lanes, next)) {
      if (this.asked || this.pageRemembers) this.forget();
      else this.remember(this.lanes); // a preset is one step that can be undone
    }
    [this.asked, this.adopted] = [false, complete];
    this.lanes = next;
    if (complete) this.baseline = next;
    this.picked = value?.picked ?? null;
    for (const path of Object.keys(this.muted)) if (!this.lanes[path] || !this.isMuted(path)) delete this.muted[path];
  }
}
