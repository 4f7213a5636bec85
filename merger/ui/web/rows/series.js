// The blind test: the rows one after another in a shuffled order, each with the answers of A and B without their names.
// Rows that both answer alike are skipped. Who was who is told at the end, by Python.

import { FINAL } from '../answers/kinds.js';
import { button, el, grouped, setText } from '../shared/dom.js';
import { textOf } from './kinds.js';
import { count, verdict } from './tally.js';
import { Store } from './store.js';

/**
 * @typedef {object} Blind
 * @property {string} id
 * @property {{id: string, prompt: string}[]} rows in the order of the test
 * @property {string} differs how A and B differ, in words
 */

/** @typedef {{sides: Record<string, 'A' | 'B'>, ids: Record<string, string>}} Revealed sides: who was the first, by row */

const SIDES = ['one', 'two'];
/** @type {[string, string, string][]} vote, words, key */
const VOTES = [
  ['one', 'First is better', '1'],
  ['two', 'Second is better', '2'],
  ['tie', 'Equally good', '0'],
  ['bad', 'Both bad', '-'],
];

export class Series {
  /**
   * @param {(votes: Record<string, string>) => void} send all votes, when the last one was given
   * @param {() => void} leave
   */
  constructor(send, leave) {
    this.send = send;
    /** @type {Blind | undefined} */
    this.blind = undefined;
    this.store = new Store();
    /** @type {Record<string, string>} */
    this.given = {};
    this.at = 0;
    this.same = 0;
    this.sent = false;
    this.box = el('section', 'rw-series');
    this.box.setAttribute('aria-label', 'Blind test');
    this.box.hidden = true;
    this.box.tabIndex = -1;
    this.head = el('h3', 'rw-series-title');
    this.head.setAttribute('aria-live', 'polite');
    this.differs = el('p', 'rw-says');
    this.pair = el('div', 'rw-pair');
    this.texts = SIDES.map((_, i) => {
      const side = el('div', 'rw-side');
      const text = el('p', 'rw-side-text');
      text.dir = 'auto';
      side.append(el('h4', 'rw-side-name', i ? 'Second' : 'First'), text);
      this.pair.append(side);
      return text;
    });
    this.votes = grouped(el('div', 'rw-votes'), 'Your vote');
    for (const [vote, words, key] of VOTES) {
      const node = button('rw-vote', words, () => this.vote(vote));
      node.title = `Key ${key}`;
      node.setAttribute('aria-keyshortcuts', key);
      this.votes.append(node);
    }
    this.result = el('div', 'rw-result');
    this.result.setAttribute('role', 'status');
    this.end = button('rw-vote', 'End the test', leave);
    this.box.append(this.head, this.differs, this.pair, this.votes, this.result, this.end);
    this.box.addEventListener('keydown', (event) => {
      const vote = VOTES.find(([, , key]) => key === event.key);
      if (!vote || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      this.vote(vote[0]);
    });
  }

  /** @param {Blind | undefined} blind */
  begin(blind) {
    this.blind = blind;
    this.store = new Store();
    this.store.shows((blind?.rows ?? []).map(({ id, prompt }) => ({ id, prompt })));
    this.given = {};
    [this.at, this.same, this.sent] = [0, 0, false];
    this.box.hidden = !blind;
    this.result.replaceChildren();
    if (!blind) return;
    setText(this.differs, blind.differs);
    this.draw();
    this.box.focus(); // its keys are heard at once
  }

  /** @param {any} feed */
  take(feed) {
    if (!this.blind) return;
    this.store.take(feed);
    if (feed.error?.merge || feed.error?.['']) this.say([String(feed.error.merge ?? feed.error[''])]);
    if (feed.reveal) this.reveal(feed.reveal);
    this.draw();
  }

  /**
   * Whether what was asked of Python has come.
   * @param {string} event apply: a test; select: who was who
   */
  heard(event) {
    return event === 'apply' ? Boolean(this.blind) : !this.blind || this.result.childElementCount > 0;
  }

  /** Both answers to the row that is judged now. */
  both() {
    const row = this.blind?.rows[this.at];
    return row ? SIDES.map((side) => this.store.of(row.id, side)) : [];
  }

  draw() {
    const { blind } = this;
    if (!blind) return;
    let both = this.both();
    const whole = () => both.length === 2 && both.every(({ state }) => FINAL.includes(state));
    while (whole() && textOf(both[0]) === textOf(both[1]) && !both[0].error) {
      this.at += 1;
      this.same += 1;
      both = this.both();
    }
    const row = blind.rows[this.at];
    const ready = whole();
    setText(this.head, row ? `Blind test, ${this.at + 1} of ${blind.rows.length}: ${row.prompt}` : 'Blind test');
    this.pair.hidden = this.votes.hidden = !row;
    both.forEach((said, i) => {
      setText(this.texts[i], said.error || (ready ? textOf(said) : ''));
      this.texts[i].dataset.waits = String(!ready);
    });
    for (const node of this.votes.querySelectorAll('button')) node.disabled = !ready;
    if (!row) this.finish();
  }

  /** @param {string} vote */
  vote(vote) {
    const row = this.blind?.rows[this.at];
    if (!row || !this.both().every(({ state }) => FINAL.includes(state))) return;
    this.given[row.id] = vote;
    this.at += 1;
    this.draw();
    const first = /** @type {HTMLElement | null} */ (this.box.querySelector('button:not([disabled])'));
    (first ?? this.box).focus();
  }

  finish() {
    if (this.sent) return;
    this.sent = true;
    if (Object.keys(this.given).length) this.send(this.given);
    else this.say(['A and B answer all these prompts alike. Ask something else, or take two merges that differ more.']);
  }

  /** @param {Revealed} found */
  reveal(found) {
    const won = { A: 0, B: 0, tie: 0, bad: 0 };
    for (const [row, vote] of Object.entries(this.given)) {
      const first = found.sides[row] ?? 'A';
      if (vote === 'tie' || vote === 'bad') won[vote] += 1;
      else won[(vote === 'one') === (first === 'A') ? 'A' : 'B'] += 1;
    }
    const all = count([found.ids.A, found.ids.B], won);
    const lines = [
      `A ${won.A} : ${won.B} B${won.tie + won.bad ? `, equal ${won.tie}, both bad ${won.bad}` : ''}; ${verdict(won.A, won.B)}.`,
    ];
    if (this.same) lines.push(`${this.same} ${this.same === 1 ? 'prompt was' : 'prompts were'} answered alike and skipped.`);
    if (all.A + all.B > won.A + won.B)
      lines.push(`In all your tests of these two: A ${all.A} : ${all.B} B; ${verdict(all.A, all.B)}.`);
    lines.push(this.differs.textContent.replace('From one to the other', 'From A to B'));
    setText(this.differs, '');
    this.say(lines, won);
  }

  /**
   * @param {string[]} lines
   * @param {{A: number, B: number}} [won]
   */
  say(lines, won) {
    const bar = el('div', 'rw-duel');
    if (won) {
      const part = el('i');
      part.style.width = `${Math.round((100 * won.A) / Math.max(1, won.A + won.B))}%`;
      bar.append(part);
      bar.setAttribute('role', 'img');
      bar.setAttribute('aria-label', `A ${won.A}, B ${won.B}`);
    }
    this.result.replaceChildren(...(won && won.A + won.B ? [bar] : []), ...lines.map((line) => el('p', '', line)));
  }
}
