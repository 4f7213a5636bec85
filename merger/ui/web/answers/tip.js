// One tooltip for all tokens, and the pointer and keys that ask for it.

import { el, within } from '../shared/dom.js';
import { withControl } from '../shared/keyboard.js';
import { chance } from '../shared/numbers.js';
import { say } from './card.js';

/** @typedef {import('./card.js').Card} Card */
/** @typedef {import('./kinds.js').Token} Token */

/**
 * A token as it is: quotes around it, blanks and line ends made visible.
 * @param {unknown} text
 */
const show = (text) => `“${String(text).replaceAll('\n', '⏎').replaceAll('\t', '⇥').replace(/^ | $/g, '␣')}”`;

/** @param {unknown} p */
const oddsOf = (p) => (typeof p === 'number' ? chance(p) : '');

/**
 * The chosen token's reasons stay below the answer until another is chosen.
 * @param {Card} card
 */
function pin({ said, why: line }) {
  const token = said.tokens[said.cursor];
  const why = token?.[4] ? String(token[4]) : '';
  say(line, token && why ? `${show(token[0])} ${chance(Number(token[1]))}: ${why}` : '');
}

export class Tip {
  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} live
   * @param {(key: string) => Card | undefined} cardOf
   */
  constructor(root, live, cardOf) {
    this.root = root;
    this.live = live;
    this.cardOf = cardOf;
    this.box = el('div', 'an-tip');
    this.box.hidden = true;
    this.box.setAttribute('role', 'tooltip');
    /** @type {HTMLElement | null} */
    this.lit = null;
  }

  hide() {
    this.lit?.classList.remove('an-lit');
    this.lit = null;
    this.box.hidden = true;
  }

  /**
   * @param {Card} card
   * @param {number} i
   */
  explain(card, i, spoken = false) {
    const span = card.said.spans[i];
    const token = card.said.tokens[i];
    if (!span || !token) {
      this.hide();
      return;
    }
    if (span === this.lit) return;
    this.hide();
    this.lit = span;
    span.classList.add('an-lit');
    this.fill(token);
    this.box.hidden = false;
    const here = span.getClientRects()[0] ?? span.getBoundingClientRect();
    const frame = this.root.getBoundingClientRect();
    const left = here.left - frame.left + here.width / 2 - this.box.offsetWidth / 2;
    this.box.style.left = `${Math.min(Math.max(0, left), Math.max(0, frame.width - this.box.offsetWidth))}px`;
    this.box.style.top = `${card.body.getBoundingClientRect().bottom - frame.top + 4}px`; // never over the words
    if (!spoken) return;
    const rows = [...this.box.children].map((row) => [...row.childNodes].map((n) => n.textContent).join(' '));
    this.live.textContent = rows.join(', ');
  }

  /** @param {Token} token */
  fill([text, prob, alternatives, parent, why]) {
    const first = el('div', 'an-tip-token', show(text));
    if (typeof prob === 'number') first.append(el('b', '', chance(prob)));
    this.box.replaceChildren(first);
    for (const [alt, p] of (alternatives ?? []).slice(0, 5)) {
      const row = el('div', 'an-tip-row', show(alt));
      row.append(el('span', '', oddsOf(p)));
      this.box.append(row);
    }
    const agrees = parent ? this.cardOf(String(parent))?.column.name : null;
    if (why || agrees) this.box.append(el('div', 'an-tip-note', why ? String(why) : `${agrees} would say the same`));
  }

  /** @param {Card} card */
  listen(card) {
    const { body } = card;
    const at = (/** @type {Event} */ event) => Number(within(event, '.an-token')?.dataset.i ?? -1);
    body.addEventListener('pointerover', (event) => {
      if (event.pointerType !== 'touch') this.explain(card, at(event));
    });
    body.addEventListener('pointerleave', (event) => {
      if (event.pointerType !== 'touch') this.hide();
    });
    body.addEventListener('click', (event) => {
      card.said.cursor = at(event);
      this.explain(card, card.said.cursor);
      pin(card);
    });
    body.addEventListener('scroll', () => this.hide(), { passive: true });
    body.addEventListener('blur', () => this.hide());
    body.addEventListener('keydown', (event) => {
      const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
      if (event.key === 'Escape') this.hide();
      if (!by || withControl(event) || event.altKey) return;
      event.preventDefault();
      this.step(card, by);
    });
  }

  /**
   * @param {Card} card
   * @param {number} by
   */
  step(card, by) {
    const { body, said } = card;
    said.cursor = Math.min(Math.max(0, said.cursor + by), said.tokens.length - 1);
    const span = said.spans[said.cursor];
    const low = span ? span.offsetTop + span.offsetHeight - body.clientHeight : 0;
    if (span && (span.offsetTop < body.scrollTop || low > body.scrollTop)) body.scrollTop = Math.max(0, low);
    pin(card);
    this.explain(card, said.cursor, true);
  }
}
