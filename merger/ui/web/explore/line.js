// One slider: a line for each skill; a column of the whole height is each step's button.

import { el, grouped, svg } from '../shared/dom.js';
import { percent, short } from '../shared/numbers.js';
import { cut } from './board.js';
import { addButton } from './points.js';

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./board.js').Point} Point */
/** @typedef {import('./points.js').Buttons} Buttons */

const SKILLS = 8; // colours of skills in looks.json
const HEIGHT = 230;
const LETTER = 6.8; // pixels

/** @param {number} skill */
const slot = (skill) => `ex-slot-${skill % SKILLS}`;
/** @param {number} skill */
const stroke = (skill) => `ex-stroke ${slot(skill)}`;

/**
 * @param {Board} board
 * @param {Buttons} buttons
 * @returns {{box: HTMLElement, drawing: SVGSVGElement, legend: HTMLElement[]}}
 */
export function buildLine(board, buttons) {
  const box = el('div', 'ex-box');
  const drawing = svg('svg', { class: 'ex-svg', 'aria-hidden': 'true' });
  const steps = grouped(el('div', 'ex-steps'), `Steps of ${board.axes[0].label}`);
  steps.append(...board.axes[0].values.map((_, i) => addButton(buttons, String(i))));
  box.append(drawing, steps);
  const legend = board.skills.map((skill, i) => {
    const item = el('span', 'ex-item');
    const sample = svg('svg', { width: 26, height: 12, 'aria-hidden': 'true' });
    const line = svg('line', { x1: 0, x2: 26, y1: 6, y2: 6, class: `${stroke(i)} ex-dash-${i % 4}` });
    sample.append(line, mark(13, 6, i));
    item.append(sample, el('span', '', skill));
    return item;
  });
  return { box, drawing, legend };
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} skill has a shape as well as a colour
 */
function mark(x, y, skill) {
  const shapes = [
    `M${x - 4},${y}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0`,
    `M${x - 4},${y - 4}h8v8h-8z`,
    `M${x},${y - 5}l5,9h-10z`,
    `M${x},${y - 5}l5,5l-5,5l-5,-5z`,
  ];
  return svg('path', { d: shapes[skill % 4], class: `ex-fillmark ${slot(skill)}` });
}

/**
 * Where things lie on a drawing of some width.
 * @param {Board} board
 * @param {number} width
 */
function measure({ axes, marks }, width) {
  const { values } = axes[0];
  const right = marks.length ? Math.min(165, width * 0.34) : 14;
  const [left, top, bottom] = [40, 18, 30];
  const step = values.length > 1 ? (width - left - right - 16) / (values.length - 1) : 0;
  const x = (/** @type {number} */ i) => left + 8 + i * step;
  const y = (/** @type {number} */ share) => top + (1 - share) * (HEIGHT - top - bottom);
  return { values, width, left, right, step, x, y };
}

/** @typedef {ReturnType<typeof measure>} Place */

/**
 * @param {Board} board
 * @param {SVGSVGElement} drawing
 * @param {number} width
 * @param {Map<string, Point>} found
 * @param {string} best
 * @param {Buttons} buttons
 */
export function drawLine(board, drawing, width, found, best, buttons) {
  const place = measure(board, width);
  const { x, step } = place;
  for (const [name, value] of [
    ['viewBox', `0 0 ${width} ${HEIGHT}`],
    ['width', width],
    ['height', HEIGHT],
  ])
    // prettier-ignore
    drawing.setAttribute(String(name), String(value));
  drawing.replaceChildren(...axesOf(place));
  if (best) drawing.append(svg('text', { x: x(Number(best)), y: 12, class: 'ex-star', 'text-anchor': 'middle' }, '★ best'));
  const tried = place.values.map((_, i) => found.get(String(i)));
  drawing.append(...curvesOf(board, place, tried), ...aloneOf(board, place));
  for (const [at, [node]] of buttons) {
    const wide = Math.max(20, step || 40);
    node.style.left = `${x(Number(at)) - wide / 2}px`;
    node.style.width = `${wide}px`;
  }
}

/** @param {Place} place */
function axesOf({ values, width, left, right, step, x, y }) {
  const nodes = [];
  for (const share of [0, 0.5, 1]) {
    nodes.push(
      svg('line', { x1: left, x2: width - right, y1: y(share), y2: y(share), class: 'ex-grid' }),
      svg('text', { x: left - 6, y: y(share) + 4, class: 'ex-tick', 'text-anchor': 'end' }, percent(share)),
    );
  }
  const every = Math.ceil(44 / (step || 44));
  values.forEach((value, i) => {
    if (i % every && i !== values.length - 1) return;
    nodes.push(svg('text', { x: x(i), y: HEIGHT - 12, class: 'ex-tick', 'text-anchor': 'middle' }, short(value)));
  });
  return nodes;
}

/**
 * @param {Board} board
 * @param {Place} place
 * @param {(Point | undefined)[]} tried
 */
function curvesOf({ skills }, { x, y }, tried) {
  const nodes = [];
  for (const s of skills.keys()) {
    const done = tried.flatMap((p, i) => (p?.scores ? [[x(i), y(p.scores[s])]] : []));
    const path = done.map(([a, b], i) => `${i ? 'L' : 'M'}${a},${b}`).join('');
    nodes.push(svg('path', { d: path, class: `${stroke(s)} ex-dash-${s % 4}` }), ...done.map(([a, b]) => mark(a, b, s)));
  }
  tried.forEach((p, i) => {
    if (p && !p.scores) nodes.push(svg('text', { x: x(i), y: y(0) - 4, class: 'ex-cross', 'text-anchor': 'middle' }, '×'));
  });
  return nodes;
}

/**
 * What the models do alone: a tick at its level for each, the best of each skill with its name.
 * @param {Board} board
 * @param {Place} place
 */
function aloneOf({ skills, marks }, { width, right, y }) {
  const nodes = [];
  if (right > 20) nodes.push(svg('text', { x: width - right + 12, y: HEIGHT - 12, class: 'ex-tick' }, 'alone'));
  const letters = Math.floor((right - 14) / LETTER);
  const word = letters > 18 ? ' alone' : '';
  /** @type {{s: number, at: number, text: string}[]} */
  const labels = [];
  for (const s of skills.keys()) {
    for (const { scores } of marks) {
      const at = y(scores[s]);
      nodes.push(svg('line', { x1: width - right, x2: width - right + 8, y1: at, y2: at, class: stroke(s) }));
    }
    const most = marks.reduce((/** @type {Board['marks'][0] | null} */ a, b) => (a && a.scores[s] >= b.scores[s] ? a : b), null);
    if (!most) continue;
    const text = `${cut(most.name, letters - word.length - 5)}${word} ${percent(most.scores[s])}`;
    labels.push({ s, at: y(most.scores[s]), text });
  }
  labels.sort((a, b) => a.at - b.at);
  labels.forEach((label, i) => {
    label.at = Math.max(label.at, i ? labels[i - 1].at + 14 : 0);
    nodes.push(svg('text', { x: width - right + 12, y: label.at + 4, class: `ex-mark ${slot(label.s)}` }, label.text));
  });
  return nodes;
}
