// The chat: a conversation with the merge, and with any chosen others side by side; talk.js tells what it is given.

import { colourOf } from '../answers/card.js';
import { FINAL } from '../answers/kinds.js';
import { button, deskOf, el, grouped, setText, titled } from '../shared/dom.js';
import { copier } from '../shared/copy.js';
import { read, readOrNull } from '../shared/host.js';
import { LINE, LOST } from '../shared/states.js';
import { ticker } from './beside.js';
import { field } from './field.js';
import { further } from './further.js';
import { keeper } from './keep.js';
import { MERGE, Talk, shownOf, stateOf } from './talk.js';

/** @typedef {import('./talk.js').Turn} Turn */
/** @typedef {import('./talk.js').Said} Said */
/** @typedef {import('./talk.js').Column} Column */

const PATIENCE = 3000; // ms; as the rows': an event that comes while gradio is at another is lost

export class Chat {
  /**
   * @param {import('../shared/host.js').Host} host
   * @param {HTMLElement} root
   */
  constructor(host, root) {
    this.host = host;
    this.root = root;
    this.talk = new Talk();
    /** @type {import('./talk.js').Board} */
    this.board = {};
    this.manner = { variety: 0, length: 160 };
    this.recipe = '';
    this.editing = -1;
    this.announced = true;
    this.waiting = 0;
    /** @type {HTMLElement | null} */
    this.opener = null;
    /** @type {HTMLElement[]} the turns as they are drawn */
    this.drawn = [];
    this.facts = el('span', 'ch-facts');
    this.over = button('ch-button', 'Start over', () => this.startOver());
    this.system = el('details', 'ch-system');
    this.beside = grouped(el('div', 'ch-beside'), 'Who answers beside your merge');
    this.told = el('p', 'ch-told');
    this.log = el('div', 'ch-log');
    this.note = el('p', 'ch-note');
    this.place = '';
    this.live = el('div', 'ch-hidden');
    this.live.setAttribute('aria-live', 'polite');
    this.note.setAttribute('role', 'status');
    this.say = field('Say something', (text) => this.send(text), () => this.leave()); // prettier-ignore
    this.send_ = button('ch-send', 'Send', () => this.say.send());
    this.stop = button('ch-button', 'Stop', () => host.trigger('stop'));
    this.lay();
  }

  lay() {
    const title = el('h3', 'ch-title', 'Chat with your merge');
    const close = titled(button('ch-button', 'Back to close up', () => this.leave()), 'Esc'); // prettier-ignore
    const head = el('div', 'ch-head');
    head.append(title, this.facts, this.over, close);
    const system = field('System prompt', () => this.say.node.focus(), () => this.leave(), true); // prettier-ignore
    system.node.addEventListener('input', () => {
      this.talk.system = system.value;
    });
    this.system.append(el('summary', '', 'System prompt'), system.node);
    const line = el('div', 'ch-line');
    line.append(this.say.node, this.stop, this.send_);
    this.log.tabIndex = 0;
    this.log.setAttribute('role', 'log');
    this.log.setAttribute('aria-live', 'off');
    this.log.setAttribute('aria-label', 'Conversation');
    this.root.setAttribute('role', 'region');
    this.root.setAttribute('aria-label', 'Chat');
    this.root.append(head, this.system, this.beside, this.told, this.log, this.note, line, this.live);
    this.root.addEventListener('chat', () => this.enter());
    window.addEventListener(LINE, () => {
      clearTimeout(this.waiting);
      if (this.root.isConnected && this.talk.lose(LOST)) this.draw();
    });
    this.root.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      event.preventDefault();
      event.stopPropagation(); // a drawer stays as it is
      this.leave();
    });
  }

  // ---------------------------------------------------------------- open and shut

  enter() {
    const at = document.activeElement;
    this.opener = at instanceof HTMLElement ? at : null;
    this.root.hidden = false;
    deskOf(this.root).dataset.chat = '';
    this.draw();
    this.say.node.focus();
  }

  leave() {
    if (this.editing >= 0) {
      this.edit(-1);
      return;
    }
    this.root.hidden = true;
    delete deskOf(this.root).dataset.chat;
    this.opener?.focus();
  }

  // ---------------------------------------------------------------- what Python says

  takeBoard() {
    this.board = readOrNull(this.host.props.board) ?? {};
    const keys = new Set((this.board.columns ?? []).map(({ key }) => key));
    for (const key of this.talk.beside) if (!keys.has(key)) this.talk.beside.delete(key);
    this.drawBeside();
    this.draw();
  }

  takeRecipe() {
    this.recipe = String(this.host.props.recipe ?? '');
    this.draw();
  }

  takeManner() {
    this.manner = { ...this.manner, ...readOrNull(this.host.props.manner) };
    this.drawFacts();
  }

  takeFeed() {
    const feed = readOrNull(this.host.props.feed);
    if (!this.talk.take(feed)) return;
    clearTimeout(this.waiting);
    if ('note' in feed) this.tellPlace(String(feed.note ?? ''));
    if (this.talk.alarm) setText(this.note, this.talk.alarm);
    this.draw();
    this.announce();
  }

  /** A place in line, where nothing else has been said. @param {string} words */
  tellPlace(words) {
    if (['', this.place].includes(this.note.textContent ?? '')) setText(this.note, words);
    this.place = words;
  }

  announce() {
    if (this.talk.busy || this.announced) return;
    this.announced = true;
    const said = this.talk.last?.said[MERGE];
    setText(this.live, said ? `Your merge says: ${said.error || said.text}` : '');
  }

  // ---------------------------------------------------------------- what the visitor does

  who() {
    return [MERGE, ...(this.board.columns ?? []).map(({ key }) => key).filter((key) => this.talk.beside.has(key))];
  }

  /**
   * @param {string} text
   * @param {number} [at] the turn that it takes the place of
   * @returns {boolean} whether it was taken
   */
  send(text, at = this.talk.turns.length) {
    if (!text.trim() || (this.talk.busy && at === this.talk.turns.length)) return false;
    this.talk.from(at, text);
    this.editing = -1;
    this.ask();
    return true;
  }

  ask(on = false) {
    this.talk.begin(this.who(), on);
    this.announced = false;
    setText(this.note, '');
    this.hand();
    this.draw();
    this.log.scrollTop = this.log.scrollHeight;
  }

  hand() {
    const seq = (read(this.host.props.value).seq ?? 0) + 1;
    this.host.props.value = JSON.stringify({ ...this.talk.sent(this.who()), seq });
    this.host.trigger('submit');
    clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => {
      if (this.root.isConnected && this.talk.busy) this.host.trigger('submit');
    }, PATIENCE);
  }

  startOver() {
    if (this.talk.busy) this.host.trigger('stop');
    this.talk.turns = [];
    this.editing = -1;
    setText(this.note, '');
    this.draw();
    this.say.node.focus();
  }

  /**
   * The same words are said to the models again, as they are now; what came after is gone.
   * @param {number} at
   */
  answerFrom(at) {
    this.talk.from(at, this.talk.turns[at].user);
    this.ask();
  }

  /** Other words: the next seed. Without variety there are none. */
  again() {
    const turn = this.talk.last;
    if (!turn) return;
    if (!(this.manner.variety > 0)) {
      const set = button('ch-button', 'Set 0.7', () => {
        this.host.trigger('retry');
        setText(this.note, 'Variety is 0.7 now: press Again.');
        this.say.node.focus();
      });
      this.note.replaceChildren('The same words: variety is 0. ', set);
      set.focus();
      return;
    }
    turn.again += 1;
    this.ask();
  }

  goOn() {
    const turn = this.talk.last;
    if (!turn) return;
    turn.times += 1;
    this.ask(true);
  }

  /** @param {number} at */
  edit(at) {
    const was = this.editing;
    this.editing = at;
    this.draw();
    const place = this.drawn[at >= 0 ? at : was]?.querySelector(at >= 0 ? 'textarea' : '.ch-edit');
    if (place instanceof HTMLElement) place.focus();
    else this.say.node.focus();
  }

  // ---------------------------------------------------------------- drawing

  drawFacts() {
    const words = this.board.columns?.find(({ lead }) => lead)?.words;
    const { variety, length } = this.manner;
    setText(this.facts, [words, `up to ${length} tokens`, `variety ${variety}`].filter(Boolean).join(' · '));
  }

  drawBeside() {
    const others = (this.board.columns ?? []).filter(({ lead }) => !lead);
    const boxes = others.map((column) => ticker(column, this.talk.beside));
    this.beside.replaceChildren(el('span', 'ch-facts', 'Also answers:'), ...boxes);
    this.beside.hidden = !others.length;
  }

  draw() {
    const { turns, busy } = this.talk;
    const low = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 32;
    this.drawFacts();
    const names = Object.fromEntries((this.board.columns ?? []).map(({ key, name, lead }) => [key, lead ? 'Your merge' : (name ?? key)])); // prettier-ignore
    /** @type {Record<string, string[]>} */
    const told = {};
    for (const key of this.who()) if (this.talk.told[key]) (told[this.talk.told[key]] ??= []).push(names[key] ?? key);
    setText(this.told, Object.entries(told).map(([words, of]) => `${of.join(', ')}: ${words}.`).join(' ')); // prettier-ignore
    this.told.hidden = !this.told.textContent;
    turns.forEach((turn, i) => this.drawTurn(turn, i));
    for (const gone of this.drawn.splice(turns.length)) gone.remove();
    this.stop.hidden = !busy;
    this.over.hidden = !turns.length;
    if (low) this.log.scrollTop = this.log.scrollHeight;
  }

  /**
   * A turn is drawn again only where it is another now: what has the focus keeps it.
   * @param {Turn} turn
   * @param {number} i
   */
  drawTurn(turn, i) {
    const last = i === this.talk.turns.length - 1;
    const shape = JSON.stringify([
      turn.user, this.recipe, this.editing === i, last, this.talk.busy, this.board,
      Object.entries(turn.said).map(([key, said]) => [key, stateOf(key, said, this.recipe), said.state]),
    ]); // prettier-ignore
    let box = this.drawn[i];
    if (box?.dataset.shape !== shape) {
      const inside = box?.contains(document.activeElement) && this.editing !== i;
      this.drawn[i] = box = this.anew(box, turn, i, last);
      box.dataset.shape = shape;
      if (inside && !box.contains(document.activeElement)) this.say.node.focus();
    }
    for (const text of box.querySelectorAll('.ch-text')) {
      const said = turn.said[/** @type {HTMLElement} */ (text).dataset.key ?? ''];
      if (said) setText(text, shownOf(said).trim());
    }
  }

  /**
   * What was said stays as it is where only the answers are others: a press on it would be lost.
   * @param {HTMLElement | undefined} box
   * @param {Turn} turn
   * @param {number} i
   * @param {boolean} last
   */
  anew(box, turn, i, last) {
    const above = JSON.stringify([turn.user, this.editing === i]);
    if (box?.dataset.above === above && this.editing !== i) {
      box.lastElementChild?.replaceWith(this.answers(turn, i, last));
      return box;
    }
    const made = el('div', 'ch-turn');
    made.dataset.above = above;
    made.append(this.editing === i ? this.form(turn, i) : this.bubble(turn, i), this.answers(turn, i, last));
    if (box) box.replaceWith(made);
    else this.log.append(made);
    return made;
  }

  /**
   * @param {Turn} turn
   * @param {number} i
   */
  bubble(turn, i) {
    const box = el('div', 'ch-user');
    const words = el('p', 'ch-words', turn.user);
    words.dir = 'auto';
    box.append(
      keeper(turn.user, i + 1, (sentence) => setText(this.note, sentence)),
      button('ch-button ch-edit', 'Edit', () => this.edit(i), `Edit turn ${i + 1}`),
      words,
    );
    return box;
  }

  /**
   * @param {Turn} turn
   * @param {number} i
   */
  form(turn, i) {
    const made = field(`Turn ${i + 1}`, (text) => this.send(text, i), () => this.edit(-1)); // prettier-ignore
    made.node.value = turn.user;
    const box = el('div', 'ch-user');
    box.append(made.node, button('ch-send', 'Send again', () => made.send()), button('ch-button', 'Leave', () => this.edit(-1))); // prettier-ignore
    return box;
  }

  /**
   * @param {Turn} turn
   * @param {number} i
   * @param {boolean} last
   */
  answers(turn, i, last) {
    const box = el('div', 'ch-answers');
    const several = Object.keys(turn.said).length > 1;
    for (const [key, said] of Object.entries(turn.said)) {
      const column = this.board.columns?.find((one) => one.key === key);
      const name = key === MERGE ? 'Your merge' : String(column?.name ?? key);
      const card = grouped(el('div', 'ch-answer'), `${name}, turn ${i + 1}`);
      card.style.setProperty('--ch-colour', key === MERGE ? 'var(--me-merge)' : Number.isInteger(column?.slot) ? colourOf(column?.slot) : 'var(--me-base)'); // prettier-ignore
      card.dataset.state = said.state;
      if (several) card.append(el('span', 'ch-name', name));
      const text = el('p', 'ch-text');
      text.dir = 'auto';
      text.dataset.key = key;
      card.append(text, this.foot(key, said, i, last));
      box.append(card);
    }
    return box;
  }

  /**
   * @param {string} key
   * @param {Said} said
   * @param {number} i
   * @param {boolean} last
   */
  foot(key, said, i, last) {
    const foot = el('div', 'ch-foot');
    const recipe = this.recipe;
    foot.append(el('span', 'ch-state', stateOf(key, said, recipe)));
    if (!FINAL.includes(said.state) || this.talk.busy) return foot;
    if (said.text.trim()) foot.append(copier('ch-button', () => said.text.trim()));
    if (last) foot.append(...further(this, key, said));
    const stale = key === MERGE && said.recipe && said.recipe !== recipe;
    const unfinished = ['failed', 'stopped'].includes(said.state);
    if (stale || unfinished) foot.append(button('ch-button', 'Answer again from here', () => this.answerFrom(i)));
    return foot;
  }
}
