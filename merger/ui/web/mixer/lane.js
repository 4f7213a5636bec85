// A lane on the screen: its head with buttons and remarks, its track with the pad that hands and keys are on.

import { el, press, setAttribute, setText, titled } from '../shared/dom.js';
import { oneStop } from '../shared/keyboard.js';
import { fixed } from '../shared/numbers.js';
import { watchSize } from './canvas.js';
import { hearOnly, mute } from './edits.js';
import { wireKeys } from './keys.js';
import { openMenu } from './menu.js';
import { tool } from './parts.js';
import { wirePointer } from './pointer.js';
import { wayAt } from './ways.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */
/** @typedef {import('./parts.js').Bank} Bank */
/** @typedef {import('./kinds.js').Lane} Lane */

/** @typedef {(s: import('./state.js').State, lane: Lane) => void} Act */
/** @typedef {{solo?: HTMLButtonElement, mute?: HTMLButtonElement}} Heard */

/**
 * Solo and Mute, for lanes of weights.
 * @param {Mixer} m
 * @param {Lane} lane
 * @param {(act: Act) => () => void} on
 * @returns {Heard}
 */
function makeHeard(m, lane, on) {
  if (lane.low > 0 || lane.param !== m.s.board.params[0]?.name || !Number.isInteger(lane.slot)) return {};
  const whose = lane.part ? `${lane.model} ${lane.part}` : lane.model;
  const letter = (/** @type {string} */ text, /** @type {Act} */ act, /** @type {string} */ name) => titled(tool(text, on(act), name), name); // prettier-ignore
  const silence = letter('M', mute, `Mute ${whose}`);
  const several = new Set(m.s.weightLanes().map((other) => other.slot)).size > 1;
  return several ? { solo: letter('S', hearOnly, `Solo ${lane.model}`), mute: silence } : { mute: silence };
}

/**
 * @param {Mixer} m
 * @param {Lane} lane
 * @returns {Heard & {controls: HTMLElement}}
 */
function makeControls(m, lane) {
  const on = (/** @type {Act} */ act) => () => {
    m.selectLane(lane.path);
    m.edit(() => act(m.s, lane));
  };
  const heard = makeHeard(m, lane, on);
  const open = () => {
    m.selectLane(lane.path);
    openMenu(m, lane, dots);
  };
  const dots = titled(tool('⋯', open, `More for ${lane.name}`), 'Move, multiply, reset, lock, copy to another model');
  dots.setAttribute('aria-expanded', 'false');
  const controls = oneStop(el('div', 'mx-controls'));
  if (heard.solo) controls.append(heard.solo);
  if (heard.mute) controls.append(heard.mute);
  controls.append(dots);
  return { controls, ...heard };
}

/**
 * @param {Mixer} m
 * @param {Lane} lane
 * @returns {Bank}
 */
export function makeBank(m, lane) {
  const box = el('section', 'mx-lane');
  box.dataset.path = lane.path;
  const { controls, ...heard } = makeControls(m, lane);
  const lock = titled(
    tool('Locked', () => m.lockLane(lane), `Unlock ${lane.name}`),
    'Nothing moves this lane; press to unlock it',
  );
  lock.classList.add('mx-lock');
  lock.hidden = true;
  const ghost = m.s.board.lanes.find(
    (other) => other.model === lane.model && other.slot === lane.slot && other.param !== m.s.param,
  );
  const [canvas, pad] = [el('canvas', 'mx-canvas'), el('div', 'mx-pad')];
  const [share, help, remark, readout] = ['mx-share', 'mx-help', 'mx-remark', 'mx-readout'].map((name) => el('span', name));
  const bank = { lane, box, share, help, remark, readout, canvas, pad, lock, ...heard, hover: -1, grip: -1, ghost };

  const part = el('span', 'mx-part', lane.part ?? '');
  part.hidden = !lane.part;
  const head = el('div', 'mx-head');
  head.append(
    el('i', 'mx-dot'),
    titled(el('span', 'mx-name', lane.model), lane.model),
    part,
    share,
    help,
    remark,
    readout,
    lock,
    controls,
  );
  pad.tabIndex = 0;
  pad.setAttribute('role', 'slider');
  pad.setAttribute('aria-label', lane.name);
  pad.setAttribute('aria-orientation', 'vertical');
  pad.setAttribute('aria-disabled', String(Boolean(m.s.board.locked)));
  canvas.setAttribute('aria-hidden', 'true');
  const track = el('div', 'mx-track');
  track.append(canvas, pad);
  box.append(head);
  if (lane.note) box.append(el('p', 'mx-note', lane.note));
  box.append(track);
  watchSize(canvas, () => m.mark(lane.path));
  wirePointer(m, bank);
  wireKeys(m, bank);
  return bank;
}

/**
 * Words for a lane: read-out and slider value.
 * @param {Mixer} m
 * @param {Bank} bank
 */
export function describe(m, bank) {
  const { lane, pad } = bank;
  const { s } = m;
  const here = m.columnOf(bank);
  const value = s.isOff(lane, here) ? '–' : fixed(s.lanes[lane.path][here] ?? 0);
  setText(bank.readout, `${s.label(here).replace(/ of \d+$/, '')} · ${value}`);
  const at = s.cursor[lane.path] ?? here;
  const now = s.lanes[lane.path][at] ?? 0;
  setAttribute(pad, 'aria-valuenow', String(now));
  setAttribute(pad, 'aria-valuemin', String(s.view()[0]));
  setAttribute(pad, 'aria-valuemax', String(s.view()[1]));
  const locked = s.fixed(lane, at) && !s.isOff(lane, at) ? ', locked' : '';
  setAttribute(pad, 'aria-valuetext', `${s.label(at)}, ${lane.param} ${fixed(now)}${locked}${wayAt(m, lane, at)}`);
  drawHeard(m, bank);
  if (lane.path === s.selected) m.drawHere();
}

/**
 * @param {Mixer} m
 * @param {Bank} bank
 */
export function drawHeard(m, bank) {
  if (bank.mute) press(bank.mute, m.s.isMuted(bank.lane.path));
  if (bank.solo) press(bank.solo, m.s.isSolo(bank.lane.slot));
}
