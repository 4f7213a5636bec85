// The close-up's head: which row it is, and what can be done with its answer.

import { copier } from '../shared/copy.js';
import { button, el, setText, titled } from '../shared/dom.js';
import { read } from '../shared/host.js';
import { oneStop, withControl } from '../shared/keyboard.js';
import { LONGEST, MERGE, textOf } from './kinds.js';

export class CloseUp {
  /** @param {import('./table.js').Table} table */
  constructor(table) {
    this.table = table;
    this.of = '';
    this.title = el('h3', 'rw-title');
    this.title.dir = 'auto';
    this.box = oneStop(el('div', 'rw-closehead'));
    this.note = el('p', 'rw-note');
    this.note.setAttribute('role', 'status');
    this.on = titled(button('rw-stop', 'Go on', () => this.goOn()), 'This answer was cut off: let it be longer'); // prettier-ignore
    const again = titled(button('rw-stop', 'Again', () => this.again()), 'Other words, by the next seed'); // prettier-ignore
    const copy = copier('rw-stop', () => textOf(table.store.of(table.open, MERGE)));
    this.copy = copy;
    const chat = titled(button('rw-stop', 'Chat', () => table.host.trigger('expand')), 'A conversation with your merge'); // prettier-ignore
    this.box.append(this.title, this.on, chat, again, copy);
  }

  get manner() {
    return { variety: 0, length: 160, ...read(this.table.host.props.manner) };
  }

  /** C copies the answer, R asks for other words. @param {KeyboardEvent} event */
  key(event) {
    if (withControl(event) || event.altKey) return;
    if (event.key === 'c') this.copy.click();
    else if (event.key === 'r') this.again();
    else return;
    event.preventDefault();
  }

  /** The open row, as it is now. */
  draw() {
    const row = this.table.row();
    setText(this.title, row ? `Close up: ${row.prompt}` : 'Close up');
    const said = this.table.store.of(this.table.open, MERGE);
    this.on.hidden = !this.canGoOn(said);
    if (this.of !== this.table.open) setText(this.note, '');
    this.of = this.table.open;
  }

  /**
   * Whether an answer ended at its length, not where its model reads no further.
   * @param {import('./kinds.js').Said} said
   */
  canGoOn(said) {
    return said.cut && said.tokens.length >= this.manner.length && said.tokens.length < LONGEST;
  }

  /** @param {import('./kinds.js').Row | undefined} row */
  goOn(row = this.table.row()) {
    if (!row) return;
    const times = (row.times ?? 1) + 1;
    this.table.open = row.id;
    this.table.change(this.table.rows.map((one) => (one.id === row.id ? { ...one, times } : one)), 'submit'); // prettier-ignore
    this.table.focus(row.id);
  }

  again() {
    if (this.manner.variety > 0) {
      this.draws();
      return;
    }
    const set = button('rw-stop', 'Set 0.7', () => {
      setText(this.note, 'Variety is 0.7 now.');
      this.draws();
    });
    this.note.replaceChildren('The same words: variety is 0. ', set);
    set.focus();
  }

  draws() {
    this.table.host.trigger('retry');
    this.table.insist(this.table.store.run);
  }
}
