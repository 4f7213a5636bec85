// The line under the lanes: where the models pull against each other, a bar for every column; above the line more than unrelated
// models would, below it less.

import { colour, ink, isDark } from '../shared/colours.js';
import { clamp, whole } from '../shared/numbers.js';
import { sheet } from './canvas.js';
import { AXIS, columnAt } from './geometry.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */

/** How much of half the height a value takes: small ones are seen, half is all. @param {number} x */
const tall = (x) => Math.sqrt(Math.min(1, 2 * Math.abs(x)));

/** @param {unknown} x @returns {x is number} */
const isShare = (x) => typeof x === 'number' && Number.isFinite(x);

/** @param {Mixer} m */
export function drawStrip(m) {
  const [g, , h] = sheet(m.parts.stripCanvas);
  const middle = h / 2;
  const reach = middle - 1;
  const values = m.floor();
  const [more, less, some, none] = [colour('more'), colour('less'), ink(0.5), ink(0.15)];
  m.boxes.forEach((box, i) => {
    if (box.hidden) return;
    const x = values[i];
    const d = box.w > 8 ? 0.5 : 0;
    const high = isShare(x) && x ? Math.max(1, reach * tall(x)) : 0;
    g.fillStyle = Number(x) > 0 ? more : less;
    g.fillRect(AXIS + box.x + d, Number(x) > 0 ? middle - high : middle, box.w - 2 * d, high);
    g.fillStyle = isShare(x) ? some : none; // no two changes there
    g.fillRect(AXIS + box.x, middle - 0.5, box.w, 1);
  });
  if (m.s.picked) frame(m, g, m.s.picked.column, h, 2);
  if (m.spot >= 0) frame(m, g, m.spot, h, 3);
  if (m.brush) drawBrush(m, g, h);
}

/**
 * The run of columns that is being chosen for a closer look.
 * @param {Mixer} m
 * @param {CanvasRenderingContext2D} g
 * @param {number} h
 */
function drawBrush(m, g, h) {
  const [a, b] = m.brushed();
  const left = AXIS + m.boxes[a].x;
  const right = AXIS + m.boxes[b].x + m.boxes[b].w;
  g.fillStyle = ink(isDark() ? 0.45 : 0.35);
  g.fillRect(AXIS, 0, left - AXIS, h);
  g.fillRect(right, 0, m.parts.stripCanvas.clientWidth - right, h);
  g.strokeStyle = ink(0.95);
  g.lineWidth = 2;
  g.strokeRect(left, 1, right - left, h - 2);
}

/**
 * @param {Mixer} m
 * @param {CanvasRenderingContext2D} g
 * @param {number} column
 * @param {number} h
 * @param {number} wide
 */
function frame(m, g, column, h, wide) {
  const box = m.boxes[column];
  if (!box || box.hidden) return;
  g.strokeStyle = ink(0.95);
  g.lineWidth = wide;
  g.strokeRect(AXIS + box.x, 1, box.w, h - 2);
}

/**
 * @param {Mixer} m
 * @param {number} column
 */
export function columnText(m, column) {
  const x = m.floor()[column];
  const name = m.s.board.columns[column]?.label ?? '';
  if (!isShare(x)) return `${name}: no two models change the same weights`;
  const points = Math.abs(whole(100 * x));
  return `${name}: ${points ? `${points} % ${x > 0 ? 'more' : 'less'} than` : 'as much as'} chance`;
}

/**
 * The column under the pointer or the arrow keys, with its words beside it; -1 for none.
 * @param {Mixer} m
 * @param {number} next
 * @param {boolean} [spoken]
 */
export function point(m, next, spoken = false) {
  const { tip, stripCanvas, live } = m.parts;
  m.spot = m.floor().length && m.boxes[next] && !m.boxes[next].hidden ? next : -1;
  m.mark('strip');
  tip.hidden = m.spot < 0;
  if (m.spot < 0) return;
  tip.textContent = columnText(m, m.spot);
  if (spoken) live.textContent = tip.textContent;
  const box = m.boxes[m.spot];
  const middle = stripCanvas.offsetLeft + AXIS + box.x + box.w / 2;
  tip.style.left = `${clamp(middle - tip.offsetWidth / 2, 0, Math.max(0, m.root.clientWidth - tip.offsetWidth))}px`;
  tip.style.top = `${stripCanvas.offsetTop - tip.offsetHeight - 6}px`;
}

/**
 * Inside opens there; -1: where they pull against each other most.
 * @param {Mixer} m
 * @param {number} column
 */
export function pick(m, column) {
  m.s.picked = column < 0 ? null : { column };
  m.host.props.value = m.sending.message();
  if (column >= 0) m.say(`Chosen: ${columnText(m, column)}`);
  m.host.trigger('select', { index: column, value: m.floor()[column] ?? null });
  m.mark('strip');
}

/**
 * @param {Mixer} m
 * @param {MouseEvent} event
 */
export const spotAt = (m, event) => columnAt(m.boxes, event.clientX - m.parts.stripCanvas.getBoundingClientRect().left - AXIS);
