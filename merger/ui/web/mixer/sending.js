// The Mixer's numbers on their way to Python, and the line that follows them here without it.

import { meterOf } from '../law/meter.js';
import { sketchOf } from '../law/sample.js';
import { forgetWays } from './ways.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */
/** @typedef {import('../law/kinds.js').Sketch} Sketch */

const SEND_MS = 40;
const SOON_MS = 8; // a move this close to its turn is sent at once: the next would come only after it
const SKETCHES = 4;
const WARM_MS = 12; // at a time

/** @param {() => void} work */
const idle = (work) => ('requestIdleCallback' in window ? requestIdleCallback(work) : setTimeout(work, 16));

export class Sending {
  /** @param {Mixer} mixer */
  constructor(mixer) {
    this.mixer = mixer;
    this.seq = 0;
    this.sent = 0;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.waiting = false; // a move that Python has not been told
    /** @type {import('../law/meter.js').Meter | null} */
    this.meter = null; // where the page can follow a drag by itself
    /** @type {Map<string, Promise<Sketch | null>>} */
    this.sketches = new Map(); // under their words: the last few
  }

  get still() {
    return Boolean(this.mixer.s.board.law?.still);
  }

  /**
   * @param {object} [extra]
   * @returns {string} a Value as JSON text
   */
  message(extra = {}) {
    const { lanes, cause, board, picked } = this.mixer.s;
    const value = { lanes, seq: this.seq, move: cause, split: Boolean(board.split), followed: Boolean(this.meter), ...extra };
    return JSON.stringify(picked ? { ...value, picked } : value);
  }

  hand() {
    clearTimeout(this.timer);
    this.timer = undefined;
    this.waiting = false;
    this.seq += 1;
    this.mixer.host.props.value = this.message();
  }

  post() {
    this.sent = performance.now();
    this.hand();
    this.mixer.host.trigger('input');
  }

  postSoon() {
    const rest = SEND_MS - (performance.now() - this.sent);
    if (rest <= SOON_MS) this.post();
    else this.timer ??= setTimeout(() => this.post(), rest);
  }

  /** The lanes have moved. */
  send() {
    this.waiting = true;
    if (this.meter) this.mixer.mark('stats');
    else if (!this.still) this.postSoon();
  }

  /** The edit is complete. */
  release() {
    forgetWays(this.mixer);
    if (this.waiting && (this.meter || this.still)) this.hand();
    else if (this.waiting) this.post();
    this.mixer.host.trigger('release');
  }

  /** A board came: can its line be followed here? */
  async takeLaw() {
    const { mixer, sketches } = this;
    const { law } = mixer.s.board;
    [this.meter, mixer.own] = [null, null];
    if (!law?.sketch) return;
    const word = law.sketch;
    if (!sketches.has(word)) sketches.set(word, this.fetch(word));
    for (const old of sketches.keys()) if (sketches.size > SKETCHES) sketches.delete(old);
    const sketch = await sketches.get(word)?.catch(() => null);
    if (!sketch) sketches.delete(word);
    if (!sketch || mixer.s.board.law !== law) return; // not there any more: Python is asked, as without a law
    const meter = meterOf(sketch, /** @type {import('../law/kinds.js').Law} */ (law));
    this.meter = meter;
    // so that the first move finds all measured
    const warm = () => {
      if (this.meter === meter && meter.warm(mixer.s.lanes, performance.now() + WARM_MS) === false) idle(warm);
    };
    idle(warm);
  }

  /**
   * @param {string} word
   * @returns {Promise<Sketch | null>}
   */
  async fetch(word) {
    const sample = await this.mixer.host.server.sample_of(word);
    return sample ? sketchOf(sample) : null;
  }

  /** The line of the lanes as they are, worked out here; null where Python has to be asked. */
  follow() {
    const found = this.meter?.(this.mixer.s.lanes) ?? null;
    if (!found && this.waiting) this.postSoon(); // numbers that Python refuses, in words
    return found;
  }
}
