// The list of recipes tried. Texts come from models and strangers' recipes: they enter only through textContent and the canvas.

import { slotColour } from '../shared/colours.js';
import { button, el, onTheme, titled } from '../shared/dom.js';
import { ago } from '../shared/numbers.js';
import { KEY, load, save } from './store.js';

/** @typedef {import('./store.js').Entry} Entry */

const SAYS_NOTHING = 'Nothing tried yet. Every blend that has answered is kept here, in this browser only.';
const NO_STAR = 'No starred recipe yet: press ☆ at one to keep it on top of all others.';

/**
 * @param {string} text
 * @param {string} name
 * @param {() => void} act
 */
const tool = (text, name, act) => titled(button('hi-button', text, act, name), name);

/**
 * The curves as they stand on the faders, one line per lane.
 * @param {Entry['lanes']} lanes
 */
function thumbnail(lanes) {
  const canvas = el('canvas', 'hi-thumb');
  canvas.setAttribute('aria-hidden', 'true');
  const [w, h, scale] = [96, 40, window.devicePixelRatio || 1];
  [canvas.width, canvas.height] = [w * scale, h * scale];
  const g = canvas.getContext('2d');
  if (!g) return canvas;
  g.scale(scale, scale);
  const all = lanes.flatMap((lane) => lane.numbers ?? []).filter(Number.isFinite);
  const [lo, hi] = [Math.min(0, ...all), Math.max(1, ...all)];
  for (const { slot, numbers = [] } of lanes) {
    g.strokeStyle = slotColour(slot);
    g.lineWidth = 1.6;
    g.beginPath();
    numbers.forEach((x, i) => {
      const across = 2 + ((w - 4) * i) / Math.max(1, numbers.length - 1);
      const down = 3 + (h - 6) * (1 - (x - lo) / (hi - lo));
      if (i) g.lineTo(across, down);
      else g.moveTo(across, down);
    });
    g.stroke();
  }
  return canvas;
}

export class List {
  /**
   * @param {import('../shared/host.js').Host} host
   * @param {HTMLElement} root
   */
  constructor(host, root) {
    this.host = host;
    this.entries = load();
    this.starsOnly = false;
    this.seq = 0;
    this.broken = false; // no storage here: the list lasts as long as the page
    this.count = el('span', 'hi-count');
    this.filter = tool('★ only', '★ only: show starred recipes', () => {
      this.starsOnly = !this.starsOnly;
      this.draw();
    });
    this.clear = tool('Forget all without a star', 'Forget all without a star', () => {
      this.change((entries) => entries.filter((e) => e.star));
    });
    this.list = el('ol', 'hi-list');
    this.live = el('div', 'hi-hidden');
    this.live.setAttribute('aria-live', 'polite');
    const bar = el('div', 'hi-bar');
    bar.append(this.count, this.filter, this.clear);
    root.append(bar, this.list, this.live);
    const fresh = (/** @type {Event} */ event) => {
      if (!root.isConnected) window.removeEventListener(event.type, fresh);
      else if (event.type === KEY || /** @type {StorageEvent} */ (event).key === KEY) this.reload();
    };
    window.addEventListener('storage', fresh); // another tab's
    window.addEventListener(KEY, fresh); // the recorder's
    onTheme(root, () => this.draw());
  }

  reload() {
    this.entries = load();
    this.draw();
  }

  /** @param {(entries: Entry[]) => Entry[]} fn */
  change(fn) {
    this.entries = fn(load());
    this.broken = !save(this.entries);
    this.draw();
  }

  /**
   * @param {'restore' | 'slot'} act
   * @param {Entry} entry
   * @param {string} said
   * @param {{slot?: 0 | 1}} [more]
   */
  tell(act, entry, said, more = {}) {
    this.seq += 1;
    this.host.props.value = { act, yaml: entry.yaml, prompt: entry.prompt, seq: this.seq, ...more };
    this.host.trigger('select');
    this.live.textContent = said;
  }

  /**
   * @param {Entry} entry
   * @param {number} i
   */
  row(entry, i) {
    const item = el('li', 'hi-item');
    item.dataset.star = String(Boolean(entry.star));
    const name = entry.title || `recipe ${i + 1}`;
    const head = el('div', 'hi-head');
    head.append(el('span', 'hi-title', name), el('span', 'hi-time', ago(entry.time)));
    const words = el('div', 'hi-words');
    words.append(head);
    if (entry.prompt) words.append(el('div', 'hi-prompt', `“${entry.prompt}”`));
    words.append(el('div', 'hi-answer', entry.answer || '(no word)'));
    item.append(thumbnail(entry.lanes ?? []), words, this.actions(entry, i, name));
    return item;
  }

  /**
   * @param {Entry} entry
   * @param {number} i
   * @param {string} name
   */
  actions(entry, i, name) {
    const star = tool(entry.star ? '★' : '☆', entry.star ? `Take the star off: ${name}` : `Star: ${name}`, () => {
      this.change((entries) => entries.map((e) => (e.id === entry.id ? { ...e, star: !e.star } : e)));
      this.focus(i, '[data-star-button]');
    });
    star.dataset.starButton = '';
    star.setAttribute('aria-pressed', String(Boolean(entry.star)));
    const actions = el('div', 'hi-actions');
    actions.append(
      star,
      tool('Restore', `Restore: ${name}`, () => this.tell('restore', entry, `Restored ${name}.`)),
      tool('as A', `Keep as A: ${name}`, () => this.tell('slot', entry, `Kept as A: ${name}.`, { slot: 0 })),
      tool('as B', `Keep as B: ${name}`, () => this.tell('slot', entry, `Kept as B: ${name}.`, { slot: 1 })),
      tool('✕', `Forget: ${name}`, () => {
        this.change((entries) => entries.filter((e) => e.id !== entry.id));
        if (!this.focus(Math.min(i, this.list.children.length - 1), 'button')) this.filter.focus();
      }),
    );
    return actions;
  }

  /**
   * @param {number} i of the list's items
   * @param {string} selector
   */
  focus(i, selector) {
    const node = this.list.children[i]?.querySelector(selector);
    if (node instanceof HTMLElement) node.focus();
    return Boolean(node);
  }

  draw() {
    const { entries, starsOnly } = this;
    const shown = starsOnly ? entries.filter((e) => e.star) : entries;
    this.list.replaceChildren(...shown.map((entry, i) => this.row(entry, i)));
    if (!shown.length) this.list.append(el('li', 'hi-empty', starsOnly ? NO_STAR : SAYS_NOTHING));
    const stars = entries.filter((e) => e.star).length;
    const starred = stars ? `, ${stars} starred` : '';
    const warning = this.broken ? '; this browser stores nothing, so they go with the page' : '';
    this.count.textContent = `${entries.length} tried${starred}${warning}`;
    this.filter.setAttribute('aria-pressed', String(starsOnly));
    this.clear.disabled = entries.length === stars;
  }
}
