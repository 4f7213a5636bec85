// One row of the table: the prompt, what the merge says to it now and said before, and what the models alone would say.

import { slotColour } from '../shared/colours.js';
import { button, el, setText, titled } from '../shared/dom.js';
import { STATES, inLine } from '../shared/states.js';
import { markOf } from '../shared/mark.js';
import { FINAL } from '../answers/kinds.js';
import { MERGE, nothing, textOf, wanted } from './kinds.js';

/** @typedef {import('./kinds.js').Row} RowOf */
/** @typedef {import('./kinds.js').Said} Said */
/** @typedef {import('./kinds.js').Column} Column */
/** @typedef {import('./store.js').Store} Store */

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
    this.prompt.setAttribute('role', 'rowheader');
    this.merge = el('td', 'rw-merge');
    this.past = el('td', 'rw-before');
    this.was = el('span', 'rw-was');
    this.was.dir = 'auto';
    this.past.append(this.was);
    this.words = el('button', 'rw-words');
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
    const ticked = el('label', 'rw-ticked');
    ticked.append(tick);
    this.words = titled(
      button('rw-words', row.prompt, () => acts.open(row)),
      row.prompt,
    );
    this.words.dir = 'auto';
    this.words.setAttribute('aria-keyshortcuts', 'Space F2 Delete Alt+ArrowUp Alt+ArrowDown');
    const foot = el('span', 'rw-wanted', wanted(row));
    foot.dir = 'auto';
    foot.title = foot.textContent ?? '';
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
    text.append(this.words, foot);
    box.append(ticked, text, tools);
    this.prompt.replaceChildren(box);
  }

  /**
   * @param {Store} store
   * @param {Column[]} columns
   * @param {boolean} open
   * @param {Column} [instead] who is read in the merge's place
   */
  draw(store, columns, open, instead) {
    this.line.dataset.open = String(open);
    this.line.dataset.row = this.row.id;
    this.words.setAttribute('aria-current', String(open));
    const own = store.of(this.row.id, MERGE);
    if (instead) this.drawInstead(store.of(this.row.id, instead.key), instead);
    else this.drawMerge(own, store.before.get(this.row.id), store.last.get(this.row.id), store.place);
    setText(this.was, store.before.get(this.row.id) ?? '–');
    this.past.title = store.before.get(this.row.id) ?? 'What the merge said before your last stroke';
    const others = columns.filter((column) => !column.lead);
    while (this.cells.length > others.length) this.cells.pop()?.remove();
    others.forEach((column, i) => {
      this.cells[i] ??= el('td', 'rw-other');
      this.drawOther(this.cells[i], column, store.of(this.row.id, column.key), own);
    });
    const all = [this.prompt, this.merge, this.past, ...this.cells];
    // only where they are others: what is put in anew loses the focus
    if (all.length !== this.line.children.length) this.line.replaceChildren(...all);
  }

  /**
   * @param {Said} said
   * @param {Column} column
   */
  drawInstead(said, column) {
    const answer = el('span', 'rw-answer', textOf(said));
    answer.dir = 'auto';
    const box = el('div', 'rw-said');
    box.append(markOf(FINAL.includes(said.state) ? said.mark : null), answer);
    this.merge.dataset.changed = 'false';
    this.merge.replaceChildren(box, el('span', 'rw-state', `${column.name ?? column.key} alone`));
  }

  /**
   * @param {Said} said
   * @param {string | undefined} before
   * @param {string | undefined} last
   * @param {number} place in line
   */
  drawMerge(said, before, last, place) {
    const over = FINAL.includes(said.state) && said.state !== 'unasked';
    const text = textOf(said);
    const answer = el('span', 'rw-answer', text || (over ? '' : (last ?? '')));
    answer.dir = 'auto';
    const box = el('div', 'rw-said');
    box.dataset.old = String(said.state === 'stale' || (!text && !over));
    box.append(markOf(over ? said.mark : null), answer);
    const label = el('span', 'rw-state', said.error || this.labelOf(said, text, before, place));
    this.merge.dataset.changed = String(over && before !== undefined && text !== before);
    this.merge.dataset.state = said.state || 'empty';
    this.merge.replaceChildren(box, label);
    this.merge.title = text;
  }

  /**
   * An answer that was cut off can be gone on with.
   * @param {() => void} goOn
   */
  offer(goOn) {
    const node = button('rw-goon', 'Go on', goOn, `Go on with the answer to ${this.row.prompt}`);
    node.tabIndex = -1; // by keyboard it is in the close-up
    this.merge.lastElementChild?.append(' ', node);
  }

  /**
   * @param {Said} said
   * @param {string} text
   * @param {string | undefined} before
   * @param {number} place
   */
  labelOf(said, text, before, place) {
    const odd = [...(said.cut ? [`cut off at ${said.tokens.length} tokens`] : []), ...(said.repeats ? ['repeats itself'] : [])];
    if (odd.length && FINAL.includes(said.state)) return odd.join(' · ');
    if (said.state === 'waiting' && place) return inLine(place);
    const { short } = STATES[said.state] ?? {};
    if (short) return short;
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
