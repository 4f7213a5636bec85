// The rows: prompts that stay, asked again at each stroke; below them the field to ask in, the score, and the open row close up.

import { FINAL } from '../answers/kinds.js';
import { el, setText } from '../shared/dom.js';
import { read } from '../shared/host.js';
import { LINE } from '../shared/states.js';
import { Ask } from './ask.js';
import { CloseUp } from './closeup.js';
import { Doing } from './doing.js';
import { alike, rowsFor } from './family.js';
import { heads } from './heads.js';
import { load, save } from './keep.js';
import { listen, rove } from './keys.js';
import { Lens } from './lens.js';
import { KEEP, MERGE, MOST, apart, textOf } from './kinds.js';
import { RowView } from './row.js';
import { Score } from './score.js';
import { Series } from './series.js';
import { Store } from './store.js';

/** @typedef {import('./kinds.js').Row} Row */
/** @typedef {import('./kinds.js').Feed} Feed */

const UNDER_WAY = ['busy', 'waiting', 'idle'];
const OPENING = 400; // ms until a drawer is there
const PATIENCE = 3000; // ms; whoever waits in line is told so by then

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
    this.family = '';
    /** @type {Map<string, {rows: Row[], open: string}>} the rows of other models that were here */
    this.families = new Map();
    this.unfolded = '';
    this.bypassed = false;
    this.waiting = 0;
    /** @type {import('./kinds.js').Board} */
    this.board = {};
    /** @type {import('./kinds.js').Board} the board that came last, of no blind test */
    this.next = {};
    /** @type {Map<string, RowView>} */
    this.views = new Map();
    this.told = -Infinity;
    this.away = false;
    this.score = new Score(
      () => this.hand({}, 'apply'),
      (recipe) => this.hand({ recipe }, 'undo'),
      () => this.judge(),
    );
    this.doing = new Doing(this);
    this.asking = new Ask(
      (prompt) => this.doing.add(prompt),
      () => this.hand({}, 'submit'), // also the way out of a blind test
      () => host.trigger('stop'),
      () => this.doing.more(),
      () => host.trigger('expand'),
    );
    this.table = el('table', 'rw-table');
    this.head = el('tr', 'rw-head');
    this.body = el('tbody');
    this.live = el('div', 'rw-hidden');
    this.live.setAttribute('aria-live', 'polite');
    this.edited = el('div', 'rw-edited');
    this.close = new CloseUp(this);
    this.says = el('p', 'rw-says');
    this.drawnOf = ''; // the board, as text
    this.lens = new Lens();
    this.series = new Series(
      (votes) => this.hand({ votes }, 'select'),
      () => this.hand({}, 'submit'),
    );
    this.lay(this.lens.box);
  }

  /** @param {HTMLElement} inner */
  lay(inner) {
    const { table } = this;
    table.setAttribute('aria-label', 'Prompts and answers');
    listen(table, this.doing.keys());
    window.addEventListener(KEEP, (event) => {
      const { detail } = /** @type {CustomEvent} */ (event);
      if (this.root.isConnected) detail.kept = this.doing.add(detail.prompt);
    });
    window.addEventListener(LINE, (event) => {
      if (this.root.isConnected) this.takeLine(/** @type {CustomEvent} */ (event).detail);
    });
    const head = el('thead');
    head.append(this.head);
    table.append(head, this.body);
    const box = el('div', 'rw-box');
    box.append(table);
    const close = el('div', 'rw-close');
    close.append(this.close.box, this.close.note, inner, this.says);
    close.addEventListener('keydown', (event) => this.close.key(event));
    this.root.append(
      el('h2', 'rw-hidden', 'Answers'),
      box,
      this.edited,
      this.asking.box,
      this.score.box,
      this.series.box,
      close,
      this.live,
    );
  }

  // ---------------------------------------------------------------- what Python says

  takeBoard() {
    const board = read(this.host.props.board);
    if (board.blind) {
      this.board = { ...this.board, blind: board.blind };
      this.root.dataset.blind = 'true';
      this.series.begin(board.blind);
      return;
    }
    this.next = board;
    if (!this.board.blind) this.leave(); // else when the next run begins: this may be an edit's that came before the test
  }

  /** The usual table, with the board that came last. */
  leave() {
    const { did: _did, ...rest } = this.next; // what the last stroke did: the rows are drawn when their answers begin
    const text = JSON.stringify(rest);
    const same = text === this.drawnOf && !this.board.blind;
    this.board = this.next;
    this.drawnOf = text;
    if (same) return;
    this.series.begin(undefined);
    this.settle();
    setText(this.says, this.board.says ?? '');
    this.says.hidden = !this.board.says;
    this.root.dataset.blind = 'false';
    this.lens.build(this.columns());
    this.drawHead();
    this.drawAll();
    this.lookAt();
  }

  /** Other models bring their own rows: those they had here, those this browser keeps, or those Python gives them. */
  settle() {
    const { begin } = this.board;
    if (!begin?.family || begin.family === this.family) return;
    const was = this.family;
    if (was) {
      this.families.set(was, { rows: this.rows, open: this.open });
      this.store.clear();
      this.score.clear();
    }
    this.family = begin.family;
    const linked = !was && new URLSearchParams(location.search).has('p'); // the link's prompt is what is wanted
    const kept = this.families.get(begin.family) ?? (linked ? null : load(begin.family));
    const rows = rowsFor(was, begin, read(this.host.props.value), kept);
    if (!rows) return;
    const show = () => {
      if (this.family !== begin.family) return;
      [this.rows, this.open] = [rows.rows, rows.open];
      this.hand({}, 'submit');
      this.build();
    };
    if (was) show();
    else setTimeout(show); // what is handed on while gradio mounts this part is lost
  }

  build() {
    const { rows = [], open = '', family } = read(this.host.props.value);
    if (family && this.family && family !== this.family) return; // the board with their models comes, and then they are drawn
    const [was, prompt] = [this.open, this.row()?.prompt];
    const focus = this.focused();
    this.store.shows(rows);
    this.anew(rows);
    this.rows = rows;
    this.open = rows.some((/** @type {Row} */ row) => row.id === open) ? open : (rows[0]?.id ?? '');
    this.views = new Map(rows.map((/** @type {Row} */ row) => [row.id, new RowView(row, this.doing.acts())]));
    this.body.replaceChildren(...[...this.views.values()].map(({ line }) => line));
    this.drawAll();
    rove(this.table, this.views.get(this.open)?.words);
    if (focus) this.focus(focus.id, focus.selector);
    if (this.open !== was || this.row()?.prompt !== prompt) this.lookAt();
  }

  /** Other rows, given by Python, are another start: nothing was before, and no stroke has been. @param {Row[]} rows */
  anew(rows) {
    if (!this.rows.length || alike(this.rows, rows)) return; // what the visitor does is in this.rows already
    this.store.anew();
    this.score.clear();
  }

  /** Which part of which row has the focus. */
  focused() {
    const node = document.activeElement;
    const id = node?.closest('tr')?.dataset.row;
    if (!node || !id || !this.body.contains(node)) return null;
    const tools = [...(node.parentElement?.children ?? [])].indexOf(node);
    return { id, selector: node.matches('.rw-tool') ? `.rw-tool:nth-child(${tools + 1})` : `.${node.className}` };
  }

  /**
   * @param {string | undefined} id
   * @param {string} [selector]
   */
  focus(id, selector = '.rw-words') {
    const line = this.views.get(id ?? '')?.line ?? this.body.querySelector('tr');
    const node = /** @type {HTMLElement | null | undefined} */ (line?.querySelector(selector));
    (node ?? this.asking.field).focus();
  }

  row() {
    return this.rows.find((row) => row.id === this.open);
  }

  takeProp() {
    /** @type {Feed | null | undefined} */
    const feed = read(this.host.props.feed);
    if (!feed || typeof feed.run !== 'number' || !this.store.isNew(feed)) return;
    if (this.board.blind && feed.run > Number(this.board.blind.id)) this.leave();
    if (this.board.blind) {
      this.series.take(feed);
      return;
    }
    const touched = this.store.take(feed);
    if (feed.start || 'place' in feed || feed.stale || feed.run !== this.drawn) this.drawAll();
    else for (const id of new Set([...touched].map((key) => apart(key)[0]))) this.drawRow(id);
    this.drawn = feed.run;
    if (feed.start) this.lookAt();
    this.lens.forward(feed, this.open);
    this.finish();
  }

  /** The score was pressed: Find opens, where the figures are worked out. */
  judge() {
    const tab = document.querySelectorAll('#below > .tab-wrapper [role=tab]')[1];
    const shut = tab instanceof HTMLElement && tab.getAttribute('aria-selected') !== 'true';
    if (shut) tab.click();
    setTimeout(() => this.host.trigger('like'), shut ? OPENING : 0);
  }

  columns() {
    return this.board.columns ?? [];
  }

  // ---------------------------------------------------------------- drawing

  drawHead() {
    const acts = { unfold: (/** @type {string} */ key) => this.unfold(key), bypass: (/** @type {boolean} */ on) => this.bypass(on) }; // prettier-ignore
    const again = this.head.contains(document.activeElement) ? document.activeElement?.closest('th') : null;
    const at = again ? [...this.head.children].indexOf(again) : -1;
    this.head.replaceChildren(...heads(this.columns(), this.unfolded, acts));
    for (const node of this.head.querySelectorAll('button')) node.tabIndex = -1;
    if (at >= 0) this.head.children[at]?.querySelector('button')?.focus();
    this.root.dataset.many = String(this.columns().length > 5);
  }

  /** @param {string} key */
  unfold(key) {
    this.unfolded = this.unfolded === key ? '' : key;
    this.drawHead();
    this.drawAll();
  }

  /**
   * As long as the base's head is held, its answers are read in the merge's place.
   * @param {boolean} on
   */
  bypass(on) {
    if (this.bypassed === on) return;
    this.bypassed = on;
    this.drawAll();
    const base = this.columns().find((column) => column.base);
    const row = this.row();
    setText(this.live, on && base && row ? `The base says: ${textOf(this.store.of(row.id, base.key))}` : '');
  }

  /** @param {string} id */
  drawRow(id) {
    const view = this.views.get(id);
    const instead = this.bypassed ? this.columns().find((column) => column.base) : undefined;
    view?.draw(this.store, this.columns(), id === this.open, instead);
    const said = this.store.of(id, MERGE);
    if (view && this.close.canGoOn(said)) view.offer(() => this.close.goOn(view.row));
    if (id === this.open) this.close.draw();
    const others = this.columns().filter(({ lead }) => !lead);
    view?.cells.forEach((cell, i) => (cell.dataset.unfolded = String(others[i]?.key === this.unfolded)));
  }

  drawAll() {
    for (const id of this.views.keys()) this.drawRow(id);
    this.asking.draw(this.board.chips ?? [], this.rows.length >= MOST);
    this.score.take('', this.store.score(this.rows));
  }

  /** The open row, close up: all that was said to it. */
  lookAt() {
    const row = this.row();
    this.close.draw();
    if (!row || this.board.blind) return;
    this.lens.show(this.columns().map(({ key }) => [key, this.store.of(row.id, key)]));
  }

  /** @param {string[]} states of everybody who was asked */
  offerStop(states) {
    this.asking.stop.hidden = !states.some((state) => UNDER_WAY.includes(state));
  }

  /** After each feed: the score, and once for a run a sentence. */
  finish() {
    const score = this.store.score(this.rows);
    const changed = this.rows.filter(
      ({ id }) => this.store.before.has(id) && this.store.before.get(id) !== this.store.last.get(id),
    );
    const states = this.rows.map((row) => this.store.of(row.id, MERGE).state);
    const all = this.rows.flatMap((row) => this.columns().map(({ key }) => this.store.of(row.id, key).state));
    this.offerStop(all); // also while only a model still speaks
    const whole = states.every((state) => ['done', 'cached'].includes(state));
    this.score.take(this.store.recipe, score, { right: changed.length, of: this.rows.length, whole, did: this.board.did });
    if (states.some((state) => UNDER_WAY.includes(state)) || this.told === this.store.run) return;
    if (!states.every((state) => FINAL.includes(state))) return;
    this.told = this.store.run;
    window.dispatchEvent(new Event('merge-explorer-idle'));
    const words = changed.slice(0, 1).map((row) => {
      const number = this.rows.indexOf(row) + 1;
      return `Row ${number} changed: ${textOf(this.store.of(row.id, MERGE))} It was: ${this.store.before.get(row.id)}`;
    });
    const right = score.of ? [`${score.right} of ${score.of} right.`] : [];
    setText(this.live, [...right, ...words].join(' ') || 'Answers finished.');
  }

  /**
   * @param {Row[]} rows
   * @param {'input' | 'submit'} event
   */
  change(rows, event) {
    this.rows = rows;
    if (!rows.some(({ id }) => id === this.open)) this.open = rows[0]?.id ?? '';
    save(this.family, this.rows, this.open);
    this.hand({}, event);
    this.build();
    this.lookAt();
  }

  /**
   * Gradio loses what comes while another event of the page is under way: who has heard nothing by then asks once more.
   * @param {number} run
   * @param {string} [event]
   * @param {number} [more] how often
   */
  insist(run, event = 'submit', more = ['submit', 'undo'].includes(event) ? 1 : 5) {
    clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => {
      const heard = ['submit', 'undo'].includes(event) ? this.store.run !== run : this.series.heard(event);
      if (!this.root.isConnected || heard || !this.row()) return;
      this.host.trigger(event);
      if (more > 1) this.insist(run, event, more - 1);
    }, PATIENCE);
  }

  /**
   * @param {object} more
   * @param {string} event
   */
  hand(more, event) {
    const seq = (read(this.host.props.value).seq ?? 0) + 1;
    this.host.props.value = JSON.stringify({ rows: this.rows, open: this.open, family: this.family, seq, ...more });
    this.host.trigger(event);
    if (event !== 'input' && !this.away) this.insist(this.store.run, event);
  }

  /**
   * Without a connection nobody is asked; when it is there again, Python asks once by itself.
   * @param {{away: boolean, unsent: boolean}} line
   */
  takeLine({ away, unsent }) {
    this.away = away;
    clearTimeout(this.waiting);
    if ((!away && !unsent) || !this.store.unask(unsent)) return;
    this.offerStop([]);
    this.drawAll();
    this.lookAt();
  }
}
