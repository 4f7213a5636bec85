// A conversation, as this page keeps it: what was said, by whom, and what is to be asked of Python. Nothing here touches the page.
//
// props.board   JSON text of Board: who may answer
// props.recipe  the digest of the recipe that is heard now
// props.manner  JSON text of {variety, length}
// props.feed    as the answers' (../answers/kinds.js), its keys the columns'; told: what is to be said of how somebody was asked
// props.value   Sent: what goes to Python with `submit`
// events        submit  the last turn is to be answered; retry  more variety, please; stop  no more words
// The document event `chat` on the root opens it.

import { FINAL } from '../answers/kinds.js';
import { STATES } from '../shared/states.js';

/** @typedef {import('../answers/kinds.js').Feed & {recipe?: string, cut?: string[], repeats?: string[], told?: Record<string, string>}} Feed */
/** @typedef {{key: string, name?: string, slot?: number | null, lead?: boolean, words?: string}} Column */
/** @typedef {{columns?: Column[]}} Board */
/** @typedef {{text: string, count: number, state: string, cut: boolean, repeats: boolean, error: string, recipe: string, old: string}} Said */
/** @typedef {{user: string, said: Record<string, Said>, times: number, again: number}} Turn */

export const MERGE = 'merge';
export const CHARACTERS = 2000; // merger/limits.py: a prompt
export const LONGEST = 2000; // tokens of an answer

/** @returns {Said} */
const nothing = (recipe = '') => ({
  text: '', count: 0, state: 'waiting', cut: false, repeats: false, error: '', recipe, old: '',
}); // prettier-ignore

export class Talk {
  constructor() {
    this.system = '';
    /** @type {Turn[]} */
    this.turns = [];
    /** @type {Set<string>} who answers beside the merge */
    this.beside = new Set();
    /** @type {Record<string, string>} what is to be told of how somebody was asked */
    this.told = {};
    this.alarm = '';
    this.run = -Infinity;
    this.seq = -Infinity;
  }

  get last() {
    return this.turns.at(-1);
  }

  /** Whether somebody is still to say something. */
  get busy() {
    return Object.values(this.last?.said ?? {}).some(({ state }) => !FINAL.includes(state));
  }

  /**
   * The last turn is to be answered by these.
   * @param {string[]} who
   * @param {boolean} [on] they go on with what they said: it stays until there is more
   */
  begin(who, on = false) {
    const turn = this.last;
    if (!turn) return;
    this.alarm = '';
    this.told = {};
    const was = turn.said;
    turn.said = Object.fromEntries(who.map((key) => [key, { ...nothing(), old: on ? (was[key]?.text ?? '') : '' }]));
  }

  /**
   * The conversation goes on from a turn: what came after it is gone.
   * @param {number} at
   * @param {string} user
   */
  from(at, user) {
    this.turns = [...this.turns.slice(0, at), { user, said: {}, times: 1, again: 0 }];
  }

  /**
   * Who was still to say something will not.
   * @param {string} why
   * @returns {boolean} whether there is such a one
   */
  lose(why) {
    const silent = Object.values(this.last?.said ?? {}).filter(({ state }) => !FINAL.includes(state));
    for (const one of silent) Object.assign(one, { state: 'failed', error: why });
    return silent.length > 0;
  }

  /** What goes to Python: no answer of the last turn, it is wanted. @param {string[]} who */
  sent(who) {
    const { times = 1, again = 0 } = this.last ?? {};
    const turns = this.turns.map(({ user, said }, i) => ({
      user,
      said: i === this.turns.length - 1 ? {} : Object.fromEntries(Object.entries(said).map(([key, { text }]) => [key, text])),
    }));
    return { system: this.system, turns, who, times, again };
  }

  /** @param {Feed} feed */
  isNew({ run, seq = this.seq + 1 }) {
    return run > this.run || (run === this.run && seq > this.seq);
  }

  /**
   * @param {Feed | null | undefined} feed
   * @returns {boolean} whether it is a new one
   */
  take(feed) {
    if (!feed || !this.last || !this.isNew(feed)) return false;
    const { run, seq = this.seq + 1 } = feed;
    const { said } = this.last;
    const all = Object.values(said);
    if (run > this.run) for (const one of all) Object.assign(one, { text: '', count: 0, state: 'waiting', error: '' });
    for (const one of all) one.recipe = feed.recipe ?? one.recipe;
    [this.run, this.seq] = [run, seq];
    takeWords(feed, said);
    takeEnds(feed, said);
    Object.assign(this.told, feed.told);
    this.alarm = Object.entries(feed.error ?? {}).find(([key]) => !said[key])?.[1] ?? this.alarm;
    if (this.alarm) for (const one of all) if (!FINAL.includes(one.state)) one.state = 'failed';
    return true;
  }
}

/**
 * For everybody who was asked: others' words go nowhere.
 * @template Value
 * @param {Record<string, Value> | [string, Value][] | undefined} given
 * @param {Record<string, Said>} said
 * @param {(one: Said, value: Value) => void} then
 */
function each(given, said, then) {
  for (const [key, value] of Array.isArray(given) ? given : Object.entries(given ?? {})) if (said[key]) then(said[key], value);
}

/**
 * @param {Feed} feed
 * @param {Record<string, Said>} said
 */
function takeWords(feed, said) {
  const textOf = (/** @type {any} */ token) => String(token[0] ?? '');
  each(feed.state, said, (one, state) => Object.assign(one, { state: String(state) }));
  const added = (feed.add ?? []).map(([key, ...token]) => /** @type {[string, any]} */ ([String(key), token]));
  each(added, said, (one, token) => Object.assign(one, { text: one.text + textOf(token), count: one.count + 1 }));
  each(feed.full, said, (one, tokens) => Object.assign(one, { text: tokens.map(textOf).join(''), count: tokens.length }));
}

/**
 * @param {Feed} feed
 * @param {Record<string, Said>} said
 */
function takeEnds(feed, said) {
  const keys = (/** @type {string[] | undefined} */ given) =>
    (given ?? []).map((key) => /** @type {[string, true]} */ ([key, true]));
  each(keys(feed.done), said, (one) => FINAL.includes(one.state) || Object.assign(one, { state: 'done' }));
  each(keys(feed.cut), said, (one) => Object.assign(one, { cut: true }));
  each(keys(feed.repeats), said, (one) => Object.assign(one, { repeats: true }));
  each(feed.error, said, (one, error) => Object.assign(one, { error: String(error), state: 'failed' }));
}

/**
 * What is shown of an answer: while it is made again to be gone on with, the old words stay.
 * @param {Said} said
 */
export const shownOf = (said) => (said.text.length < said.old.length && !FINAL.includes(said.state) ? said.old : said.text);

/**
 * How an answer stands, in words.
 * @param {string} key
 * @param {Said} said
 * @param {string} recipe the one that is heard now
 */
export function stateOf(key, said, recipe) {
  const words = [];
  const { short } = STATES[said.state] ?? {};
  if (said.error || short) words.push(said.error || String(short));
  if (said.cut) words.push(`cut off at ${said.count} tokens`);
  if (said.repeats) words.push('repeats itself');
  if (key === MERGE && said.recipe && said.recipe !== recipe) words.push('said before your last stroke');
  if (said.state === 'done' && !said.text.trim()) words.push('ended without a word');
  return words.join(' · ');
}
