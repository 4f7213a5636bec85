// The rows: prompts that stay, asked again at each stroke; below them the field to ask in, the score, and the open row close up.

import { Panel } from '../answers/panel.js';
import { FINAL } from '../answers/kinds.js';
import { slotColour } from '../shared/colours.js';
import { button, el, setText } from '../shared/dom.js';
import { read } from '../shared/host.js';
import { Ask, form } from './ask.js';
import { MERGE, MOST, apart, textOf } from './kinds.js';
import { RowView } from './row.js';
import { Score } from './score.js';
import { Store } from './store.js';

/** @typedef {import('./kinds.js').Row} Row */
/** @typedef {import('./kinds.js').Feed} Feed */

export class Table {
  /**
   * @param {import('../shared/host.js').Host} host
   * @param {HTMLElement} root
   */
  constructor(host, root) {
    this.host = host;
    this.root = root;
    this.store = new Store();
    /** @type {Row[]} */
    this.rows = [];
    this.open = '';
    /** @type {import('./kinds.js').Board} */
    this.board = {};
    /** @type {Map<string, RowView>} */
    this.views = new Map();
    this.told = -Infinity;
    this.score = new Score();
    this.asking = new Ask(
      (prompt) => this.add(prompt),
      () => host.trigger('stop'),
    );
    this.head = el('tr', 'rw-head');
    this.body = el('tbody');
    this.live = el('div', 'rw-hidden');
    this.live.setAttribute('aria-live', 'polite');
    this.edited = el('div', 'rw-edited');
    this.title = el('h3', 'rw-title');
    this.says = el('p', 'rw-says');
    /** @type {Record<string, any>} what the close-up is given, as if it were a part of its own */
    this.shown = { value: {}, feed: {} };
    this.panelRun = 0;
    this.panelSeq = 0;
    const inner = el('div', 'answers');
    const vote = () => this.hand({ vote: this.shown.value.vote }, 'select');
    this.panel = new Panel({ element: inner, props: this.shown, trigger: vote, watch: () => {}, server: {} }, inner);
    this.lay(inner);
  }

  /** @param {HTMLElement} inner */
  lay(inner) {
    const table = el('table', 'rw-table');
    const head = el('thead');
    head.append(this.head);
    table.append(head, this.body);
    const box = el('div', 'rw-box');
    box.append(table);
    const close = el('div', 'rw-close');
    close.append(this.title, inner, this.says);
    this.root.append(box, this.edited, this.asking.box, this.score.box, close, this.live);
  }

  // ---------------------------------------------------------------- what Python says

  takeBoard() {
    this.board = read(this.host.props.board);
    setText(this.says, this.board.says ?? '');
    this.says.hidden = !this.board.says;
    this.shown.value = { columns: this.board.columns ?? [], blind: this.board.blind };
    this.root.dataset.blind = String(Boolean(this.board.blind));
    this.panel.build();
    this.drawHead();
    this.drawAll();
    this.lookAt();
  }

  build() {
    const { rows = [], open = '' } = read(this.host.props.value);
    const [was, prompt] = [this.open, this.row()?.prompt];
    this.rows = rows;
    this.open = rows.some((/** @type {Row} */ row) => row.id === open) ? open : (rows[0]?.id ?? '');
    this.views = new Map(rows.map((/** @type {Row} */ row) => [row.id, new RowView(row, this.acts())]));
    this.body.replaceChildren(...[...this.views.values()].map(({ line }) => line));
    this.drawAll();
    if (this.open !== was || this.row()?.prompt !== prompt) this.lookAt();
  }

  row() {
    return this.rows.find((row) => row.id === this.open);
  }

  takeProp() {
    /** @type {Feed | null | undefined} */
    const feed = read(this.host.props.feed);
    if (!feed || typeof feed.run !== 'number' || !this.store.isNew(feed)) return;
    if (this.board.blind || feed.reveal) {
      [this.store.run, this.store.seq] = [feed.run, feed.seq ?? this.store.seq + 1];
      this.panelRun = Math.max(this.panelRun, feed.run);
      this.panel.take(/** @type {Feed} */ ({ ...feed, run: this.panelRun, seq: (this.panelSeq += 1) }));
      return;
    }
    const touched = this.store.take(feed);
    for (const id of new Set([...touched].map((key) => apart(key)[0])))
      this.views.get(id)?.draw(this.store, this.columns(), id === this.open);
    if (feed.start) this.drawAll();
    this.forward(feed);
    this.finish();
  }

  columns() {
    return this.board.columns ?? [];
  }

  // ---------------------------------------------------------------- drawing

  drawHead() {
    const heads = [el('th', 'rw-prompt', 'Prompt'), el('th', 'rw-merge', 'Your merge'), el('th', 'rw-before', 'Before')];
    for (const column of this.columns().filter(({ lead }) => !lead)) {
      const cell = el('th', 'rw-other');
      const name = String(column.name ?? column.key);
      const fold = button('rw-fold', '', () => this.unfold(column.key), `${name}: show its answers`);
      fold.title = name;
      const dot = el('i', 'rw-dot');
      if (typeof column.slot === 'number') dot.style.background = slotColour(column.slot);
      fold.append(dot, el('span', '', name));
      cell.append(fold);
      heads.push(cell);
    }
    this.root.dataset.many = String(heads.length > 7);
    for (const cell of heads) cell.scope = 'col';
    this.head.replaceChildren(...heads);
  }

  /** @param {string} key */
  unfold(key) {
    const at = this.columns().filter(({ lead }) => !lead).findIndex((column) => column.key === key); // prettier-ignore
    this.root.dataset.unfolded = this.root.dataset.unfolded === String(at) ? '' : String(at);
    this.drawAll();
  }

  drawAll() {
    for (const [id, view] of this.views) {
      view.draw(this.store, this.columns(), id === this.open);
      view.cells.forEach((cell, i) => (cell.dataset.unfolded = String(this.root.dataset.unfolded === String(i))));
    }
    this.asking.draw(this.board.chips ?? [], this.rows.length >= MOST);
    this.score.take('', this.store.score(this.rows));
  }

  /** The open row, close up: all that was said to it. */
  lookAt() {
    const row = this.row();
    setText(this.title, row ? `Close up: ${row.prompt}` : 'Close up');
    if (!row || this.board.blind) return;
    const full = Object.fromEntries(this.columns().map(({ key }) => [key, this.store.of(row.id, key).tokens]));
    const state = Object.fromEntries(this.columns().map(({ key }) => [key, this.store.of(row.id, key).state]));
    const error = Object.fromEntries(
      this.columns().flatMap(({ key }) => (this.store.of(row.id, key).error ? [[key, this.store.of(row.id, key).error]] : [])),
    );
    this.panelRun += 1;
    this.panelSeq = 1;
    this.panel.take(/** @type {any} */ ({ run: this.panelRun, seq: 1, start: true, full, state, error }));
  }

  /**
   * What of a feed is the open row's, to the close-up.
   * @param {Feed} feed
   */
  forward(feed) {
    const own = (/** @type {Record<string, any> | undefined} */ given) =>
      Object.fromEntries(
        Object.entries(given ?? {}).flatMap(([key, value]) => {
          const [row, who] = apart(key);
          return row === this.open || !row ? [[who, value]] : [];
        }),
      );
    if (feed.start) {
      this.lookAt();
      this.panel.take(
        /** @type {any} */ ({ run: this.panelRun, seq: (this.panelSeq += 1), note: feed.note ?? '', error: own(feed.error) }),
      );
      return;
    }
    const add = (feed.add ?? []).flatMap(([key, ...token]) => {
      const [row, who] = apart(String(key));
      return row === this.open ? [[who, ...token]] : [];
    });
    const done = (feed.done ?? []).flatMap((key) => (apart(String(key))[0] === this.open ? [apart(String(key))[1]] : []));
    const told = { add, done, full: own(feed.full), state: own(feed.state), error: own(feed.error) };
    const note = 'note' in feed ? { note: feed.note } : {};
    this.panel.take(/** @type {any} */ ({ run: this.panelRun, seq: (this.panelSeq += 1), ...told, ...note }));
  }

  /** After each feed: the score, and once for a run a sentence. */
  finish() {
    const score = this.store.score(this.rows);
    this.score.take(this.store.recipe, score);
    const states = this.rows.map((row) => this.store.of(row.id, MERGE).state);
    const busy = states.some((state) => state === 'busy' || state === 'waiting');
    this.asking.stop.hidden = !busy;
    if (busy || this.told === this.store.run) return;
    if (!states.every((state) => FINAL.includes(state))) return;
    this.told = this.store.run;
    const changed = this.rows.filter(
      ({ id }) => this.store.before.has(id) && this.store.before.get(id) !== this.store.last.get(id),
    );
    const words = changed.slice(0, 1).map((row) => {
      const number = this.rows.indexOf(row) + 1;
      return `Row ${number} changed: ${textOf(this.store.of(row.id, MERGE))} It was: ${this.store.before.get(row.id)}`;
    });
    const right = score.of ? [`${score.right} of ${score.of} right.`] : [];
    setText(this.live, [...right, ...words].join(' ') || 'Answers finished.');
  }

  // ---------------------------------------------------------------- what the visitor does

  /** @returns {import('./row.js').Acts} */
  acts() {
    return {
      open: (row) => {
        if (row.id === this.open) return;
        this.open = row.id;
        this.drawAll();
        this.lookAt();
        this.hand({}, 'input');
      },
      tick: (row, ticked) => this.change(this.rows.map((one) => (one.id === row.id ? { ...one, ticked } : one)), 'input'), // prettier-ignore
      edit: (row) => this.editRow(row),
      remove: (row) => this.change(this.rows.filter((one) => one.id !== row.id), 'input'), // prettier-ignore
    };
  }

  /** @param {Row} row */
  editRow(row) {
    const leave = () => this.edited.replaceChildren();
    const { box, prompt } = form(
      row,
      (now) => {
        leave();
        this.open = row.id;
        this.change(this.rows.map((one) => (one.id === row.id ? now : one)), 'submit'); // prettier-ignore
      },
      leave,
    );
    this.edited.replaceChildren(box);
    prompt.focus();
  }

  /** @param {string} prompt */
  add(prompt) {
    const known = this.rows.find((row) => row.prompt === prompt);
    if (!known && this.rows.length >= MOST) return;
    const taken = new Set(this.rows.map(({ id }) => id));
    let number = this.rows.length + 1;
    while (taken.has(`r${number}`)) number += 1;
    this.open = known?.id ?? `r${number}`;
    this.change(known ? this.rows : [...this.rows, { id: this.open, prompt, answer: '', match: '', ticked: true }], 'submit');
  }

  /**
   * @param {Row[]} rows
   * @param {'input' | 'submit'} event
   */
  change(rows, event) {
    this.rows = rows;
    if (!rows.some(({ id }) => id === this.open)) this.open = rows[0]?.id ?? '';
    this.hand({}, event);
    this.build();
    this.lookAt();
  }

  /**
   * @param {object} more
   * @param {string} event
   */
  hand(more, event) {
    const seq = (read(this.host.props.value).seq ?? 0) + 1;
    this.host.props.value = structuredClone({ rows: this.rows, open: this.open, seq, ...more });
    this.host.trigger(event);
  }
}
