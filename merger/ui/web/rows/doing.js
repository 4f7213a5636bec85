// What the visitor does to the rows: open, tick, change, move, take out and put back, add, and take from a file.

import { button, el, setText } from '../shared/dom.js';
import { form } from './ask.js';
import { save } from './keep.js';
import { MOST } from './kinds.js';
import { prompts } from './prompts.js';

/** @typedef {import('./kinds.js').Row} Row */

/**
 * An id that no row has.
 * @param {Row[]} rows
 */
export function fresh(rows) {
  const taken = new Set(rows.map(({ id }) => id));
  let number = rows.length + 1;
  while (taken.has(`r${number}`)) number += 1;
  return `r${number}`;
}

export class Doing {
  /** @param {import('./table.js').Table} table */
  constructor(table) {
    this.table = table;
  }

  /** @returns {import('./row.js').Acts} */
  acts() {
    return {
      open: (row) => {
        if (row.id === this.table.open) return;
        this.table.open = row.id;
        this.table.drawAll();
        this.table.lookAt();
        this.table.hand({}, 'input');
        save(this.table.family, this.table.rows, this.table.open);
      },
      tick: (row, ticked) => this.table.change(this.table.rows.map((one) => (one.id === row.id ? { ...one, ticked } : one)), 'input'), // prettier-ignore
      edit: (row) => this.editRow(row),
      remove: (row) => this.remove(row),
    };
  }

  /** What the keyboard does to a row. */
  keys() {
    const rowOf = (/** @type {string} */ id) => this.table.rows.find((one) => one.id === id);
    const on = (/** @type {(row: Row) => void} */ act) => (/** @type {string} */ id) => {
      const row = rowOf(id);
      if (row) act(row);
    };
    return {
      tick: on((row) => this.acts().tick(row, row.ticked === false)),
      edit: on((row) => this.editRow(row)),
      remove: on((row) => this.remove(row)),
      move: (/** @type {string} */ id, /** @type {number} */ way) => this.move(id, way),
    };
  }

  /**
   * @param {string} id
   * @param {number} way
   */
  move(id, way) {
    const at = this.table.rows.findIndex((row) => row.id === id);
    const row = this.table.rows[at];
    if (!row || !this.table.rows[at + way]) return;
    const rows = this.table.rows.filter((one) => one !== row);
    rows.splice(at + way, 0, row);
    this.table.change(rows, 'input');
    setText(this.table.live, `Row ${at + way + 1} of ${rows.length}: ${row.prompt}`);
  }

  /**
   * Take a row out; a line under the rows puts it back.
   * @param {Row} row
   */
  remove(row) {
    const at = this.table.rows.indexOf(row);
    const inside = this.table.body.contains(document.activeElement);
    this.table.change(this.table.rows.filter((one) => one !== row), 'input'); // prettier-ignore
    const line = el('div', 'rw-undo');
    line.setAttribute('role', 'status');
    const back = button('rw-stop', 'Put it back', () => {
      line.remove();
      const rows = [...this.table.rows];
      const id = rows.some((one) => one.id === row.id) ? fresh(rows) : row.id;
      rows.splice(at, 0, { ...row, id });
      this.table.open = id;
      this.table.change(rows.slice(0, MOST), 'submit');
      this.table.focus(id);
    });
    const words = el('span', 'rw-text', `Row taken out: ${row.prompt}`);
    words.dir = 'auto';
    line.append(words, back);
    this.table.edited.replaceChildren(line);
    if (inside) this.table.focus(this.table.rows[Math.min(at, this.table.rows.length - 1)]?.id);
  }

  /** “Prompts…” */
  more() {
    const leave = () => {
      this.table.edited.replaceChildren();
      this.table.asking.more.focus();
    };
    if (this.table.edited.querySelector('.rw-file')) {
      leave();
      return;
    }
    const ask = (/** @type {string} */ prompt) => this.add(prompt);
    const take = (/** @type {Row[]} */ rows) => {
      this.table.open = rows[0].id;
      this.table.change(rows, 'submit');
      leave();
    };
    const { box, first } = prompts(this.table.rows, this.table.board.chips ?? [], { take, ask, leave });
    this.table.edited.replaceChildren(box);
    first.focus();
  }

  /** @param {Row} row */
  editRow(row) {
    const leave = () => {
      this.table.edited.replaceChildren();
      this.table.focus(row.id);
    };
    const { box, prompt } = form(
      row,
      (now) => {
        this.table.open = row.id;
        this.table.change(this.table.rows.map((one) => (one.id === row.id ? now : one)), 'submit'); // prettier-ignore
        leave();
      },
      leave,
    );
    this.table.edited.replaceChildren(box);
    prompt.focus();
  }

  /**
   * @param {string} prompt
   * @returns {boolean} whether there is room for it
   */
  add(prompt) {
    const known = this.table.rows.find((row) => row.prompt === prompt);
    if (!known && this.table.rows.length >= MOST) return false;
    this.table.open = known?.id ?? fresh(this.table.rows);
    this.table.change(
      known ? this.table.rows : [...this.table.rows, { id: this.table.open, prompt, answer: '', match: '', ticked: true }],
      'submit',
    );
    return true;
  }
}
