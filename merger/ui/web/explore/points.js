// The buttons that are a search's points: one in each map, or one for each step of the line.

import { el, within } from '../shared/dom.js';
import { wayOf } from '../shared/keyboard.js';
import { atOf, keyOf, mean, told, where } from './board.js';

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Point} Point */
/** @typedef {Map<string, HTMLButtonElement[]>} Buttons under their points' keys */

const DARK_TYPE = 0.62; // from here dark type reads better on the dark page's ramp
const LIGHT_TYPE = 0.77; // and light type on the light one's

/**
 * @param {Buttons} buttons
 * @param {string} key
 */
export function addButton(buttons, key) {
  const node = el('button', 'ex-point');
  node.type = 'button';
  node.tabIndex = -1;
  node.dataset.at = key;
  buttons.set(key, [...(buttons.get(key) ?? []), node]);
  return node;
}

/** @param {Event} event */
export const buttonOf = (event) => within(event, '.ex-point');

/**
 * @param {Board} board
 * @param {string} key
 * @param {HTMLButtonElement[]} nodes
 * @param {Point | undefined} point
 * @param {{best: boolean, loaded: boolean}} state
 */
export function paint(board, key, nodes, point, { best, loaded }) {
  const head = `${best ? 'Best. ' : ''}${loaded ? 'Loaded. ' : ''}${where(board, atOf(key))}`;
  for (const node of nodes) {
    node.setAttribute('aria-label', `${head}: ${point ? told(board, point) : 'not tried yet'}`);
    node.classList.toggle('ex-best', best);
    node.classList.toggle('ex-loaded', loaded);
    node.classList.toggle('ex-tried', Boolean(point));
    node.setAttribute('aria-disabled', String(!point?.scores));
    if (node.dataset.skill !== undefined) paintCell(node, point, Number(node.dataset.skill));
  }
}

/**
 * @param {HTMLButtonElement} node
 * @param {Point | undefined} point
 * @param {number} skill below 0: the mean of all
 */
function paintCell(node, point, skill) {
  const scores = point?.scores;
  const share = scores ? (skill < 0 ? mean(scores) : scores[skill]) : null;
  node.style.setProperty('--v', String(share === null ? 0 : Math.round(100 * share)));
  node.classList.toggle('ex-over', share !== null && share > DARK_TYPE);
  node.classList.toggle('ex-strong', share !== null && share > LIGHT_TYPE);
  node.classList.toggle('ex-failed', Boolean(point && !scores));
  const text = node.querySelector('span');
  if (text) text.textContent = share === null ? (point ? '×' : '') : String(Math.round(100 * share));
}

/**
 * Where a key leads from a point; null where it is no such key, or nothing is there.
 * @param {Board} board
 * @param {string} from
 * @param {KeyboardEvent} event
 * @returns {{key: string | null} | null}
 */
export function moved(board, from, event) {
  const way = wayOf(event);
  if (!way && event.key !== 'Home' && event.key !== 'End') return null;
  const at = atOf(from);
  const sizes = board.axes.map((axis) => axis.values.length);
  if (!way) at[0] = event.key === 'Home' ? 0 : sizes[0] - 1;
  else if (sizes.length === 1) at[0] += way[0] || -way[1];
  else [at[0], at[1]] = [at[0] + way[0], at[1] - way[1]]; // the second slider goes up
  return { key: at.some((i, d) => i < 0 || i >= sizes[d]) ? null : keyOf(at) };
}
