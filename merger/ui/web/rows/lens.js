// The open row, close up: the panel of answers is given what was said to it, and of each feed what is its own.

import { Panel } from '../answers/panel.js';
import { el } from '../shared/dom.js';
import { apart } from './kinds.js';

/** @typedef {import('./kinds.js').Feed} Feed */
/** @typedef {import('./kinds.js').Said} Said */
/** @typedef {import('./kinds.js').Column} Column */

export class Lens {
  constructor() {
    this.box = el('div', 'answers');
    /** @type {Record<string, any>} what the panel is given, as if it were a part of its own */
    this.shown = { value: {}, feed: {} };
    this.panel = new Panel({ element: this.box, props: this.shown, trigger: () => {}, watch: () => {}, server: {} }, this.box);
    this.run = 0;
    this.seq = 0;
  }

  /** @param {Column[]} columns */
  build(columns) {
    this.shown.value = { columns };
    this.panel.build();
  }

  /** @param {[string, Said][]} said by everybody to the row, by key */
  show(said) {
    const by = (/** @type {(one: Said) => unknown} */ what) => Object.fromEntries(said.map(([key, one]) => [key, what(one)]));
    this.run += 1;
    this.seq = 0;
    this.give({
      start: true,
      full: by((one) => [...one.tokens]), // lists of its own: the panel adds to what it was given
      state: by((one) => one.state),
      marks: by((one) => one.mark),
      error: Object.fromEntries(said.flatMap(([key, one]) => (one.error ? [[key, one.error]] : []))),
    });
  }

  /**
   * What of a feed is this row's.
   * @param {Feed} feed
   * @param {string} open the row
   */
  forward(feed, open) {
    const own = (/** @type {Record<string, any> | undefined} */ given) =>
      Object.fromEntries(
        Object.entries(given ?? {}).flatMap(([key, value]) => {
          const [row, who] = apart(key);
          return row === open || !row ? [[who, value]] : [];
        }),
      );
    if (feed.start) {
      this.give({ note: feed.note ?? '', error: own(feed.error) });
      return;
    }
    const add = (feed.add ?? []).flatMap(([key, ...token]) => {
      const [row, who] = apart(String(key));
      return row === open ? [[who, ...token]] : [];
    });
    const done = (feed.done ?? []).flatMap((key) => (apart(String(key))[0] === open ? [apart(String(key))[1]] : []));
    const told = { add, done, full: own(feed.full), state: own(feed.state), marks: own(feed.marks), error: own(feed.error) };
    this.give('note' in feed ? { ...told, note: feed.note } : told);
  }

  /** @param {object} feed */
  give(feed) {
    this.panel.take(/** @type {any} */ ({ run: this.run, seq: (this.seq += 1), ...feed }));
  }
}
