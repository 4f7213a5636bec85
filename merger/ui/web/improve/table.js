// A small table of texts.

import { el } from '../shared/dom.js';

/**
 * @param {string[]} head
 * @param {string[][]} rows the first of each names it; a cell of two lines has the second in small type
 */
export function table(head, rows) {
  const node = el('table');
  const line = (/** @type {string[]} */ cells, /** @type {boolean} */ top) => {
    const row = el('tr');
    row.append(
      ...cells.map((text, i) => {
        const [first, ...rest] = String(text).split('\n');
        const cell = el(top || !i ? 'th' : 'td', '', first);
        if (cell.tagName === 'TH') cell.setAttribute('scope', top ? 'col' : 'row');
        if (rest.length) cell.append(el('small', '', rest.join(' ')));
        return cell;
      }),
    );
    return row;
  };
  node.append(line(head, true), ...rows.map((row) => line(row, false)));
  return node;
}
