// The line to the server. What gradio does when it hears that the server is gone loses what there is on the page: a red box over
// it, then a reload. So it does not hear it: what it asks meanwhile is answered with nothing, and when the server is there again
// the page says once what it has (`back`).

import { AWAY, BUSY } from '../shared/states.js';

const SOON = 1000; // ms between two looks for the server
const LATE = 5000;
const SETTLE = 60; // ms; gradio must have heard that a stream has ended before it hears of an event that was to be told in it
const HELD = 10_000; // ms; no request waits longer for the page to have been told again
const KIND = /\/gradio_api\/(run|queue\/join|queue\/data|component_server|upload|heartbeat)\b/;
const FROM_PROXY = [502, 503, 504];

const rootOf = (/** @type {string} */ url) => url.replace(/gradio_api\/.*/s, 'gradio_api/');
/** @param {Response} answer */
const isJson = (answer) => /json/.test(answer.headers.get('content-type') ?? '');
/** @param {unknown} what */
const json = (what, status = 200) =>
  new Response(JSON.stringify(what), { status, headers: { 'content-type': 'application/json' } });
const rest = (/** @type {number} */ ms) => new Promise((then) => setTimeout(then, ms));
const closes = (/** @type {string | null} */ part) => /"msg": ?"close_stream"/.test(part ?? '');
const joined = (/** @type {(string | null)[]} */ parts) => parts.map((part) => (part === null ? '' : `${part}\n\n`)).join('');
/** @param {object} message of gradio's */
const line = (message) => `data: ${JSON.stringify(message)}\n\n`;

/**
 * @typedef {object} Told
 * @property {(away: boolean, unsent: boolean) => void} changed
 * @property {(word: string, unsent: boolean) => void} back tell the server what there is, in a request that has the word in it
 * @property {(sentence: string) => void} refused
 */

export class Connection {
  /** @param {Told} told */
  constructor(told) {
    this.told = told;
    this.away = false;
    this.unsent = false;
    this.leaving = false;
    this.word = ''; // of the request that tells the server what there is, until that has been answered
    this.resumed = () => {};
    /** @type {Promise<undefined>} */
    this.held = Promise.resolve(undefined);
    /** @type {Set<string>} events whose end gradio waits for */
    this.open = new Set();
    /** @type {Set<string>} events whose end came before gradio had heard that they began */
    this.early = new Set();
    this.lost = 0;
    this.looking = false;
    /** @type {((text: string) => void) | undefined} into the stream that is open */
    this.say = undefined;
    this.root = '';
    this.beat = '';
    this.ask = window.fetch.bind(window);
    window.fetch = (...asked) => this.through(...asked);
    window.addEventListener('pagehide', () => (this.leaving = true));
    window.addEventListener('pageshow', () => (this.leaving = false));
    this.listen();
  }

  /** Each page holds one connection, by which the server knows that it is open: an entry comes when that ends. */
  listen() {
    const seen = new PerformanceObserver((list) => {
      for (const { name } of list.getEntries()) if (KIND.exec(name)?.[1] === 'heartbeat') this.ended(name);
    });
    seen.observe({ type: 'resource', buffered: true });
  }

  /** @param {string} url of the connection that has ended */
  ended(url) {
    this.beat = url;
    this.root = rootOf(url);
    if (!this.leaving) void this.look();
  }

  /**
   * @param {RequestInfo | URL} what
   * @param {RequestInit} [how]
   * @returns {Promise<Response>}
   */
  async through(what, how) {
    const asked = what instanceof Request ? what : { url: String(what), signal: how?.signal };
    const kind = KIND.exec(asked.url)?.[1] ?? '';
    if (!kind || kind === 'heartbeat') return this.ask(what, how);
    this.root = rootOf(new URL(asked.url, location.href).href);
    const telling = this.word !== '' && String(how?.body).includes(this.word);
    if (this.word && !telling) await this.held;
    if (this.away || (kind === 'queue/data' && this.refusedOnly())) return this.nothing(kind, this.away);
    const ask = () =>
      this.ask(what, how).catch((error) => {
        if (asked.signal?.aborted || this.leaving) throw error;
      });
    const answer = await ask();
    if (telling) setTimeout(this.resumed);
    return this.heard(kind, answer, ask);
  }

  /**
   * @param {string} kind
   * @param {Response | void} answer
   * @param {() => Promise<Response | void>} again ask the same once more
   * @returns {Promise<Response>}
   */
  async heard(kind, answer, again) {
    if (!answer || (FROM_PROXY.includes(answer.status) && !isJson(answer))) {
      this.lose();
      return this.nothing(kind);
    }
    if (!answer.ok) {
      const said = await answer.clone().json().catch(() => ({})); // prettier-ignore
      const words = [said.error, said.detail].find((one) => typeof one === 'string');
      this.told.refused(words || BUSY);
      return kind === 'queue/join' ? this.nothing(kind, false) : answer;
    }
    if (kind === 'queue/join') {
      const { event_id: id } = await answer.clone().json();
      if (!this.early.delete(String(id))) this.open.add(String(id));
    }
    if (kind !== 'queue/data' || !answer.body) return answer;
    return new Response(this.watched(answer.body.getReader(), again), answer);
  }

  /**
   * What gradio hears in the server's place: that it is done, and nothing has changed.
   * @param {string} kind
   * @param {boolean} [lost] it is for want of a connection
   */
  async nothing(kind, lost = true) {
    if (lost && (kind === 'run' || kind === 'queue/join')) this.miss();
    if (kind === 'run') return json({ data: [], is_generating: false });
    if (kind === 'queue/data') {
      return new Response(this.ends(), { headers: { 'content-type': 'text/event-stream' } });
    }
    if (kind !== 'queue/join') return json({ error: AWAY }, 503);
    await rest(SETTLE);
    const id = `lost-${(this.lost += 1)}`;
    this.open.add(id);
    if (!lost) setTimeout(() => this.finish(id), SETTLE); // where a stream is open already
    return json({ event_id: id });
  }

  /** The ends of all events that are under way. */
  ends() {
    const done = [...this.open].map((id) =>
      line({ msg: 'process_completed', event_id: id, success: true, output: { data: [] } }),
    );
    this.open.clear();
    return [...done, line({ msg: 'close_stream', event_id: null })].join('');
  }

  /** Whether an event is under way of which the server knows. */
  waits() {
    return [...this.open].some((id) => !id.startsWith('lost-'));
  }

  /** Whether all events that are under way are none: the server knows nothing of them. */
  refusedOnly() {
    return this.open.size > 0 && !this.waits();
  }

  /** @param {string} id of an event that was refused */
  finish(id) {
    if (this.open.delete(id)) this.say?.(line({ msg: 'process_completed', event_id: id, success: true, output: { data: [] } }));
  }

  /**
   * A stream of events, which ends as gradio expects it whatever becomes of the server. What went wrong is told in the line.
   *
   * The server ends it after the last event it knows of. One that came at that moment would be told to nobody: for it the
   * stream goes on.
   * @param {ReadableStreamDefaultReader<Uint8Array>} reader
   * @param {() => Promise<Response | void>} again
   */
  watched(reader, again) {
    const stream = { reader, read: new TextDecoder(), tail: '' };
    const write = new TextEncoder();
    return new ReadableStream({
      start: (to) => {
        this.say = (text) => to.enqueue(write.encode(text));
      },
      pull: async (to) => {
        let got = { text: '', over: false };
        while (!got.text && !got.over) got = await this.piece(stream, again); // who enqueues nothing is not asked again
        if (got.text) to.enqueue(write.encode(got.text));
        if (!got.over) return;
        this.say = undefined;
        to.close();
      },
      cancel: (why) => stream.reader.cancel(why),
    });
  }

  /**
   * What comes next of a stream.
   * @param {{reader: ReadableStreamDefaultReader<Uint8Array>, read: TextDecoder, tail: string}} stream
   * @param {() => Promise<Response | void>} again
   */
  async piece(stream, again) {
    const { done, value } = await stream.reader.read().catch(() => ({ done: true, value: undefined }));
    const parts = (stream.tail + stream.read.decode(value, { stream: !done })).split('\n\n');
    stream.tail = parts.pop() ?? '';
    const told = parts.map((part) => this.event(part));
    const closed = told.some(closes);
    const next = closed && this.waits() ? (await again())?.body?.getReader() : undefined;
    if (next) {
      void stream.reader.cancel();
      Object.assign(stream, { reader: next, tail: '' });
      return { text: joined(told.filter((part) => !closes(part))), over: false };
    }
    return this.ending(told, done, closed);
  }

  /**
   * @param {(string | null)[]} told
   * @param {boolean} done nothing comes any more
   * @param {boolean} closed nor is there anything to come
   */
  ending(told, done, closed) {
    const ended = done || closed;
    const gone = told.includes(null) || (ended && this.waits());
    if (gone && !this.leaving) this.lose();
    const last = gone || (ended && this.open.size > 0);
    const text = joined(told.filter((part) => !last || !closes(part)));
    return last ? { text: text + this.ends(), over: true } : { text, over: done };
  }

  /**
   * @param {string} part an event of a stream
   * @returns {string | null} as gradio gets it; null where the server says that it ends, or knows nothing of us
   */
  event(part) {
    if (!/"(process_completed|unexpected_error)"/.test(part)) return part;
    const message = JSON.parse(part.replace(/^data: /, ''));
    if (message.msg === 'unexpected_error') return null;
    if (message.msg !== 'process_completed') return part;
    if (!this.open.delete(String(message.event_id))) this.early.add(String(message.event_id));
    if (message.success || !message.output?.error) return part;
    this.told.refused(String(message.output.error));
    message.output.visible = false; // gradio's own box would lie over the page
    return line(message).trimEnd();
  }

  // ---------------------------------------------------------------- gone, and back

  miss() {
    this.unsent = true;
    this.told.changed(this.away, true);
  }

  lose() {
    if (this.away) return;
    this.away = true;
    this.resumed(); // whoever was held back is answered with nothing now
    this.told.changed(true, this.unsent);
    void this.look();
  }

  /** Until the server is there. */
  async look() {
    if (this.looking) return;
    this.looking = true;
    for (let wait = SOON; !(await this.there()); wait = Math.min(LATE, wait * 1.5)) {
      if (!this.leaving) this.lose();
      await rest(wait);
    }
    this.looking = false;
    this.return();
  }

  async there() {
    if (this.leaving) return false;
    return this.ask(`${this.root}app_id`).then((answer) => answer.ok, () => false); // prettier-ignore
  }

  return() {
    const { unsent } = this;
    [this.away, this.unsent] = [false, false];
    this.word = `back-${Math.random().toString(36).slice(2)}`;
    this.held = new Promise((/** @type {(nothing?: undefined) => void} */ then) => {
      this.resumed = () => {
        this.word = '';
        then();
      };
      setTimeout(this.resumed, HELD);
    });
    void this.hold();
    this.told.changed(false, unsent);
    this.told.back(this.word, unsent);
  }

  /** The connection by which the server knows that the page is open. */
  async hold() {
    if (!this.beat) return;
    const answer = await this.ask(this.beat).catch(() => null);
    const reader = answer?.body?.getReader();
    while (reader && !(await reader.read().catch(() => ({ done: true }))).done);
  }
}
