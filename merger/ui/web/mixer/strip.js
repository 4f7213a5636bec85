// The strip above the lanes: where the models disagree, a cell for every column and kind of tensor.

import { blend, colour, ink, isDark, ramp } from '../shared/colours.js';
import { clamp, percent } from '../shared/numbers.js';
import { lettering, sheet } from './canvas.js';
import { AXIS, columnAt } from './geometry.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */
/** @typedef {{column: number, row: number}} Cell */

/** @param {Mixer} m */
export const rowHeight = (m) => (m.parts.stripCanvas.clientHeight - 2) / Math.max(1, m.rows().length);

/** @param {unknown} x */
const isShare = (x) => typeof x === 'number' && Number.isFinite(x);

/** @param {Mixer} m */
export function drawStrip(m) {
  const [g] = sheet(m.parts.stripCanvas);
  const [low, high] = ramp();
  const tall = rowHeight(m);
  lettering(g, 'right', '');
  m.rows().forEach((row, r) => {
    const y = 1 + r * tall;
    g.fillStyle = ink(isDark() ? 0.7 : 0.65);
    g.fillText(String(row.label), AXIS - 10, y + tall / 2 + 0.5, AXIS - 12);
    m.boxes.forEach((box, i) => {
      if (box.hidden) return;
      const x = row.values?.[i];
      const d = box.w > 8 ? 0.5 : 0;
      g.fillStyle = isShare(x) ? blend(low, high, clamp(Number(x), 0, 1)) : ink(0.05); // no such tensor here
      if (isShare(x)) g.fillRect(AXIS + box.x + d, y + 0.5, box.w - 2 * d, tall - 1);
      else g.fillRect(AXIS + box.x + d, y + tall / 2 - 0.5, box.w - 2 * d, 1);
    });
  });
  const { picked } = m.s;
  const mine = m.rows().findIndex((row) => row.label === picked?.row);
  if (picked && mine >= 0) frameCell(m, g, { column: picked.column, row: mine }, 3.5, colour('card'));
  if (m.spot) frameCell(m, g, m.spot, 2);
  if (m.brush) drawBrush(m, g, tall);
}

/**
 * The run of columns that is being chosen for a closer look.
 * @param {Mixer} m
 * @param {CanvasRenderingContext2D} g
 * @param {number} tall
 */
function drawBrush(m, g, tall) {
  const [a, b] = m.brushed();
  const left = AXIS + m.boxes[a].x;
  const right = AXIS + m.boxes[b].x + m.boxes[b].w;
  const down = tall * m.rows().length;
  g.fillStyle = ink(isDark() ? 0.45 : 0.35);
  g.fillRect(AXIS, 0, left - AXIS, 2 + down);
  g.fillRect(right, 0, m.parts.stripCanvas.clientWidth - right, 2 + down);
  g.strokeStyle = ink(0.95);
  g.lineWidth = 2;
  g.strokeRect(left, 1, right - left, down);
}

/**
 * A frame around a cell; with `core`, a line of that colour inside the frame, which shows on any cell.
 * @param {Mixer} m
 * @param {CanvasRenderingContext2D} g
 * @param {Cell} cell
 * @param {number} wide
 * @param {string} [core]
 */
function frameCell(m, g, { column, row }, wide, core = '') {
  const box = m.boxes[column];
  if (!box || box.hidden) return;
  const tall = rowHeight(m);
  const frame = (/** @type {string} */ style, /** @type {number} */ width) => {
    g.strokeStyle = style;
    g.lineWidth = width;
    g.strokeRect(AXIS + box.x, 1 + row * tall, box.w, tall);
  };
  frame(ink(0.95), wide);
  if (core) frame(core, wide / 3);
}

/**
 * @param {Mixer} m
 * @param {Cell} cell
 */
export function cellText(m, { column, row }) {
  const x = m.rows()[row]?.values?.[column];
  const amount = typeof x === 'number' ? percent(x) : 'nothing to compare';
  return `${m.s.board.columns[column]?.label ?? ''} · ${m.rows()[row]?.label ?? ''} · ${amount}`;
}

/**
 * The cell under the pointer or the arrow keys, with its words beside it.
 * @param {Mixer} m
 * @param {Cell | null} next
 * @param {boolean} [spoken]
 */
export function point(m, next, spoken = false) {
  const { tip, stripCanvas, live } = m.parts;
  m.spot = next && m.rows().length && m.boxes[next.column] && !m.boxes[next.column].hidden ? next : null;
  m.mark('strip');
  tip.hidden = !m.spot;
  if (!m.spot) return;
  tip.textContent = cellText(m, m.spot);
  if (spoken) live.textContent = tip.textContent;
  const box = m.boxes[m.spot.column];
  const middle = stripCanvas.offsetLeft + AXIS + box.x + box.w / 2;
  tip.style.left = `${clamp(middle - tip.offsetWidth / 2, 0, Math.max(0, m.root.clientWidth - tip.offsetWidth))}px`;
  tip.style.top = `${stripCanvas.offsetTop + (m.spot.row + 1) * rowHeight(m) + 6}px`;
}

/** @param {Mixer} m */
export function pick(m) {
  if (!m.spot) return;
  const { column } = m.spot;
  const row = m.rows()[m.spot.row];
  m.s.picked = { column, row: row.label };
  m.host.props.value = m.sending.message();
  m.say(`Chosen: ${cellText(m, m.spot)}`);
  m.host.trigger('select', { index: [column, row.label], value: row.values?.[column] ?? null, ...m.s.picked });
  m.mark('strip');
}

/**
 * @param {Mixer} m
 * @param {MouseEvent} event
 * @returns {Cell}
 */
export function cellAt(m, event) {
  const box = m.parts.stripCanvas.getBoundingClientRect();
  const column = columnAt(m.boxes, event.clientX - box.left - AXIS);
  const row = clamp(Math.floor((event.clientY - box.top - 1) / rowHeight(m)), 0, m.rows().length - 1);
  return { column, row };
}
