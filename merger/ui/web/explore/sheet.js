// Explore: what a search over one slider or two has found so far; board.js tells what it is given.

import { el, onResize } from '../shared/dom.js';
import { NOTHING, bestOf, keyOf, told, where, words } from './board.js';
import { buildLine, drawLine } from './line.js';
import { buildMaps } from './maps.js';
import { buttonOf, moved, paint } from './points.js';
import { tableOf } from './table.js';

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Point} Point */

/**
 * @param {string} className
 * @param {string} role
 * @param {string} [name] for screen readers
 */
function spoken(className, role, name = '') {
  const node = el('div', className);
  node.setAttribute('role', role);
  if (name) node.setAttribute('aria-label', name);
  return node;
}

/**
 * What was said at a point, and whether that was right.
 * @param {Point} point
 */
function saidAt({ says = [] }) {
  const list = el('dl', 'ex-says');
  for (const [prompt, said, right] of says) {
    const verdict = right === null ? '' : right ? '✓ ' : '✗ ';
    const answer = el('dd', right === false ? 'ex-wrong' : '', `${verdict}${said || '(nothing)'}`);
    if (right !== null) answer.setAttribute('aria-label', `${right ? 'right' : 'wrong'}: ${said}`);
    list.append(el('dt', '', prompt), answer);
  }
  return list;
}

function makeParts() {
  const parts = {
    status: el('p', 'ex-status'),
    track: spoken('ex-track', 'progressbar', 'Trials done'),
    fill: el('div', 'ex-fill'),
    alarm: el('p', 'ex-alarm'),
    legend: el('div', 'ex-legend'),
    charts: el('div', 'ex-charts'),
    hint: el('p', 'ex-hint', 'Click a point, or press Enter on it, to load its recipe. Arrow keys move between points.'),
    panel: el('div', 'ex-panel'),
    numbers: el('details', 'ex-numbers'),
    scroll: el('div', 'ex-scroll'),
    live: el('div', 'ex-hidden'),
  };
  parts.live.setAttribute('aria-live', 'polite');
  parts.alarm.setAttribute('role', 'alert');
  parts.track.append(parts.fill);
  parts.numbers.append(el('summary', '', 'All numbers as a table'), parts.scroll);
  return parts;
}

export class Sheet {
  /**
   * @param {import('../shared/host.js').Host} host
   * @param {HTMLElement} root
   */
  constructor(host, root) {
    this.host = host;
    this.parts = makeParts();
    /** @type {Board} */
    this.board = { ...NOTHING, state: 'idle', axes: [] };
    /** @type {string | null} */
    this.here = null; // the point that is looked at
    /** @type {string | null} */
    this.loaded = null;
    this.touched = false; // until then the best point is looked at
    this.seq = 0;
    /** @type {import('./points.js').Buttons} */
    this.buttons = new Map();
    this.shape = ''; // what the charts were built for
    /** @type {SVGSVGElement | null} */
    this.drawing = null; // of a line
    this.width = '';
    const { status, track, alarm, legend, charts, hint, panel, numbers, live } = this.parts;
    root.append(status, track, alarm, legend, charts, hint, panel, numbers, live);
    this.listen();
    onResize(charts, () => {
      const width = String(charts.clientWidth);
      if (width === this.width || this.board.axes.length !== 1) return;
      this.width = width;
      this.drawLine();
    });
  }

  get found() {
    return new Map(this.board.points.map((p) => [keyOf(p.at), p]));
  }

  /** The best point's key; "" where there is none yet. */
  get best() {
    const best = bestOf(this.board);
    return best ? keyOf(best.at) : '';
  }

  // ---------------------------------------------------------------- drawing

  draw() {
    const { board, parts, best } = this;
    const done = board.points.length;
    parts.status.textContent = words(board);
    parts.alarm.textContent = board.error;
    parts.alarm.hidden = !board.error;
    this.drawProgress(done);
    const now = JSON.stringify([board.axes, board.skills]);
    if (now !== this.shape) {
      this.shape = now;
      Object.assign(this, { here: null, loaded: null, touched: false });
      this.build();
    }
    const empty = !board.axes.length;
    parts.charts.hidden = empty;
    for (const name of /** @type {const} */ (['legend', 'panel', 'numbers', 'hint'])) parts[name].hidden = empty || !done;
    if (empty) return;
    const { found } = this;
    for (const [key, own] of this.buttons) {
      paint(board, key, own, found.get(key), { best: key === best, loaded: key === this.loaded });
    }
    this.drawLine();
    if (!this.touched && done) this.here = best || keyOf(board.points[0].at);
    this.look();
    parts.scroll.replaceChildren(tableOf(board, [...found.values()], best));
  }

  /** @param {number} done */
  drawProgress(done) {
    const { board } = this;
    const { track, fill } = this.parts;
    track.hidden = board.state !== 'busy' && board.state !== 'waiting';
    fill.style.width = board.total && board.state === 'busy' ? `${(100 * done) / board.total}%` : '0';
    track.setAttribute('aria-valuemin', '0');
    track.setAttribute('aria-valuemax', String(board.total || 1));
    track.setAttribute('aria-valuenow', String(done));
  }

  build() {
    const { charts, legend } = this.parts;
    const { board } = this;
    charts.replaceChildren();
    legend.replaceChildren();
    this.buttons = new Map();
    this.drawing = null;
    charts.classList.toggle('ex-line', board.axes.length === 1);
    if (board.axes.length === 1) {
      const made = buildLine(board, this.buttons);
      this.drawing = made.drawing;
      charts.append(made.box);
      legend.append(...made.legend);
    } else if (board.axes.length === 2) {
      const made = buildMaps(board, this.buttons);
      charts.append(...made.figures);
      legend.append(...made.legend);
    }
  }

  drawLine() {
    const width = Math.max(240, this.parts.charts.clientWidth || 600);
    if (this.drawing) drawLine(this.board, this.drawing, width, this.found, this.best, this.buttons);
  }

  /** The point that is looked at: its numbers and what was said there. */
  look() {
    const { board, here, buttons } = this;
    const { panel } = this.parts;
    for (const [key, own] of buttons) {
      for (const node of own) {
        node.tabIndex = key === here ? 0 : -1;
        node.classList.toggle('ex-here', key === here);
      }
    }
    panel.replaceChildren();
    const point = here === null ? undefined : this.found.get(here);
    if (!point) return;
    panel.append(el('h4', 'ex-title', where(board, point.at)));
    const loaded = here === this.loaded ? ' · loaded' : '';
    panel.append(el('p', point.scores ? 'ex-told' : 'ex-note', `${told(board, point)}${loaded}`));
    panel.append(saidAt(point));
  }

  // ---------------------------------------------------------------- hands

  /** @param {string} key */
  lookAt(key) {
    this.here = key;
    this.look();
  }

  listen() {
    const { charts } = this.parts;
    charts.addEventListener('pointerover', (event) => {
      const node = buttonOf(event);
      if (!node?.classList.contains('ex-tried') || node.dataset.at === this.here) return;
      this.touched = true;
      this.lookAt(String(node.dataset.at));
    });
    charts.addEventListener('focusin', (event) => {
      const node = buttonOf(event);
      if (!node) return;
      this.touched = true;
      if (node.dataset.at !== this.here) this.lookAt(String(node.dataset.at));
    });
    charts.addEventListener('click', (event) => this.load(buttonOf(event)?.dataset.at ?? ''));
    charts.addEventListener('keydown', (event) => {
      const node = buttonOf(event);
      const to = node && moved(this.board, String(node.dataset.at), event);
      if (!node || !to) return;
      event.preventDefault();
      if (to.key === null) return;
      const next = this.buttons.get(to.key)?.find((other) => other.dataset.skill === node.dataset.skill);
      this.lookAt(to.key);
      next?.focus();
    });
  }

  /** @param {string} key of the point whose recipe is wanted */
  load(key) {
    const point = this.found.get(key);
    if (!point?.scores) return;
    this.here = this.loaded = key;
    this.draw();
    this.seq += 1;
    this.host.props.value = { picked: [...point.at], seq: this.seq };
    this.host.trigger('select');
    this.parts.live.textContent = `Loaded: ${where(this.board, point.at)}`;
  }

  // ---------------------------------------------------------------- from Python

  /** @param {Partial<Board> | null} fresh */
  take(fresh) {
    if (!fresh || typeof fresh !== 'object') return;
    const before = this.board.state;
    const kept = fresh.axes ? { ...NOTHING, state: before, axes: [] } : this.board;
    this.board = { ...kept, error: '', ...fresh };
    this.draw();
    const { state, axes } = this.board;
    if (before !== 'busy' && state === 'busy') this.parts.numbers.open = axes.length === 1;
    if (state !== before && ['done', 'stopped', 'waiting'].includes(state)) this.parts.live.textContent = words(this.board);
  }
}
