// All numbers of a search as a table.

import { el } from '../shared/dom.js';
import { percent, short } from '../shared/numbers.js';
import { cut, keyOf } from './board.js';

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Point} Point */

/**
 * @param {'th' | 'td'} tag
 * @param {string} text
 * @param {'col' | 'row'} scope of a head
 */
function cell(tag, text, scope, className = '') {
  const node = el(tag, className, text);
  if (tag === 'th') node.setAttribute('scope', scope);
  return node;
}

/**
 * What was said to the visitor's own prompt.
 * @param {Point} point
 */
const saidBy = (point) => (point.scores ? (point.says ?? []).find(([, , right]) => right === null)?.[1] : point.note) ?? '';

/**
 * @param {Board} board
 * @param {Point[]} points
 * @param {string} best
 */
export function tableOf(board, points, best) {
  const prompt = board.axes.length === 1 ? board.prompt : '';
  const head = el('tr');
  head.append(...[...board.axes.map((axis) => axis.label), ...board.skills].map((text) => cell('th', text, 'col')));
  if (prompt) head.append(cell('th', `“${cut(prompt, 60)}”`, 'col', 'ex-ask'));
  const body = el('tbody');
  for (const point of [...points].sort((a, b) => a.at[0] - b.at[0] || (a.at[1] || 0) - (b.at[1] || 0))) {
    const { at, scores } = point;
    const star = keyOf(at) === best;
    const row = el('tr', star ? 'ex-best' : '');
    row.append(
      ...board.axes.map((axis, d) => cell(d ? 'td' : 'th', `${short(axis.values[at[d]])}${!d && star ? ' ★' : ''}`, 'row')),
      ...board.skills.map((_, s) => el('td', '', scores ? percent(scores[s]) : '–')),
    );
    if (prompt) row.append(el('td', 'ex-text', saidBy(point)));
    body.append(row);
  }
  body.append(...board.marks.map((alone) => aloneOf(board, alone, Boolean(prompt))));
  const grid = el('table', 'ex-table');
  const top = el('thead');
  top.append(head);
  grid.append(top, body);
  return grid;
}

/**
 * @param {Board} board
 * @param {Board['marks'][0]} alone
 * @param {boolean} asked
 */
function aloneOf(board, { name, scores }, asked) {
  const row = el('tr', 'ex-alone');
  const title = el('th', '', `${name} alone`);
  title.scope = 'row';
  title.colSpan = board.axes.length;
  row.append(title, ...board.skills.map((_, s) => el('td', '', percent(scores[s]))));
  if (asked) row.append(el('td'));
  return row;
}
