// The blind test: two recipes without their names, a vote, and what was voted so far.

import { button, el, grouped } from '../shared/dom.js';

/** @typedef {import('./kinds.js').Revealed} Revealed */
/** @typedef {Record<string, {votes: Record<string, number>}>} Tallies recipes' ids -> votes */

const TALLY = 'merge-explorer-tally'; // localStorage; it never leaves this browser
const KEPT = 200;

/** @returns {Tallies} */
function tallies() {
  try {
    return JSON.parse(localStorage.getItem(TALLY) ?? '{}') ?? {};
  } catch {
    return {};
  }
}

/** @param {Tallies} all */
function keep(all) {
  try {
    localStorage.setItem(TALLY, JSON.stringify(Object.fromEntries(Object.entries(all).slice(-KEPT))));
  } catch {
    /* full */
  }
}

/**
 * One more vote; what was voted so far between these two, in words.
 * @param {Record<string, Revealed>} found
 * @param {string} vote a key, tie or bad
 */
function count(found, vote) {
  const all = tallies();
  const both = Object.values(found);
  const key = both
    .map((own) => own.id)
    .sort()
    .join(' ');
  const own = all[key] ?? { votes: {} };
  const winner = found[vote]?.id ?? vote;
  own.votes[winner] = (own.votes[winner] ?? 0) + 1;
  all[key] = own;
  keep(all);
  const parts = both.map((f) => `${f.name} ${own.votes[f.id] ?? 0}`);
  parts.push(`equal ${own.votes.tie ?? 0}`, `both bad ${own.votes.bad ?? 0}`);
  const equal = vote === 'tie' ? 'You found them equal.' : 'You found both bad.';
  const said = found[vote] ? `You chose ${found[vote].name}.` : equal;
  return `${said} So far, between these two: ${parts.join(', ')}.`;
}

export class Blind {
  /** @param {(vote: string) => void} send */
  constructor(send) {
    this.send = send;
    this.box = el('div', 'an-blind');
    this.result = el('p', 'an-result');
    this.result.setAttribute('role', 'status');
    this.revealed = false;
    this.on = false;
  }

  /**
   * @param {boolean} on
   * @param {{key: string, name: string}[]} choices
   */
  build(on, choices) {
    [this.on, this.revealed] = [on, false];
    this.box.hidden = !on;
    this.box.replaceChildren();
    if (!on) return;
    this.result.textContent = '';
    const votes = grouped(el('div', 'an-votes'), 'Your vote');
    const all = [...choices.map(({ key, name }) => [key, `${name} is better`]), ['tie', 'Equally good'], ['bad', 'Both bad']];
    const buttons = all.map(([vote, text]) => {
      const node = button('an-button an-vote', text, () => {
        if (this.revealed) return;
        for (const other of buttons) other.disabled = true;
        node.setAttribute('aria-pressed', 'true');
        this.send(vote);
      });
      return node;
    });
    votes.append(...buttons);
    this.box.append(votes, this.result);
  }

  /**
   * The names, and the vote counted; once.
   * @param {Record<string, Revealed>} found
   * @param {string} vote
   * @returns {boolean} whether they are new
   */
  reveal(found, vote) {
    if (this.revealed || !this.on) return false;
    this.revealed = true;
    this.result.textContent = count(found, vote);
    return true;
  }
}
