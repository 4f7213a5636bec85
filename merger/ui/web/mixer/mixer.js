// The Mixer: lanes of numbers for every model, over a line that shows where they pull against each other. kinds.js tells what it is
// given and says; state.js holds the numbers, edits.js and link.js change them, the others draw them and listen to hands.

import { slotColour } from '../shared/colours.js';
import { onResize, onTheme, setText } from '../shared/dom.js';
import { stepOf } from '../shared/keyboard.js';
import { build } from './building.js';
import { drawZoom, wireStrip, zoomTo } from './closer.js';
import { drawBank, drawScale } from './drawing.js';
import { keepOnly, lockColumns, lockLane, surprise, unlockAll } from './edits.js';
import { AXIS, layout } from './geometry.js';
import { describe, drawHeard } from './lane.js';
import { wireMenu } from './menu.js';
import { COARSE, GAP, makeParts } from './parts.js';
import { Sending } from './sending.js';
import { State } from './state.js';
import { drawStrip, pick, point } from './strip.js';
import { drawRange, wireTools } from './toolbar.js';
import { drawWays, hearWays } from './ways.js';

/** @typedef {import('./kinds.js').Lane} Lane */
/** @typedef {import('./kinds.js').Lanes} Lanes */
/** @typedef {import('./kinds.js').Stats} Stats */
/** @typedef {import('./parts.js').Bank} Bank */

export class Mixer {
  early = false; // the line of the next frame is worked out already

  /**
   * @param {import('../shared/host.js').Host} host
   * @param {HTMLElement} root
   */
  constructor(host, root) {
    this.host = host;
    this.root = root;
    this.s = new State((path) => this.mark(path));
    this.sending = new Sending(this);
    /** @type {Stats} */
    this.stats = {};
    /** @type {Record<string, import('./kinds.js').Way>} */
    this.ways = {}; // which way each bar helps, by its path
    /** @type {Stats | null} */
    this.own = null; // the strip worked out here, until Python's for the same lanes is there
    /** @type {Bank[]} */
    this.banks = []; // the lanes on screen
    /** @type {import('./toolbar.js').Tools | null} */
    this.tools = null;
    /** @type {import('./pointer.js').Gesture | null} */
    this.gesture = null;
    /** @type {import('./pointer.js').Tap | null} */
    this.lastTap = null;
    /** @type {{before: Lanes, timer: ReturnType<typeof setTimeout> | undefined} | null} */
    this.typing = null; // a burst of keys in progress
    this.spot = -1; // the column under the pointer or the arrow keys
    /** @type {{from: number, to: number, hand?: boolean} | null} */
    this.brush = null; // the run of columns that is being chosen
    this.brushing = false; // the next drag over the strip chooses a run
    /** @type {{node: HTMLElement, from: HTMLElement} | null} */
    this.menu = null;
    this.more = false; // the box of tools is open
    this.width = 0;
    /** @type {import('./geometry.js').Box[]} */
    this.boxes = [];
    /** @type {import('./geometry.js').Ends | null} */
    this.ends = null;
    /** @type {Set<string>} */
    this.dirty = new Set(); // what the next frame draws: paths of lanes, strip, stats, scale
    this.frame = 0;
    this.known = ''; // the board without what the page remembers
    const zoomed = (/** @type {(a: number, b: number) => void} */ act) => () => this.s.zoom && act(...this.s.zoom);
    this.parts = makeParts(root, {
      lock: zoomed((a, b) => this.lockColumns(a, b)),
      keep: zoomed((a, b) => this.keepOnly(a, b)),
      inside: () => pick(this, -1),
      out: () => {
        zoomTo(this, 0, 0);
        this.parts.stripCanvas.focus({ preventScroll: true });
      },
    });
    wireStrip(this);
    wireMenu(this);
    wireTools(this);
    hearWays(this);
    root.addEventListener('keydown', (event) => {
      const way = stepOf(event);
      if (!way) return;
      event.preventDefault();
      this.step(way);
    });
    onResize(root, () => this.resize());
    onTheme(root, () => this.drawColours());
  }

  // ---------------------------------------------------------------- edits

  /**
   * One complete edit: undo step, input and release follow if anything moved.
   * @param {() => void} change
   */
  edit(change) {
    if (this.s.board.locked) return;
    this.finishTyping();
    const before = this.s.lanes;
    change();
    this.drawHeads();
    if (!this.s.differ(before)) return;
    this.remember(before);
    this.complete();
  }

  /** @param {(lane: Lane) => void} change */
  editSelected(change) {
    const lane = this.s.selectedLane();
    if (lane) this.edit(() => change(lane));
  }

  complete() {
    this.widen();
    this.sending.send();
    this.sending.release();
    this.drawButtons();
  }

  /** @param {Lanes} before */
  remember(before) {
    this.s.remember(before);
    this.drawButtons();
  }

  /** The end of a burst of keys. */
  finishTyping() {
    if (!this.typing) return;
    clearTimeout(this.typing.timer);
    const { before } = this.typing;
    this.typing = null;
    if (!this.s.differ(before)) return;
    this.remember(before);
    this.sending.release();
  }

  /**
   * The lanes' own steps first; below them lie the page's: method, preset, models.
   * @param {'undo' | 'redo'} way
   */
  step(way) {
    this.finishTyping();
    const own = way === 'undo' ? this.s.past.length : this.s.future.length;
    if (own && this.s.step(way)) {
      this.widen();
      this.markAll();
      this.sending.send();
      this.sending.release();
      this.drawButtons();
    } else if (!own && this.s.canStep(way)) {
      this.s.asked = true;
      this.host.trigger(way === 'undo' ? 'undo' : 'retry');
    }
  }

  surprise() {
    this.edit(() => surprise(this.s));
    if (this.s.shown().every((lane) => this.s.frozen.has(lane.path))) this.say('Every lane is locked.');
  }

  /**
   * @param {number} a
   * @param {number} b
   */
  keepOnly(a, b) {
    if (this.s.board.can_keep !== false) this.edit(() => keepOnly(this.s, a, b));
  }

  /**
   * @param {number} a
   * @param {number} b
   */
  lockColumns(a, b) {
    const on = lockColumns(this.s, a, b);
    this.say(`${this.s.rangeName(a, b)} ${on ? 'locked' : 'unlocked'}.`);
    this.drawHeads();
    this.markAll();
  }

  /** @param {Lane} lane */
  lockLane(lane) {
    lockLane(this.s, lane);
    this.drawHeads();
    this.mark(lane.path);
  }

  unlockAll() {
    unlockAll(this.s);
    this.say('Nothing is locked.');
    this.drawHeads();
    this.markAll();
  }

  split() {
    this.finishTyping();
    this.host.props.value = this.sending.message({ split: !this.s.board.split });
    this.host.trigger('edit');
  }

  /** @param {string} name of a parameter */
  showParam(name) {
    this.finishTyping();
    this.s.param = name;
    build(this);
  }

  /** @param {string} path */
  selectLane(path) {
    this.s.selected = path;
    for (const bank of this.banks) bank.box.dataset.selected = String(bank.lane.path === path);
    const name = this.s.selectedLane()?.name ?? '';
    this.tools?.shapes.setAttribute('aria-label', `Shape of ${name}`);
    if (this.tools) this.tools.shapes.title = `Shapes act on ${name}`;
    this.drawHere();
  }

  // ---------------------------------------------------------------- drawing, once per frame and only what changed

  /** @param {string} what */
  mark(what) {
    this.dirty.add(what);
    if (!this.frame) this.frame = requestAnimationFrame(() => this.paint());
  }

  markAll() {
    for (const bank of this.banks) this.mark(bank.lane.path);
    this.mark('strip');
    this.mark('scale');
  }

  paint() {
    this.frame = 0;
    this.early = false;
    const todo = new Set(this.dirty);
    this.dirty.clear();
    if (todo.has('stats')) this.follow();
    if (!this.width) return;
    // a recipe of other layers, before anything has measured it
    if (this.boxes.length !== this.s.board.columns.length) this.place();
    for (const bank of this.banks) {
      if (!todo.has(bank.lane.path) && !(bank.ghost && todo.has(bank.ghost.path))) continue;
      drawBank(this, bank);
      describe(this, bank);
    }
    if (todo.has('strip') || todo.has('stats')) drawStrip(this);
    if (todo.has('scale')) drawScale(this);
  }

  /** What a hand did is worked out while the screen's next frame is waited for, once for each: what is left then is to draw it. */
  ahead() {
    if (this.early || !this.dirty.delete('stats')) return;
    this.early = true;
    this.mark('strip');
    this.follow();
  }

  follow() {
    this.own = this.sending.follow();
    if (this.own) this.drawTexts();
  }

  /** Columns onto the width there is. */
  place() {
    const total = (this.banks[0]?.canvas ?? this.parts.stripCanvas).clientWidth - AXIS - 2;
    Object.assign(this, layout(this.s.board.columns, this.s.seen(), total, GAP));
  }

  resize() {
    this.width = this.parts.lanes.clientWidth;
    if (!this.width || !this.banks.length) return;
    this.place();
    this.markAll();
  }

  widen() {
    if (!this.s.widen()) return;
    drawRange(this);
    this.markAll();
  }

  floor() {
    return (this.own ?? this.stats).floor ?? [];
  }

  brushed() {
    const { from, to } = this.brush ?? { from: 0, to: 0 };
    return /** @type {[number, number]} */ ([Math.min(from, to), Math.max(from, to)]);
  }

  /**
   * The column that a lane's words are about: under the pointer, or where the keys are.
   * @param {Bank} bank
   */
  columnOf(bank) {
    return bank.hover >= 0 ? bank.hover : (this.s.cursor[bank.lane.path] ?? this.ends?.first ?? 0);
  }

  /** @param {string} text to screen readers */
  say(text) {
    this.parts.live.textContent = text;
  }

  /** What depends on locks, mute and solo. */
  drawHeads() {
    for (const bank of this.banks) {
      const locked = this.s.frozen.has(bank.lane.path);
      bank.box.dataset.locked = String(locked);
      bank.lock.hidden = !locked;
      drawHeard(this, bank);
    }
    drawWays(this);
    if (this.tools) this.tools.unlock.hidden = !this.s.held.size && !this.s.frozen.size;
    this.drawHere();
    drawZoom(this);
  }

  /** The column that "keep only" and "lock" mean: where the focus of the selected lane is. */
  drawHere() {
    if (!this.tools) return;
    const [a, b] = this.s.focusedColumns();
    const name = this.s.rangeName(a, b);
    setText(this.tools.keep, `Keep only ${name}`);
    setText(this.tools.hold, `${this.s.allHeld(a, b) ? 'Unlock' : 'Lock'} ${name}`);
  }

  drawButtons() {
    const { s, tools } = this;
    if (!tools) return;
    const locked = Boolean(s.board.locked);
    const always = [tools.undo, tools.redo, tools.more];
    for (const node of this.root.querySelectorAll('.mx-button:not([data-param])')) {
      if (node instanceof HTMLButtonElement) node.disabled = locked && !always.includes(node);
    }
    // aria-disabled keeps the focus where it is when the last step is taken back
    tools.undo.setAttribute('aria-disabled', String(!s.canStep('undo')));
    tools.redo.setAttribute('aria-disabled', String(!s.canStep('redo')));
    tools.link.setAttribute('aria-pressed', String(Boolean(s.linked[s.param])));
    this.parts.toolbar.hidden = locked && !s.page.can_undo && !s.page.can_redo;
  }

  drawHint() {
    const { board, param, stride } = this.s;
    const other = board.params.find((p) => p.name !== param);
    const ghost = other && this.banks.some((bank) => bank.ghost) ? ` · dashed line: ${other.label || other.name}` : '';
    const how = COARSE
      ? 'Drag to paint · the round ends pull a ramp · tap twice to reset'
      : 'Drag to paint · Shift keeps a level · the round ends pull a ramp · double-click resets';
    const steps = stride > 1 ? ` · moves ${stride} layers at a time (Tools)` : '';
    this.parts.hint.textContent = board.locked ? (board.note ?? '') : `${how}${ghost}${steps}`;
  }

  drawTexts() {
    const { strip, stripCanvas, stripSummary } = this.parts;
    const count = this.floor().length;
    const { summary, lanes: remarks } = this.own ?? this.stats;
    strip.hidden = !count;
    setText(stripSummary, summary ?? '');
    strip.title = `Above the line: more than unrelated models would, below: less. ${this.stats.note ?? ''}`;
    stripCanvas.setAttribute('aria-label', `Pull against each other: ${summary ?? ''}`);
    for (const { lane, share, remark } of this.banks) {
      const text = remarks?.[lane.path] ?? remarks?.[lane.path.split('#')[0]] ?? '';
      const [first, then] = text.split(' · ');
      setText(share, first);
      setText(remark, then ?? '');
      share.title = then ? `${first}; ${then} of its changes` : text;
      remark.title = share.title;
    }
    if (this.spot >= 0) point(this, this.spot < count ? this.spot : -1);
  }

  drawColours() {
    for (const bank of this.banks) bank.box.style.setProperty('--mx-colour', slotColour(bank.lane.ink ?? bank.lane.slot));
    this.markAll();
  }
}
