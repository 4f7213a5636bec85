// One row of the table: the prompt, what the merge says to it now and said before, and what the models alone would say.

import { slotColour } from '../shared/colours.js';
import { button, el, setText, titled } from '../shared/dom.js';
import { FINAL } from '../answers/kinds.js';
import { MERGE, nothing, textOf, wanted } from './kinds.js';

/** @typedef {import('./kinds.js').Row} RowOf */
/** @typedef {import('./kinds.js').Said} Said */
/** @typedef {import('./kinds.js').Column} Column */
/** @typedef {import('./store.js').Store} Store */

/** @type {Record<string, string>} */
const LABELS = { busy: 'writing', waiting: 'waiting its turn', stopped: 'stopped', failed: 'failed' };

/**
 * Right or wrong: by shape, not by colour alone.
 * @param {boolean | null} mark
 */
export function markOf(mark) {
  const node = el('span', 'rw-mark', mark === null ? '' : mark ? '✓' : '✗');
  node.dataset.right = String(mark);
  if (mark !== null) {
    node.setAttribute('role', 'img');
    node.setAttribute('aria-label', mark ? 'right' : 'wrong');
  }
  return node;
}

/**
 * @typedef {object} Acts
 * @property {(row: RowOf) => void} open
 * @property {(row: RowOf, ticked: boolean) => void} tick
 * @property {(row: RowOf) => void} edit
 * @property {(row: RowOf) => void} remove
 */

export class RowView {
  /**
   * @param {RowOf} row
   * @param {Acts} acts
   */
  constructor(row, acts) {
    this.row = row;
    this.line = el('tr', 'rw-row');
    this.prompt = el('td', 'rw-prompt');
    this.merge = el('td', 'rw-merge');
    this.past = el('td', 'rw-before');
    this.fill(acts);
    /** @type {HTMLElement[]} */
    this.cells = [];
  }

  /** @param {Acts} acts */
  fill(acts) {
    const { row } = this;
    const tick = el('input', 'rw-tick');
    tick.type = 'checkbox';
    tick.checked = row.ticked !== false;
    tick.setAttribute('aria-label', `Counts for the score: ${row.prompt}`);
    tick.addEventListener('change', () => acts.tick(row, tick.checked));
    const words = titled(
      button('rw-words', row.prompt, () => acts.open(row)),
      row.prompt,
    );
    words.dir = 'auto';
    const foot = el('span', 'rw-wanted', wanted(row));
    foot.dir = 'auto';
    const tools = el('span', 'rw-tools');
    tools.append(
      titled(
        button('rw-tool', '✎', () => acts.edit(row), `Change ${row.prompt}`),
        'Change the prompt, or what is right',
      ),
      titled(
        button('rw-tool', '×', () => acts.remove(row), `Take out ${row.prompt}`),
        'Take this row out',
      ),
    );
    const box = el('div', 'rw-ask');
    const text = el('div', 'rw-text');
    text.append(words, foot);
    box.append(tick, text, tools);
    this.prompt.replaceChildren(box);
  }

  /**
   * @param {Store} store
   * @param {Column[]} columns
   * @param {boolean} open
   */
  draw(store, columns, open) {
    this.line.dataset.open = String(open);
    this.line.dataset.row = this.row.id;
    const own = store.of(this.row.id, MERGE);
    this.drawMerge(own, store.before.get(this.row.id), store.last.get(this.row.id));
    setText(this.past, store.before.get(this.row.id) ?? '–');
    this.past.dir = 'auto';
    this.past.title = store.before.get(this.row.id) ?? 'What the merge said before your last stroke';
    const others = columns.filter((column) => !column.lead);
    while (this.cells.length > others.length) this.cells.pop()?.remove();
    others.forEach((column, i) => {
      this.cells[i] ??= el('td', 'rw-other');
      this.drawOther(this.cells[i], column, store.of(this.row.id, column.key), own);
    });
    this.line.replaceChildren(this.prompt, this.merge, this.past, ...this.cells);
  }

  /**
   * @param {Said} said
   * @param {string | undefined} before
   * @param {string | undefined} last
   */
  drawMerge(said, before, last) {
    const over = FINAL.includes(said.state);
    const text = textOf(said);
    const answer = el('span', 'rw-answer', text || (over ? '' : (last ?? '')));
    answer.dir = 'auto';
    const box = el('div', 'rw-said');
    box.dataset.old = String(!text && !over);
    box.append(markOf(over ? said.mark : null), answer);
    const label = el('span', 'rw-state', said.error || this.labelOf(said, text, before));
    this.merge.dataset.changed = String(over && before !== undefined && text !== before);
    this.merge.dataset.state = said.state || 'empty';
    this.merge.replaceChildren(box, label);
    this.merge.title = text;
  }

  /**
   * @param {Said} said
   * @param {string} text
   * @param {string | undefined} before
   */
  labelOf(said, text, before) {
    if (said.cut) return 'cut off at 160 tokens';
    if (LABELS[said.state]) return LABELS[said.state];
    if (!FINAL.includes(said.state) || before === undefined) return '';
    return text === before ? 'same as before' : 'changed';
  }

  /**
   * @param {HTMLElement} cell
   * @param {Column} column
   * @param {Said} said
   * @param {Said} own
   */
  drawOther(cell, column, said, own) {
    const known = ['done', 'cached'].includes(said.state);
    const both = known && ['done', 'cached'].includes(own.state);
    const same = textOf(said) === textOf(own);
    const sign = el('span', 'rw-sign', both ? (same ? '=' : '≠') : known ? '·' : '…');
    sign.style.color = column.slot === null || column.slot === undefined ? '' : slotColour(column.slot);
    sign.setAttribute('role', 'img');
    sign.setAttribute('aria-label', both ? (same ? 'same answer' : 'other answer') : 'not asked yet');
    cell.title = known ? `${column.name ?? column.key}: ${textOf(said)}` : String(column.name ?? column.key);
    const whole = el('span', 'rw-other-text', textOf(said));
    whole.dir = 'auto';
    cell.replaceChildren(sign, markOf(known ? said.mark : null), whole);
  }
}

export { nothing };
