// What was said to each row, by whom: fed by Python, in whatever pieces they come.

import { FINAL } from '../answers/kinds.js';
import { MERGE, apart, nothing, textOf } from './kinds.js';

/** @typedef {import('./kinds.js').Feed} Feed */
/** @typedef {import('./kinds.js').Said} Said */

export class Store {
  constructor() {
    this.run = -Infinity;
    this.seq = -Infinity;
    this.recipe = '';
    this.place = 0; // in line
    /** @type {Map<string, string>} the prompts that are shown, by row: what was said to another one is nobody's any more */
    this.prompts = new Map();
    /** @type {Map<string, Said>} */
    this.said = new Map();
    /** @type {Map<string, string>} the merge's last finished words, by row */
    this.last = new Map();
    /** @type {Map<string, string>} and those of the recipe before */
    this.before = new Map();
  }

  /**
   * @param {string} row
   * @param {string} who
   */
  of(row, who) {
    return this.said.get(`${row}/${who}`) ?? nothing();
  }

  /**
   * Which rows there are now: what was said to a prompt that is gone, or is another now, is forgotten.
   * @param {import('./kinds.js').Row[]} rows
   */
  shows(rows) {
    const now = new Map(rows.map(({ id, prompt }) => [id, prompt]));
    for (const [id, prompt] of this.prompts) if (now.get(id) !== prompt) this.forget(id);
    this.prompts = now;
  }

  /** @param {string} id */
  forget(id) {
    this.last.delete(id);
    this.before.delete(id);
    for (const key of this.said.keys()) if (apart(key)[0] === id) this.said.delete(key);
  }

  /** Other rows are another start: what is said next has nothing before it. */
  anew() {
    this.before.clear();
    this.recipe = '';
  }

  /** Other models: nothing of what was said holds any more. */
  clear() {
    for (const id of this.prompts.keys()) this.forget(id);
    this.anew();
  }

  /** @param {Feed} feed */
  isNew({ run, seq = this.seq + 1 }) {
    return run > this.run || (run === this.run && seq > this.seq);
  }

  /**
   * Take a feed: the keys that are another now.
   * @param {Feed} feed
   * @returns {Set<string>}
   */
  take(feed) {
    const fresh = feed.run > this.run || Boolean(feed.start);
    [this.run, this.seq] = [feed.run, feed.seq ?? this.seq + 1];
    this.place = feed.place ?? 0;
    if (fresh) this.begin(feed);
    /** @type {Set<string>} */
    const touched = new Set();
    /** Words for a row that has another prompt by now go nowhere. */
    const at = (/** @type {string} */ key) => {
      const [row] = apart(key);
      if (row && (!feed.prompts || this.prompts.get(row) !== feed.prompts[row])) return nothing();
      touched.add(key);
      const said = this.said.get(key) ?? nothing();
      this.said.set(key, said);
      return said;
    };
    takeWords(feed, at);
    takeEnds(feed, at);
    for (const key of touched) this.keep(key);
    return touched;
  }

  /**
   * Another run begins: what it asks anew is empty, and what the merge said last becomes what it said before.
   * @param {Feed} feed
   */
  begin(feed) {
    const other = feed.recipe !== undefined && feed.recipe !== this.recipe;
    if (other && this.recipe) for (const [row, text] of this.last) this.before.set(row, text);
    if (feed.recipe !== undefined) this.recipe = feed.recipe;
    // all of a row that is asked, also those a feed that was lost would have named
    for (const key of this.said.keys()) if (Object.hasOwn(feed.prompts ?? {}, apart(key)[0])) this.said.set(key, nothing());
    if (feed.stale) for (const [key, said] of this.said) if (apart(key)[1] === MERGE && said.state) said.state = 'stale';
  }

  /**
   * There is no connection: who was still to say something is not asked.
   * @param {boolean} unsent nor is any merge: it is another than the one that answered
   * @returns {boolean} whether there is such a one
   */
  unask(unsent) {
    this.place = 0;
    let some = false;
    for (const [key, { state }] of this.said) {
      if (state === 'unasked') continue;
      const lost = Boolean(state) && (!FINAL.includes(state) || (unsent && apart(key)[1] === MERGE));
      if (lost) this.said.set(key, { ...nothing(), state: 'unasked' });
      some ||= lost;
    }
    return some;
  }

  /** @param {string} key */
  keep(key) {
    const [row, who] = apart(key);
    const said = this.said.get(key);
    if (who === MERGE && said && ['done', 'cached'].includes(said.state)) this.last.set(row, textOf(said));
  }

  /**
   * How many of the rows that count are right, of how many. whole: all of them have been answered to the end. awaited: those
   * that are being asked. unasked: those that nobody has asked yet, or that could not be, as there is no connection.
   * @param {import('./kinds.js').Row[]} rows
   */
  score(rows) {
    const counted = rows.filter((row) => row.ticked !== false && row.match && row.answer?.trim());
    const said = counted.map((row) => this.of(row.id, MERGE));
    const whole = said.every(({ state }) => ['done', 'cached'].includes(state));
    const unasked = said.filter(({ state }) => ['', 'unasked'].includes(state)).length;
    const awaited = said.filter(({ state }) => ['waiting', 'idle', 'busy'].includes(state)).length;
    return { right: said.filter(({ mark }) => mark === true).length, of: counted.length, whole, awaited, unasked };
  }
}

/**
 * @param {Feed} feed
 * @param {(key: string) => Said} at
 */
function takeWords(feed, at) {
  for (const [key, state] of Object.entries(feed.state ?? {})) at(key).state = String(state);
  for (const [key, ...token] of feed.add ?? []) at(String(key)).tokens.push(token);
  for (const [key, tokens] of Object.entries(feed.full ?? {})) if (Array.isArray(tokens)) at(key).tokens = [...tokens];
}

/**
 * @param {Feed} feed
 * @param {(key: string) => Said} at
 */
function takeEnds(feed, at) {
  for (const key of feed.done ?? []) if (!FINAL.includes(at(String(key)).state)) at(String(key)).state = 'done';
  for (const [key, mark] of Object.entries(feed.marks ?? {})) at(key).mark = mark;
  for (const key of feed.cut ?? []) at(key).cut = true;
  for (const key of feed.repeats ?? []) at(key).repeats = true;
  for (const [key, message] of Object.entries(feed.error ?? {})) {
    const said = at(key);
    Object.assign(said, { error: String(message), state: said.state === 'stopped' ? 'stopped' : 'failed' });
  }
}
