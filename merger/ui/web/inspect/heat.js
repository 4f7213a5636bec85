// Where the models pull against each other, a cell for every part of every layer: more or less than unrelated models would.

import { blend, colour } from '../shared/colours.js';
import { el, titled } from '../shared/dom.js';
import { wayOf } from '../shared/keyboard.js';
import { clamp, whole } from '../shared/numbers.js';

/**
 * @typedef {{role: string, label: string, tip: string, values: (number | null)[]}} Row
 * @typedef {{rows: Row[], columns: string[], names: string[]}} Heat
 */

/** @param {number | null} x */
const said = (x) => {
  if (x === null) return 'nothing to compare';
  const points = Math.abs(whole(100 * x));
  return points ? `${points} % ${x > 0 ? 'more' : 'less'} than chance` : 'as much as chance';
};

/** @param {HTMLElement} cell @param {number | null} x */
function paint(cell, x) {
  if (x === null) return;
  const depth = Math.sqrt(clamp(Math.abs(x) / 0.3, 0, 1));
  cell.style.background = blend(colour('card'), x > 0 ? colour('more') : colour('less'), depth);
}

/**
 * @param {Heat} heat
 * @param {[number, string]} at the part that is looked into
 * @param {(column: number, role: string) => void} choose
 */
export function heatMap({ rows, columns, names }, at, choose) {
  const box = el('div', 'in-heat');
  box.append(el('h3', '', 'Where they pull against each other'));
  box.append(el('p', 'in-note', 'Blue: less than unrelated models would. Brown: more. Arrow keys move, Enter opens.'));
  const scroll = box.appendChild(el('div', 'in-scroll'));
  const grid = scroll.appendChild(el('table'));
  grid.setAttribute('role', 'grid');
  grid.setAttribute('aria-label', 'Where they pull against each other, by part and layer');
  const top = grid.createTHead().insertRow();
  top.append(el('td'), ...columns.map((text) => el('th', '', text)));
  const body = grid.createTBody();
  const cells = rows.map((row) => {
    const line = body.insertRow();
    line.append(titled(el('th', '', row.label), row.tip));
    return row.values.map((x, c) => {
      const cell = titled(el('td', 'in-cell'), `${names[c]}, ${row.label}: ${said(x)}`);
      cell.setAttribute('aria-label', cell.title);
      cell.tabIndex = -1;
      cell.dataset.none = String(x === null);
      cell.addEventListener('click', () => choose(c, row.role));
      paint(cell, x);
      line.append(cell);
      return cell;
    });
  });
  const r = rows.findIndex((row) => row.role === at[1]);
  const mine = cells[r]?.[at[0]] ?? cells[0]?.[0];
  if (mine) mine.tabIndex = 0;
  cells[r]?.[at[0]]?.setAttribute('aria-selected', 'true');
  grid.addEventListener('keydown', (event) => {
    const row = cells.findIndex((line) => line.some((cell) => cell === document.activeElement));
    const column = cells[row]?.findIndex((cell) => cell === document.activeElement) ?? -1;
    const way = wayOf(event);
    if (column < 0) return;
    if (way) {
      const next = cells[clamp(row + way[1], 0, rows.length - 1)][clamp(column + way[0], 0, columns.length - 1)];
      for (const cell of [cells[row][column], next]) cell.tabIndex = cell === next ? 0 : -1;
      next.focus();
    } else if (event.key === 'Enter' || event.key === ' ') choose(column, rows[row].role);
    else return;
    event.preventDefault();
  });
  return box;
}
