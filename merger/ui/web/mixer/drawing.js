// A lane's bars, and the columns' names below all lanes.

import { alpha, colour, ink, isDark, slotColour } from '../shared/colours.js';
import { clamp } from '../shared/numbers.js';
import { dashed, hatch, lettering, line, sheet } from './canvas.js';
import { AXIS, PAD, inset, toY } from './geometry.js';
import { KNOB } from './parts.js';
import { drawTriangles } from './ways.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */
/** @typedef {import('./parts.js').Bank} Bank */
/** @typedef {{g: CanvasRenderingContext2D, w: number, h: number, range: readonly [number, number], fill: string}} Sheet */

const EDGE_LABEL = {
  encoder: 'enc',
  vision: 'see',
  audio: 'hear',
  projector: 'proj',
  embed: 'in',
  more: 'more',
  norm: 'out',
  head: 'head',
};

/**
 * @param {Mixer} m
 * @param {Bank} bank
 */
export function drawBank(m, bank) {
  const [g, w, h] = sheet(bank.canvas);
  const on = { g, w, h, range: m.s.view(), fill: slotColour(bank.lane.ink ?? bank.lane.slot) };
  drawBars(m, bank, on);
  drawTicks(on);
  drawGhost(m, bank, on);
  const { lane } = bank;
  drawTriangles(m, lane, g, (i) => {
    const { x, w: wide } = m.boxes[i];
    return [AXIS + x + wide / 2, toY(m.s.lanes[lane.path][i], h, on.range), wide - 2];
  });
  drawHandles(m, bank, on);
}

/**
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {Sheet} sheet
 */
function drawBars(m, bank, { g, h, range, fill }) {
  const { lane } = bank;
  const zero = toY(0, h, range);
  const active = document.activeElement === bank.pad || bank.hover >= 0;
  const lit = m.s.span(m.columnOf(bank));
  const tint = { off: ink(0.12), back: ink(0.05), lit: alpha(fill, 0.5), still: alpha(fill, 0.18), bar: alpha(fill, 0.3) };
  const edge = { still: alpha(fill, 0.6), bar: alpha(fill, 1) };
  m.boxes.forEach((box, i) => {
    if (box.hidden) return;
    const d = inset(box);
    const [a, b] = m.s.span(i); // bars of one step touch
    const x = AXIS + box.x + (i === a || m.boxes[i - 1].hidden ? d : 0);
    const wide = AXIS + box.x + box.w - (i === b || m.boxes[i + 1].hidden ? d : 0) - x;
    if (m.s.isOff(lane, i)) {
      g.fillStyle = tint.off; // no such tensor here
      g.fillRect(x, zero - 1, wide, 1);
      return;
    }
    const y = toY(m.s.lanes[lane.path][i], h, range);
    const still = m.s.fixed(lane, i);
    g.fillStyle = tint.back;
    g.fillRect(x, PAD, wide, h - 2 * PAD);
    g.fillStyle = active && i >= lit[0] && i <= lit[1] ? tint.lit : still ? tint.still : tint.bar;
    g.fillRect(x, Math.min(y, zero), wide, Math.abs(zero - y));
    g.fillStyle = still ? edge.still : edge.bar;
    g.fillRect(x, clamp(y - 1.5, PAD, h - PAD - 3), wide, 3);
    if (still) hatch(g, x, PAD, wide, h - 2 * PAD);
  });
}

/**
 * The range's ends, and zero when it lies between.
 * @param {Sheet} sheet
 */
function drawTicks({ g, w, h, range }) {
  lettering(g, 'right', ink(isDark() ? 0.62 : 0.6));
  const ticks = range[0] < 0 && range[1] > 0 ? [range[0], 0, range[1]] : range;
  for (const t of ticks) g.fillText(String(t), AXIS - 10, clamp(toY(t, h, range), 6, h - 6));
  g.strokeStyle = ink(0.18);
  g.lineWidth = 1;
  const across = (/** @type {number} */ value) => {
    const y = toY(value, h, range);
    line(g, [
      [AXIS, y],
      [w, y],
    ]);
  };
  if (range[0] < 0) across(0);
  if (range[1] > 1) dashed(g, [2, 3], () => across(1));
}

/**
 * The same model's other parameter, as a dashed line.
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {Sheet} sheet
 */
function drawGhost(m, { lane, ghost }, { g, h }) {
  if (!ghost) return;
  const range = m.s.views[ghost.param] ?? ghost.view ?? [0, 1];
  g.strokeStyle = ink(0.55);
  g.lineWidth = 1.25;
  /** @type {import('./canvas.js').Point[][]} */
  const runs = [];
  m.boxes.forEach((box, i) => {
    if (box.hidden || m.s.isOff(lane, i)) return;
    const y = toY(m.s.lanes[ghost.path][i], h, range);
    (runs[box.run] ??= []).push([AXIS + box.x, y], [AXIS + box.x + box.w, y]);
  });
  dashed(g, [4, 3], () => runs.forEach((points) => line(g, points)));
}

/**
 * @param {Mixer} m
 * @param {Bank} bank
 * @param {Sheet} sheet
 */
function drawHandles(m, { lane, grip }, { g, h, range, fill }) {
  const { ends } = m;
  if (!ends || m.s.board.locked || m.s.frozen.has(lane.path)) return;
  [ends.first, ends.last].forEach((column, side) => {
    g.beginPath();
    g.arc(AXIS + ends.x[side], toY(m.s.lanes[lane.path][column], h, range), grip === side ? KNOB + 1.5 : KNOB, 0, 2 * Math.PI);
    g.fillStyle = fill;
    g.fill();
    g.lineWidth = 2;
    g.strokeStyle = colour('card');
    g.stroke();
  });
}

/**
 * The columns' names under the faders, as many as fit.
 * @param {Mixer} m
 */
export function drawScale(m) {
  const [g, , h] = sheet(m.parts.scale);
  lettering(g, 'center', ink(isDark() ? 0.62 : 0.6));
  const layers = m.s.layerColumns().filter((i) => m.s.inView(i));
  const each = layers.length ? m.boxes[layers[0]].w : 1;
  const every = [1, 2, 4, 5, 8, 10, 16, 20].find((n) => n * each >= 22) ?? 40;
  m.s.board.columns.forEach((column, i) => {
    const box = m.boxes[i];
    if (!box || box.hidden) return;
    if (m.s.held.has(i)) hatch(g, AXIS + box.x + 0.5, 1, box.w - 1, 3);
    const middle = AXIS + box.x + box.w / 2;
    if (column.kind === 'layer') {
      const n = column.layer ?? i;
      const last = i === layers[layers.length - 1];
      const room = (layers.length - 1 - layers.indexOf(i)) * each >= 22;
      if (last || (n % every === 0 && room)) g.fillText(String(n + 1), middle, h / 2);
    } else {
      const text = EDGE_LABEL[column.kind] ?? column.label;
      g.fillText(box.w >= 25 ? text : text[0].toUpperCase(), middle, h / 2);
    }
  });
}
