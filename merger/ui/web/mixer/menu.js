// A lane's menu: what is too much for its head. One is open at a time.

import { el, grouped, titled } from '../shared/dom.js';
import { moveFocus } from '../shared/keyboard.js';
import { copyTo, lift, reset, scale } from './edits.js';
import { tool } from './parts.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */
/** @typedef {import('./kinds.js').Lane} Lane */

/** @type {[string, number, string][]} */
const TIMES = [
  ['× .5', 0.5, 'a half'],
  ['× .8', 0.8, '0.8'],
  ['× 1.25', 1.25, '1.25'],
  ['× 2', 2, '2'],
];
/** @type {[string, number, string][]} */
const NUDGES = [
  ['− .05', -0.05, 'Lower'],
  ['+ .05', 0.05, 'Raise'],
];

/**
 * @param {Mixer} m
 * @param {boolean} [back] the focus goes to where the menu came from
 */
export function closeMenu(m, back = false) {
  if (!m.menu) return;
  const { node, from } = m.menu;
  m.menu = null;
  node.remove();
  from.setAttribute('aria-expanded', 'false');
  if (back) from.focus({ preventScroll: true });
}

/** @param {HTMLElement} node */
const buttonsOf = (node) => [...node.querySelectorAll('button')].filter((b) => b.offsetParent);

/**
 * @param {Mixer} m
 * @param {Lane} lane
 * @param {HTMLElement} from the button that opens it
 */
export function openMenu(m, lane, from) {
  const again = m.menu?.from === from;
  closeMenu(m);
  if (again) return;
  const node = grouped(el('div', 'mx-menu'), `More for ${lane.name}`);
  fill(m, lane, node);
  node.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') closeMenu(m, true);
    else if (!moveFocus(event, buttonsOf(node))) return;
    event.preventDefault();
    event.stopPropagation();
  });
  node.addEventListener('focusout', ({ relatedTarget: next }) => {
    if (next instanceof Node && !node.contains(next) && next !== from) closeMenu(m);
  });
  from.after(node);
  from.setAttribute('aria-expanded', 'true');
  m.menu = { node, from };
  // above the button where the page's box would cut it off below
  const below = m.root.getBoundingClientRect().bottom - from.getBoundingClientRect().bottom;
  node.dataset.up = String(below < node.offsetHeight + 8);
  buttonsOf(node)[0]?.focus({ preventScroll: true });
}

/**
 * @param {Mixer} m
 * @param {Lane} lane
 * @param {HTMLElement} node
 */
function fill(m, lane, node) {
  const item = (/** @type {string} */ text, /** @type {() => void} */ act) => {
    const made = tool(text, () => {
      closeMenu(m, true);
      act();
    });
    node.append(made);
    return made;
  };
  const times = grouped(el('div', 'mx-times'), 'Multiply the whole lane');
  for (const [text, factor, words] of TIMES) {
    const act = () => {
      m.selectLane(lane.path);
      m.edit(() => scale(m.s, lane, factor));
    };
    times.append(titled(tool(text, act, `Multiply ${lane.name} by ${words}`), 'Scales every bar of this lane'));
  }
  const nudges = grouped(el('div', 'mx-times mx-nudges'), 'Move the whole lane');
  for (const [text, amount, words] of NUDGES) {
    nudges.append(tool(text, () => m.edit(() => lift(m.s, lane, amount)), `${words} ${lane.name} by .05`));
  }
  node.append(nudges, times);
  item('Reset this lane', () => m.edit(() => reset(m.s, lane))).title = 'Back to the preset';
  const lock = item(m.s.frozen.has(lane.path) ? 'Unlock this lane' : 'Lock this lane', () => m.lockLane(lane));
  lock.title = 'Nothing moves a locked lane: no hand, shape, link or dice';
  const others = m.s.partners(lane);
  for (const other of others) item(`Copy to ${other.model}`, () => m.edit(() => copyTo(m.s, lane, [other])));
  if (others.length > 1) item('Copy to all', () => m.edit(() => copyTo(m.s, lane, others)));
}

/**
 * A press elsewhere closes it.
 * @param {Mixer} m
 */
export function wireMenu(m) {
  const outside = (/** @type {PointerEvent} */ { target }) => {
    if (!m.root.isConnected) document.removeEventListener('pointerdown', outside);
    else if (m.menu && target instanceof Node && !m.menu.node.contains(target) && !m.menu.from.contains(target)) closeMenu(m);
  };
  document.addEventListener('pointerdown', outside);
}
