// What comes from Python: a board of lanes, their numbers, the line below.

import { read } from '../shared/host.js';
import { makeBank } from './lane.js';
import { COARSE } from './parts.js';
import { buildToolbar } from './toolbar.js';
import { forgetWays } from './ways.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */
/** @typedef {import('./kinds.js').Board} Board */

/**
 * Everything that depends on the board and the parameter shown.
 * @param {Mixer} m
 */
export function build(m) {
  const { s, root } = m;
  s.showSome();
  m.gesture = null;
  m.menu = null;
  const active = document.activeElement instanceof HTMLElement ? document.activeElement : null;
  const focused = m.banks.find((bank) => bank.pad === active)?.lane.path;
  const keepParam = active?.dataset.param;
  m.banks = s.shown().map((lane) => makeBank(m, lane));
  m.parts.lanes.replaceChildren(...m.banks.map((bank) => bank.box));
  m.root.dataset.dense = String(m.banks.length > 3);
  buildToolbar(m);
  m.selectLane(s.selected);
  m.widen();
  m.drawHint();
  root.dataset.locked = String(Boolean(s.board.locked));
  root.dataset.split = String(Boolean(s.board.split));
  m.drawHeads();
  m.resize();
  m.drawTexts();
  m.drawColours();
  if (focused) m.banks.find((bank) => bank.lane.path === focused)?.pad.focus({ preventScroll: true });
  const params = keepParam ? [...m.parts.toolbar.querySelectorAll('button')] : [];
  params.find((node) => node.dataset.param === s.param)?.focus();
}

/** @param {Mixer} m */
export function takeBoard(m) {
  const paths = (/** @type {Board} */ b) => b.lanes.map((lane) => lane.path).join('\n') + b.columns.length;
  const { s } = m;
  const old = s.board;
  s.board = { columns: [], params: [], lanes: [], ...read(m.host.props.board) };
  s.hear(s.board);
  const { can_undo: _undo, can_redo: _redo, ...rest } = s.board;
  const text = JSON.stringify(rest);
  if (text === m.known) return m.drawButtons(); // nothing but the page's history: a drag goes on
  if (m.known && s.pageRemembers) s.forget();
  m.known = text;
  m.sending.takeLaw();
  if (paths(s.board) !== paths(old)) {
    if (m.typing) clearTimeout(m.typing.timer);
    Object.assign(m, { typing: null, gesture: null, lastTap: null });
    if (!s.outlive(old, COARSE)) Object.assign(m, { brush: null, brushing: false });
    adopt(m, read(m.host.props.value));
  }
  return build(m);
}

/**
 * Numbers from Python.
 * @param {Mixer} m
 * @param {any} value
 */
function adopt(m, value) {
  forgetWays(m);
  m.own = null;
  m.s.adopt(value);
  m.sending.seq = Math.max(m.sending.seq, Number(value?.seq) || 0);
  m.widen();
  m.markAll();
  m.drawButtons();
}

/** @param {Mixer} m */
export function takeValue(m) {
  if (!m.gesture && !m.typing) adopt(m, read(m.host.props.value));
}

/** @param {Mixer} m */
export function takeStats(m) {
  /** @type {import('./kinds.js').Stats} */
  const told = read(m.host.props.stats);
  if (told.kept) {
    m.stats = { ...m.stats, can_undo: told.can_undo, can_redo: told.can_redo, seq: told.seq }; // the line stays
  } else {
    m.stats = told;
    if (!(Number(told.seq) < m.sending.seq)) m.own = null; // of the lanes as they are now, as far as Python has been told
  }
  m.s.hear(m.stats);
  m.drawTexts();
  m.drawButtons();
  m.mark('strip');
}
