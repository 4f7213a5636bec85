// Slices as a picture: blocks of layers, moved by hand or keys.
//
// props.board  {blocks, models, foot, turn, can_undo, can_redo}; no blocks: nothing is shown
// props.value  {blocks: [{of, sources}]} or {set: path, to: number}, with `release`
// events       release; undo, retry: a step of the page

import css from './stack.css';
import { button, el, grouped, onResize, onTheme, rootOf, setText, svg, titled } from '../shared/dom.js';
import { read } from '../shared/host.js';
import { stepOf, withControl } from '../shared/keyboard.js';
import { clamp } from '../shared/numbers.js';
import { add, alike, border, double, remove, renumbered, reorder, split, stretch, swap } from './edits.js';
import { frameOf, inkOf, picture, sides } from './picture.js';

/** @typedef {import('./edits.js').Block} Block */
/** @typedef {{path: string, label: string, low: number, high: number, step: number, value: number}} Fader */
/** @typedef {Block & {numbers: Fader[]}} Given */

const TYPING_MS = 400;
const PATIENCE = 10_000; // ms until what was sent counts as lost

class Stack {
  /**
   * @param {import('../shared/host.js').Host} host
   * @param {HTMLElement} root
   */
  constructor(host, root) {
    this.host = host;
    this.root = root;
    /** @type {{blocks: Given[], models: import('./picture.js').Model[], foot: string, can_undo?: boolean, can_redo?: boolean}} */
    this.board = { blocks: [], models: [], foot: '' };
    /** @type {Block[]} */
    this.blocks = [];
    this.chosen = 0;
    /** @type {{border: number | null, block: number, y: number, from: Block[]} | null} */
    this.drag = null;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.typing = undefined;
    /** @type {{blocks: Block[], at: number} | null} what was sent and has not been answered: what is done meanwhile is sent then */
    this.sent = null;
    this.id = `st-${Math.random().toString(36).slice(2)}`;
    this.make();
  }

  make() {
    const tool = (/** @type {string} */ text, /** @type {() => void} */ act) => button('st-button', text, act);
    this.undo = tool('Undo', () => this.host.trigger('undo'));
    this.redo = tool('Redo', () => this.host.trigger('retry'));
    const head = el('div', 'st-head');
    head.append(el('strong', '', 'Layers'), this.undo, this.redo);
    head.append(
      titled(
        tool('Add a block', () => this.edit((b) => add(b, this.chosen, this.counts()), 1)),
        'After the chosen one',
      ),
    );
    this.names = el('div', 'st-names');
    this.picture = svg('svg', { class: 'st-picture', role: 'listbox', tabindex: 0, 'aria-label': 'Blocks of your merge' });
    const keys = 'Up and down choose a block, with Alt move it; [ and ] its first layer, { and } its last, Delete removes it';
    this.picture.setAttribute('aria-description', keys);
    this.tools = el('div', 'st-tools');
    this.foot = el('p', 'st-foot');
    this.live = el('div', 'st-live');
    this.live.setAttribute('aria-live', 'polite');
    this.root.append(head, this.names, this.picture, this.tools, this.foot, this.live);
    this.picture.addEventListener('keydown', (event) => this.key(event));
    this.picture.addEventListener('pointerdown', (event) => this.down(event));
    this.picture.addEventListener('pointermove', (event) => this.move(event));
    this.picture.addEventListener('pointerup', () => this.up());
    this.picture.addEventListener('pointercancel', () => this.up());
    this.root.addEventListener('keydown', (event) => {
      const way = stepOf(event);
      if (!way) return;
      event.preventDefault();
      this.host.trigger(way === 'undo' ? 'undo' : 'retry');
    });
    onResize(this.root, () => this.draw());
    onTheme(this.root, () => this.draw());
  }

  counts() {
    return this.board.models.map(({ layers }) => layers);
  }

  /** A board from Python; a hand that is at work goes on. */
  take() {
    const given = read(this.host.props.board);
    const { sent } = this;
    const models = this.board.models;
    this.board = { models: [], foot: '', ...given, blocks: given.blocks ?? [] };
    this.sent = null;
    const at = models.map(({ full }) => this.board.models.findIndex((one) => one.full === full));
    this.blocks = renumbered(this.blocks, at);
    const taken = sent !== null && alike(renumbered(sent.blocks, at), this.board.blocks); // else refused, or another recipe
    const later = taken && !alike(this.blocks, this.board.blocks);
    const stays = this.drag || this.typing || later;
    if (!stays || !this.board.blocks.length) {
      this.drag = null;
      this.blocks = this.board.blocks.map(({ of, sources }) => ({ of, sources }));
    }
    this.root.hidden = !this.blocks.length;
    if (this.root.hidden) return;
    this.choose(this.chosen);
    if (later && !this.drag && !this.typing) this.send();
    for (const [node, can] of /** @type {const} */ ([[this.undo, 'can_undo'], [this.redo, 'can_redo']])) node?.setAttribute('aria-disabled', String(!this.board[can])); // prettier-ignore
  }

  /** @param {number} i */
  choose(i) {
    this.chosen = clamp(i, 0, this.blocks.length - 1);
    this.draw();
    this.drawTools();
  }

  draw() {
    const { picture: box, board } = this;
    const scene = { models: board.models, blocks: this.blocks, chosen: this.chosen, width: box?.clientWidth ?? 0, height: box?.clientHeight ?? 0 }; // prettier-ignore
    if (!box || !this.blocks.length || !scene.width) return;
    box.replaceChildren(...picture(scene, this.id));
    box.setAttribute('aria-activedescendant', `${this.id}-${this.chosen}`);
    const shown = sides(scene);
    const others = [...new Set(this.blocks.flatMap(({ sources }) => sources.map(([m]) => m)))].filter((m) => !shown.includes(m)); // prettier-ignore
    const name = (/** @type {number} */ m) => {
      const node = titled(el('span', 'st-model', board.models[m].name), board.models[m].full);
      node.style.setProperty('--st-ink', inkOf(board.models[m]));
      return node;
    };
    const merge = el('span', 'st-merge', 'Your merge');
    const right = el('div');
    right.append(...[...others, ...shown.slice(1)].map(name));
    this.names?.replaceChildren(name(shown[0]), merge, right);
    setText(/** @type {HTMLElement} */ (this.foot), board.foot);
  }

  /** What can be done to the chosen block. */
  drawTools() {
    const i = this.chosen;
    const block = this.blocks[i];
    const held = this.tools?.contains(document.activeElement) ? document.activeElement?.getAttribute('aria-label') : null;
    const tool = (/** @type {string} */ text, /** @type {(b: Block[]) => Block[]} */ act, by = 0) => button('st-button', text, () => this.edit(act, by), `${text} block ${i + 1}`); // prettier-ignore
    const choices = block.sources.map(([mine], s) => {
      const list = el('select', 'st-select');
      list.setAttribute('aria-label', `Source ${s + 1} of block ${i + 1}`);
      this.board.models.forEach(({ name }, m) => list.append(new Option(name, String(m), false, m === mine)));
      list.addEventListener('change', () => this.edit((b) => swap(b, i, s, Number(list.value), this.counts())));
      return list;
    });
    const numbers = (this.board.blocks[block.of]?.numbers ?? []).map((fader) => this.fader(fader));
    const group = grouped(el('div', 'st-group'), `Block ${i + 1} of ${this.blocks.length}`);
    group.append(...choices, tool('Split', (b) => split(b, i)), tool('Double', (b) => double(b, i), 1), tool('Remove', (b) => remove(b, i))); // prettier-ignore
    this.tools?.replaceChildren(group, ...numbers);
    const again = [...(this.tools?.querySelectorAll('[aria-label]') ?? [])].find(
      (node) => node.getAttribute('aria-label') === held,
    );
    if (held && again instanceof HTMLElement) again.focus();
  }

  /** @param {Fader} fader */
  fader({ path, label, low, high, step, value }) {
    const line = el('label', 'st-fader', label);
    const input = el('input');
    const said = el('output', '', String(value));
    Object.assign(input, { type: 'range', min: low, max: high, step, value });
    input.setAttribute('aria-label', label);
    input.addEventListener('input', () => setText(said, input.value));
    input.addEventListener('change', () => {
      this.host.props.value = { set: path, to: Number(input.value) };
      this.host.trigger('release');
    });
    line.append(input, said);
    return line;
  }

  /**
   * One complete edit.
   * @param {(blocks: Block[]) => Block[]} change
   * @param {number} [by] how far the choice moves
   */
  edit(change, by = 0) {
    const made = change(this.blocks);
    if (made === this.blocks) return;
    this.blocks = made;
    this.choose(this.chosen + by);
    this.send();
  }

  send() {
    clearTimeout(this.typing);
    this.typing = undefined;
    if (alike(this.blocks, this.board.blocks) || (this.sent && performance.now() - this.sent.at < PATIENCE)) return;
    const blocks = structuredClone(this.blocks);
    this.blocks = blocks.map(({ sources }, of) => ({ of, sources })); // as they are numbered when it has been taken
    this.sent = { blocks, at: performance.now() };
    this.host.props.value = { blocks };
    this.host.trigger('release');
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    if (withControl(event)) return;
    const i = this.chosen;
    const up = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const ends = /** @type {Record<string, ['first' | 'last', number]>} */ ({ '[': ['first', -1], ']': ['first', 1], '{': ['last', -1], '}': ['last', 1] }); // prettier-ignore
    const end = ends[event.key];
    const before = this.blocks;
    if (up && event.altKey) this.blocks = reorder(before, i, i + up);
    else if (end) this.blocks = stretch(before, i, ...end, this.counts());
    else if (event.key === 'Delete') this.blocks = remove(before, i);
    else if (!up) return;
    event.preventDefault();
    const moved = this.blocks !== before;
    this.choose(up && (moved || !event.altKey) ? i + up : i);
    if (this.live) this.live.textContent = this.picture?.querySelector('[aria-selected=true]')?.getAttribute('aria-label') ?? '';
    if (!moved) return;
    clearTimeout(this.typing);
    this.typing = setTimeout(() => this.send(), TYPING_MS);
  }

  /** @param {PointerEvent} event */
  down(event) {
    const node = event.target instanceof Element ? event.target.closest('[data-border],[data-block]') : null;
    if (event.button !== 0 || !(node instanceof SVGElement) || !this.picture) return;
    this.send(); // what keys left
    const at = node.dataset.border === undefined ? null : Number(node.dataset.border);
    const block = Number(node.dataset.block ?? Math.max(0, Number(at)));
    this.drag = { border: at, block, y: event.clientY, from: this.blocks };
    this.picture.setPointerCapture(event.pointerId);
    this.picture.focus({ preventScroll: true });
    this.choose(block);
  }

  /** @param {PointerEvent} event */
  move(event) {
    if (!this.drag || !this.picture) return;
    const { border: at, block, y, from } = this.drag;
    const size = { width: this.picture.clientWidth, height: this.picture.clientHeight };
    const { unit, tops } = frameOf({ models: this.board.models, blocks: from, chosen: this.chosen, ...size });
    if (at !== null) {
      this.blocks = border(from, at, Math.round((event.clientY - y) / unit), this.counts());
      this.draw();
      return;
    }
    const here = event.clientY - this.picture.getBoundingClientRect().top;
    const to =
      Math.abs(event.clientY - y) < 6
        ? block
        : Math.max(
            0,
            tops.findLastIndex((top) => top <= here),
          );
    this.blocks = to === block ? from : reorder(from, block, to);
    this.chosen = to;
    this.draw();
  }

  up() {
    if (!this.drag) return;
    this.drag = null;
    this.drawTools();
    this.send();
  }
}

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const stack = new Stack(host, rootOf(host.element, '.stack', css));
  host.watch('board', () => stack.take());
  stack.take();
}
