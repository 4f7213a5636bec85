// The pointer on a lane: strokes, ramps, a double tap.

import { clamp } from '../shared/numbers.js';
import { ramp, stroke } from './edits.js';
import { AXIS, columnAt, handleAt, toValue, toY } from './geometry.js';
import { assign } from './link.js';
import { GAP } from './parts.js';
import { snap } from './state.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */
/** @typedef {import('./parts.js').Bank} Bank */
/** @typedef {import('./kinds.js').Lanes} Lanes */

/**
 * A drag in progress.
 * @typedef {object} Gesture
 * @property {Bank} bank
 * @property {number} id of the pointer
 * @property {Lanes} before
 * @property {number} side of the ramp handle that is pulled, or -1
 * @property {number | null} run it stays in
 * @property {number} column where it began
 * @property {number} level where it began
 * @property {boolean} moved
 * @property {{column: number, value: number}} [last]
 * @property {Lanes} [sent]
 * @property {boolean} [done] a double tap: nothing more is painted
 */

/**
 * A tap that may become the first of two.
 * @typedef {{path: string, column: number, before: Lanes, kept: boolean, time: number}} Tap
 */

const DOUBLE_MS = 350;

/**
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {PointerEvent} event
 */
function locate(m, bank, event) {
  const box = bank.canvas.getBoundingClientRect();
  const y = event.clientY - box.top;
  return { x: event.clientX - box.left - AXIS, y, h: box.height, value: toValue(y, box.height, m.s.view()) };
}

/**
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {{x: number, y: number, h: number}} at
 * @param {boolean} touch
 */
function gripAt(m, { lane }, at, touch) {
  const { ends } = m;
  if (!ends || m.s.frozen.has(lane.path)) return -1;
  const heights = [ends.first, ends.last].map((column) => toY(m.s.lanes[lane.path][column], at.h, m.s.view()));
  return handleAt(ends, at, heights, { gap: GAP, reach: touch ? 20 : 10 });
}

/**
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {PointerEvent} event
 */
function down(m, bank, event) {
  if (event.button !== 0 || m.s.board.locked || m.gesture) return;
  m.finishTyping();
  m.s.cause = 'edit';
  const at = locate(m, bank, event);
  const { lane } = bank;
  bank.pad.setPointerCapture(event.pointerId);
  const side = gripAt(m, bank, at, event.pointerType === 'touch');
  const column = columnAt(m.boxes, at.x);
  const level = snap(lane, clamp(at.value, ...m.s.view()));
  m.gesture = {
    bank,
    id: event.pointerId,
    before: m.s.lanes,
    side,
    run: m.boxes[column]?.run ?? null,
    column,
    level,
    moved: false,
  };
  const tap = m.lastTap;
  if (tap && side < 0 && tap.path === lane.path && tap.column === column && event.timeStamp - tap.time < DOUBLE_MS) {
    secondTap(m, m.gesture, tap);
  } else {
    move(m, bank, event);
  }
  bank.grip = side;
  m.selectLane(lane.path);
  event.preventDefault(); // no text selection; focus therefore by hand
  bank.pad.focus({ preventScroll: true });
}

/**
 * Undo what the first tap painted, and put the default there.
 * @param {Mixer} m
 * @param {Gesture} gesture
 * @param {Tap} tap
 */
function secondTap(m, gesture, tap) {
  const { lane } = gesture.bank;
  if (tap.kept) m.s.past.pop();
  m.s.lanes = tap.before;
  Object.assign(gesture, { before: m.s.lanes, done: true });
  const [a, b] = m.s.span(gesture.column);
  assign(m.s, lane, [...m.s.lanes[lane.path]].fill(snap(lane, lane.default ?? 0), a, b + 1));
  m.sending.send();
}

/**
 * What lies under a pointer that draws nothing.
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {{x: number, y: number, h: number}} at
 */
function hover(m, bank, at) {
  const column = columnAt(m.boxes, at.x);
  const side = gripAt(m, bank, at, false);
  if (column === bank.hover && side === bank.grip) return;
  [bank.hover, bank.grip] = [column, side];
  const still = m.s.board.locked || m.s.fixed(bank.lane, column);
  bank.pad.style.cursor = still ? 'not-allowed' : side >= 0 ? 'ns-resize' : 'crosshair';
  m.mark(bank.lane.path);
}

/**
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {PointerEvent} event
 */
function move(m, bank, event) {
  const at = locate(m, bank, event);
  const { gesture } = m;
  if (!gesture) return hover(m, bank, at);
  if (gesture.bank !== bank || gesture.id !== event.pointerId || gesture.done) return undefined;
  const { lane } = bank;
  const value = snap(lane, clamp(at.value, ...m.s.view()));
  const pulled = gesture.side >= 0 && m.ends;
  const numbers = pulled
    ? ramp(m.s, lane, gesture.before[lane.path], pulled, gesture.side, value)
    : painted(m, gesture, columnAt(m.boxes, at.x, gesture.run), event.shiftKey ? gesture.level : value, event.shiftKey);
  if (pulled) m.s.cursor[lane.path] = gesture.side === 0 ? pulled.first : pulled.last;
  bank.hover = m.s.cursor[lane.path];
  assign(m.s, lane, numbers, gesture.before);
  if (!m.s.differ(gesture.sent ?? gesture.before)) return undefined;
  gesture.sent = m.s.lanes;
  return m.sending.send();
}

/**
 * The numbers after a stroke went on to a column and value.
 * @param {Mixer} m
 * @param {Gesture} gesture
 * @param {number} column
 * @param {number} value
 * @param {boolean} level all it passes gets the same
 */
function painted(m, gesture, column, value, level) {
  const { lane } = gesture.bank;
  const last = gesture.last ?? { column, value };
  const numbers = stroke(m.s, lane, level ? { column: last.column, value } : last, { column, value });
  if (gesture.last && column !== gesture.last.column) gesture.moved = true;
  gesture.last = { column, value };
  m.s.cursor[lane.path] = column;
  return numbers;
}

/**
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {PointerEvent} event
 */
function up(m, bank, event) {
  const { gesture } = m;
  if (!gesture || gesture.bank !== bank || gesture.id !== event.pointerId) return;
  const { before, column, done, moved, side } = gesture;
  m.gesture = null;
  bank.grip = -1;
  const kept = m.s.differ(before);
  if (kept) m.remember(before);
  m.lastTap = done || moved || side >= 0 ? null : { path: bank.lane.path, column, before, kept, time: event.timeStamp };
  if (event.pointerType === 'touch') bank.hover = -1;
  m.mark(bank.lane.path);
  if (kept || done || m.sending.waiting) m.sending.release(); // `done`: the first tap's value was released already
}

/**
 * @param {Mixer} m
 * @param {Bank} bank
 */
export function wirePointer(m, bank) {
  bank.pad.addEventListener('pointerdown', (event) => down(m, bank, event));
  bank.pad.addEventListener('pointermove', (event) => {
    move(m, bank, event);
  });
  // as it comes from the device; `pointermove` waits for the screen's next frame
  bank.pad.addEventListener('pointerrawupdate', (event) => {
    if (!m.gesture) return;
    move(m, bank, /** @type {PointerEvent} */ (event));
    m.ahead();
  });
  bank.pad.addEventListener('pointerup', (event) => up(m, bank, event));
  bank.pad.addEventListener('pointercancel', (event) => up(m, bank, event));
  bank.pad.addEventListener('pointerleave', () => {
    if (m.gesture) return;
    [bank.hover, bank.grip] = [-1, -1];
    m.mark(bank.lane.path);
  });
}
