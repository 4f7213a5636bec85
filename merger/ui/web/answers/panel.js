// The answers: the merge and its parents side by side, streaming; kinds.js tells what the panel is given.

import { button, el, grouped, press } from '../shared/dom.js';
import { read } from '../shared/host.js';
import { oneStop } from '../shared/keyboard.js';
import { STATES } from '../shared/states.js';
import { Card, colourOf, lineOf, say } from './card.js';
import { FINAL } from './kinds.js';
import { Tip } from './tip.js';

/** @typedef {import('./kinds.js').Feed} Feed */
/** @typedef {import('./kinds.js').Token} Token */
/** @typedef {import('./kinds.js').Value} Value */

const MODES = [
  ['parent', 'who agrees', 'Underlined in the colour of the model that would have said the same'],
  ['sure', 'how sure', 'Shaded where the model gave the word a low probability'],
];

export class Panel {
  /**
   * @param {import('../shared/host.js').Host} host
   * @param {HTMLElement} root
   */
  constructor(host, root) {
    this.host = host;
    this.root = root;
    this.run = -Infinity;
    this.seq = -Infinity;
    /** @type {Map<string, Card>} */
    this.cards = new Map();
    this.cardOf = (/** @type {string} */ key) => this.cards.get(key);
    this.modes = oneStop(grouped(el('div', 'an-modes'), 'How words are drawn'));
    this.legend = el('span', 'an-legend');
    this.others = el('div', 'an-others');
    this.note = el('p', 'an-note');
    this.alarm = el('p', 'an-alarm');
    this.grid = el('div', 'an-grid');
    this.live = el('div', 'an-hidden');
    this.live.setAttribute('aria-live', 'polite');
    this.note.setAttribute('role', 'status');
    this.alarm.setAttribute('role', 'alert');
    this.tip = new Tip(root, this.live, this.cardOf);
    for (const [mode, text, title] of MODES) {
      const node = button('an-button', text, () => this.setMode(mode));
      Object.assign(node, { title }).dataset.mode = mode;
      this.modes.append(node);
    }
    root.append(this.note, this.alarm, this.grid, this.tip.box, this.live);
    this.setMode('parent');
    say(this.note, '');
    say(this.alarm, '');
  }

  /** @param {string} mode */
  setMode(mode) {
    this.root.dataset.mode = mode;
    for (const node of this.modes.querySelectorAll('button')) press(node, node.dataset.mode === mode);
    this.drawLegend();
  }

  /** What the lines under the merge's words mean. */
  drawLegend() {
    if (this.root.dataset.mode === 'sure') {
      this.legend.textContent = 'the darker, the less sure';
      return;
    }
    const lead = [...this.cards.values()].find((card) => card.column.lead);
    const found = [...new Set((lead?.said.tokens ?? []).map(([text, , , key]) => (text.trim() ? (key ?? null) : null)))]
      .filter((key) => key !== null)
      .sort((a, b) => Number(a === '') - Number(b === '')); // all: last
    this.legend.replaceChildren(
      ...found.flatMap((key) => {
        const parent = this.cardOf(key);
        if (key && !parent) return [];
        const line = el('i', 'an-line an-token');
        line.dataset.line = parent ? lineOf(parent) : 'all';
        if (parent) line.style.setProperty('--an-parent', colourOf(parent.column.slot));
        const words = el('span', 'an-key', parent ? `${parent.name} would say this too` : 'all would');
        words.prepend(line);
        return [words];
      }),
    );
  }

  build() {
    /** @type {Value} */
    const value = this.host.props.value ?? {};
    const columns = value.columns ?? [];
    const old = this.cards;
    this.cards = new Map();
    for (const column of columns) {
      const key = String(column.key);
      const card = old.get(key) ?? this.newCard();
      card.take(column, columns.some((c) => c.base)); // prettier-ignore
      this.cards.set(key, card);
    }
    const all = [...this.cards.values()];
    const lead = all.filter((card) => card.column.lead);
    const others = all.filter((card) => !card.column.lead);
    for (const card of lead) card.head.prepend(this.modes, this.legend);
    this.others.replaceChildren(el('h3', 'an-same', 'The others, same prompt'), ...others.map((card) => card.box));
    this.grid.replaceChildren(...lead.map((card) => card.box), this.others);
    this.drawLegend();
  }

  newCard() {
    const card = new Card(this.holder());
    this.tip.listen(card);
    return card;
  }

  // ---------------------------------------------------------------- bypass: as long as it is held, the base is heard

  /** @param {boolean} on */
  bypass(on) {
    const all = [...this.cards.values()];
    const base = all.find((card) => card.column.base);
    const lead = all.find((card) => card.column.lead);
    if (!base || !lead || (this.root.dataset.bypass === 'true') === on) return;
    this.root.dataset.bypass = String(on);
    this.tip.hide();
    press(lead.hold, on);
    lead.heard.textContent = on ? base.text.textContent || base.message.textContent : '';
    lead.badge.textContent = on ? `bypassed: ${base.column.name} alone` : (STATES[lead.said.state]?.badge ?? '');
    this.live.textContent = on ? `The base says: ${lead.heard.textContent}` : '';
  }

  holder() {
    const node = button('an-button an-hold', 'Hold: base', () => {});
    node.title = 'As long as you hold it, you read what the base says without any of the changes';
    press(node, false);
    node.addEventListener('pointerdown', (event) => {
      node.setPointerCapture(event.pointerId);
      this.bypass(true);
    });
    for (const end of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur', 'keyup']) {
      node.addEventListener(end, () => this.bypass(false));
    }
    node.addEventListener('keydown', (event) => {
      if (event.key !== ' ' && event.key !== 'Enter') return;
      event.preventDefault();
      this.bypass(true);
    });
    node.addEventListener('contextmenu', (event) => event.preventDefault()); // a long press on a phone is the point here
    return node;
  }

  // ---------------------------------------------------------------- feeds

  takeProp() {
    const { feed } = this.host.props;
    this.take(typeof feed === 'string' ? read(feed) : feed);
  }

  /**
   * Whether a feed is not an older run's, nor one already seen.
   * @param {Feed} feed
   */
  isNew({ run, seq = this.seq + 1 }) {
    return run > this.run || (run === this.run && seq > this.seq);
  }

  /** @param {Feed | null | undefined} feed */
  take(feed) {
    if (!feed || typeof feed.run !== 'number' || !this.isNew(feed)) return;
    const fresh = feed.run > this.run || Boolean(feed.start);
    [this.run, this.seq] = [feed.run, feed.seq ?? this.seq + 1];
    if (fresh) this.begin();
    if ('note' in feed) say(this.note, feed.note);
    this.takeWords(feed);
    this.takeEnds(feed);
    this.cards.forEach((card) => card.refresh());
    this.drawLegend();
  }

  begin() {
    this.tip.hide();
    this.bypass(false);
    this.cards.forEach((card) => card.clear());
    say(this.alarm, '');
    say(this.note, '');
  }

  /** @param {Feed} feed */
  takeWords(feed) {
    for (const [key, state] of Object.entries(feed.state ?? {})) {
      const card = this.cards.get(key);
      if (card) card.said.state = String(state);
    }
    /** @type {Map<string, Token[]>} */
    const added = new Map();
    for (const [key, ...token] of feed.add ?? []) added.set(String(key), [...(added.get(String(key)) ?? []), token]);
    for (const [key, tokens] of added) {
      const card = this.cards.get(key);
      if (!card) continue;
      card.said.state ||= 'busy';
      card.append(tokens, this.cardOf);
    }
    for (const [key, tokens] of Object.entries(feed.full ?? {})) {
      if (Array.isArray(tokens)) this.cards.get(key)?.repair(tokens, this.cardOf);
    }
  }

  /** @param {Feed} feed */
  takeEnds(feed) {
    for (const key of feed.done ?? []) {
      const card = this.cards.get(String(key));
      if (card && !FINAL.includes(card.said.state)) card.said.state = 'done';
    }
    for (const [key, mark] of Object.entries(feed.marks ?? {})) {
      const card = this.cards.get(key);
      if (card) card.said.mark = mark;
    }
    for (const [key, message] of Object.entries(feed.error ?? {})) {
      const card = this.cards.get(key);
      if (!card) say(this.alarm, String(message));
      else Object.assign(card.said, { error: String(message), state: card.said.state === 'stopped' ? 'stopped' : 'failed' });
    }
  }
}
