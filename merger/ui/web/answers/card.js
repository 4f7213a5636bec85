// One column of the answers: its words, what they are coloured by, how far it is.

import { SLOTS } from '../shared/colours.js';
import { el, setText } from '../shared/dom.js';
import { STATES } from '../shared/states.js';
import { markOf } from '../shared/mark.js';
import { FINAL } from './kinds.js';

/** @typedef {import('./kinds.js').Column} Column */
/** @typedef {import('./kinds.js').Token} Token */

const LONG = 240; // characters; longer answers are written smaller

/** @param {number | null | undefined} slot */
export const colourOf = (slot) => (Number.isInteger(slot) ? `var(--me-slot-${Number(slot) % SLOTS})` : 'var(--me-lead)');

/**
 * A line that is not there while it says nothing.
 * @param {HTMLElement} node
 * @param {string | null | undefined} text
 */
export function say(node, text) {
  setText(node, text ?? '');
  node.toggleAttribute('hidden', !text);
}

/** @typedef {{tokens: Token[], spans: HTMLElement[], state: string, cursor: number, visible: boolean, error: string, mark: boolean | null}} Said */ // prettier-ignore
/** @returns {Said} */
const nothing = () => ({ tokens: [], spans: [], state: '', cursor: -1, visible: false, error: '', mark: null });

export class Card {
  /** @param {HTMLElement} hold the button that lets the base be heard instead */
  constructor(hold) {
    this.key = '';
    /** @type {Column} */
    this.column = { key: '' };
    this.said = nothing();
    this.box = el('section', 'an-card');
    this.box.setAttribute('role', 'region');
    this.title = el('span', 'an-title');
    this.badge = el('span', 'an-badge');
    this.words = el('span', 'an-words');
    this.words.title = 'How it is heard, and the chat template the prompt is put into for this model';
    this.hold = hold;
    this.body = el('div', 'an-body');
    this.body.tabIndex = 0;
    this.body.setAttribute('role', 'group');
    this.text = el('div', 'an-text');
    this.text.dir = 'auto';
    this.message = el('p', 'an-message');
    this.heard = el('div', 'an-heard'); // the base's words while bypassed
    this.heard.dir = 'auto';
    this.why = el('p', 'an-why');
    this.why.hidden = true;
    this.mark = markOf(null);
    this.head = el('div', 'an-head');
    this.head.append(el('i', 'an-dot'), this.title, this.mark, this.badge, this.words, hold);
    this.body.append(this.text, this.message, this.heard);
    this.box.append(this.head, this.body, this.why);
  }

  get name() {
    return String(this.column.name ?? this.key);
  }

  /**
   * @param {Column} column
   * @param {boolean} bypass whether there is a base to be heard instead
   */
  take(column, bypass) {
    this.column = column;
    this.key = String(column.key);
    const { name } = this;
    this.box.setAttribute('aria-label', `Answer of ${name}`);
    this.body.setAttribute('aria-label', `Words of ${name}, arrow keys step through them`);
    this.box.dataset.lead = String(Boolean(column.lead));
    this.box.style.setProperty('--an-colour', colourOf(column.lead ? null : (column.slot ?? 0)));
    this.box.dataset.plain = String(!column.lead && !Number.isInteger(column.slot)); // its style has a colour of its own
    this.title.textContent = column.lead ? name.charAt(0).toUpperCase() + name.slice(1) : name;
    this.title.title = name;
    say(this.words, [column.heard, column.words].filter(Boolean).join(', '));
    this.hold.hidden = !column.lead || !bypass;
    if (column.lead) this.box.append(this.head); // the words come first
    this.refresh();
  }

  clear() {
    const tall = Math.min(this.body.clientHeight, 320);
    this.body.style.minHeight = this.said.tokens.length ? `${tall}px` : ''; // the page keeps its height while text returns
    this.said = nothing();
    this.text.replaceChildren();
    say(this.why, '');
  }

  /**
   * @param {Token[]} tokens
   * @param {(key: string) => Card | undefined} parentOf
   */
  append(tokens, parentOf) {
    const page = document.createDocumentFragment();
    for (const token of tokens) {
      let text = String(token[0] ?? '');
      if (!this.said.visible) text = text.trimStart(); // the first token's leading blank is not shown
      this.said.visible ||= text !== '';
      // The blank before a word stays outside its span: colour then covers words, not gaps and line ends.
      const blank = /^\s+(?=\S)/.exec(text)?.[0] ?? '';
      if (blank) page.append(blank);
      const span = el('span', 'an-token', text.slice(blank.length));
      const prob = typeof token[1] === 'number' ? Math.min(1, Math.max(0, token[1])) : 1;
      span.style.setProperty('--u', String(Math.round(55 * (1 - prob))));
      ascribe(span, token, parentOf);
      span.dataset.i = String(this.said.tokens.length);
      this.said.tokens.push(token);
      this.said.spans.push(span);
      page.append(span);
    }
    const low = this.body.scrollHeight - this.body.scrollTop - this.body.clientHeight < 24;
    this.text.append(page);
    if (low && this.said.state === 'busy') this.body.scrollTop = this.body.scrollHeight;
  }

  /**
   * All tokens, where some may have been missed.
   * @param {Token[]} tokens
   * @param {(key: string) => Card | undefined} parentOf
   */
  repair(tokens, parentOf) {
    if (this.said.tokens.length === tokens.length) {
      this.said.tokens = tokens; // the same words, now with what the parents say of them
      tokens.forEach((token, i) => ascribe(this.said.spans[i], token, parentOf));
      return;
    }
    const { state, error } = this.said;
    this.clear();
    Object.assign(this.said, { state, error });
    this.append(tokens, parentOf);
  }

  /** What is told in place of words, or below them. */
  get remark() {
    const { state, tokens, error } = this.said;
    if (error) return error;
    if (state === 'stopped' && tokens.length) return 'Stopped before the end.';
    if (tokens.length && !['failed', 'waiting', 'unasked'].includes(state)) return '';
    if (state) return STATES[state]?.alone ?? '';
    return this.column.lead ? 'No answer yet. Write a prompt and press Ask.' : 'No answer yet.';
  }

  refresh() {
    const { state } = this.said;
    this.box.dataset.state = state || 'empty';
    this.box.setAttribute('aria-busy', String(state === 'busy'));
    this.badge.textContent = STATES[state]?.badge ?? '';
    say(this.message, this.remark);
    this.box.dataset.long = String((this.text.textContent ?? '').length > LONG);
    const mark = markOf(FINAL.includes(state) && !this.column.lead ? this.said.mark : null);
    this.mark.replaceWith(mark);
    this.mark = mark;
    if (FINAL.includes(state)) this.body.style.minHeight = '';
  }
}

/**
 * Each model has its own kind of line as well: colour is never alone.
 * @param {Card} card
 */
export const lineOf = (card) => String((card.column.slot ?? 0) % 4);

/**
 * The line under a token that a parent would have said too.
 * @param {HTMLElement} span
 * @param {Token} token
 * @param {(key: string) => Card | undefined} parentOf
 */
function ascribe(span, token, parentOf) {
  if (token[3] === '') span.dataset.line = 'all'; // everybody would
  const parent = token[3] ? parentOf(String(token[3])) : undefined;
  if (!parent) return;
  span.style.setProperty('--an-parent', colourOf(parent.column.slot));
  span.dataset.line = lineOf(parent);
}
