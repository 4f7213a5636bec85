// The keyboard on a lane: arrows choose a layer and change it, digits set tenths, letters are the buttons.

import { withControl } from '../shared/keyboard.js';
import { clamp } from '../shared/numbers.js';
import { hearOnly, lift, mute, nudge } from './edits.js';
import { zoomTo } from './closer.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */
/** @typedef {import('./parts.js').Bank} Bank */
/** @typedef {{value: number | null, change: number | null, whole: number | null}} Change to, by, or the whole lane by */

const KEY_MS = 300;

/**
 * Keys that do at once what a button does.
 * @type {Record<string, (m: Mixer, bank: Bank, columns: [number, number]) => void>}
 */
const ACTS = {
  o: (m, _, columns) => m.keepOnly(...columns),
  l: (m, _, columns) => m.lockColumns(...columns),
  L: (m, { lane }) => m.lockLane(lane),
  m: (m, { lane, mute: there }) => there && m.edit(() => mute(m.s, lane)),
  s: (m, { lane, solo: there }) => there && m.edit(() => hearOnly(m.s, lane)),
  r: (m) => m.surprise(),
  Enter: (m, { box }) => {
    const on = !('high' in box.dataset);
    for (const bank of m.banks) bank.box.toggleAttribute('data-high', on && bank.box === box);
    m.markAll();
  },
};

/**
 * What a key changes; null where it is none of ours.
 * @param {KeyboardEvent} event
 * @param {number} fine the lane's step
 * @param {readonly [number, number]} view
 * @returns {Change | null}
 */
export function changeOf(event, fine, view) {
  const { key: name, shiftKey, altKey } = event;
  const none = { value: null, change: null, whole: null };
  const by = shiftKey ? 0.1 : fine;
  /** @type {Record<string, Change>} */
  const named = {
    ArrowUp: altKey ? { ...none, whole: 0.05 } : { ...none, change: by },
    ArrowDown: altKey ? { ...none, whole: -0.05 } : { ...none, change: -by },
    PageUp: { ...none, change: 0.1 },
    PageDown: { ...none, change: -0.1 },
    Home: { ...none, value: view[0] },
    End: { ...none, value: view[1] },
    ']': { ...none, whole: 0.05 },
    '[': { ...none, whole: -0.05 },
  };
  if (Object.hasOwn(named, name)) return named[name];
  return /^[0-9]$/.test(name) ? { ...none, value: Number(name) / 10 } : null;
}

/**
 * The columns a lane has in view, and the one that the keys are on.
 * @param {Mixer} m
 * @param {import('./kinds.js').Lane} lane
 */
function focusOf(m, lane) {
  const seen = m.s.seen().filter((i) => !m.s.isOff(lane, i));
  const at = clamp(m.s.cursor[lane.path] ?? m.ends?.first ?? 0, seen[0] ?? 0, seen[seen.length - 1] ?? 0);
  return { seen, at };
}

/**
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {KeyboardEvent} event
 */
function key(m, bank, event) {
  if (withControl(event)) return;
  const { seen, at } = focusOf(m, bank.lane);
  const change = changeOf(event, bank.lane.step || 0.01, m.s.view());
  if (Object.hasOwn(ACTS, event.key)) ACTS[event.key](m, bank, m.s.span(at));
  else if (event.key === 'ArrowLeft') go(m, bank, before(m, seen, at));
  else if (event.key === 'ArrowRight') go(m, bank, after(m, seen, at));
  else if (change) type(m, bank, at, change);
  else {
    if (event.key === 'Escape' && m.s.zoom) zoomTo(m, 0, 0);
    return;
  }
  event.preventDefault();
}

/**
 * The column left of one and of those that move with it.
 * @param {Mixer} m
 * @param {number[]} seen
 * @param {number} at
 */
function before(m, seen, at) {
  const left = seen.filter((i) => i < m.s.span(at)[0]);
  return left
    .map((i) => m.s.span(i)[0])
    .filter((i) => seen.includes(i))
    .pop();
}

/**
 * The column right of them.
 * @param {Mixer} m
 * @param {number[]} seen
 * @param {number} at
 */
const after = (m, seen, at) => seen.find((i) => i > m.s.span(at)[1]);

/**
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {number | undefined} column
 */
function go(m, bank, column) {
  if (column !== undefined) m.s.cursor[bank.lane.path] = column;
  bank.hover = -1;
  m.mark(bank.lane.path);
}

/**
 * A key of a burst: the burst is one edit.
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {number} at
 * @param {Change} change
 */
function type(m, bank, at, change) {
  if (m.s.board.locked) return;
  const { lane } = bank;
  m.typing ??= { before: m.s.lanes, timer: undefined };
  bank.hover = -1;
  m.s.cursor[lane.path] = at;
  if (change.whole !== null) lift(m.s, lane, change.whole);
  else nudge(m.s, lane, m.s.span(at), change);
  m.widen();
  m.sending.send();
  clearTimeout(m.typing.timer);
  m.typing.timer = setTimeout(() => m.finishTyping(), KEY_MS);
}

/**
 * @param {Mixer} m
 * @param {Bank} bank
 */
export function wireKeys(m, bank) {
  bank.pad.addEventListener('keydown', (event) => key(m, bank, event));
  bank.pad.addEventListener('focus', () => {
    m.selectLane(bank.lane.path);
    m.mark(bank.lane.path);
  });
  bank.pad.addEventListener('blur', () => {
    m.finishTyping();
    m.mark(bank.lane.path);
  });
}
