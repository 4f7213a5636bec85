// Small things that canvases are drawn with.

import { ink } from '../shared/colours.js';
import { onResize } from '../shared/dom.js';

const FONT = '10px system-ui, -apple-system, "Segoe UI", sans-serif';

/** @typedef {[number, number]} Point */

/** @type {WeakMap<HTMLCanvasElement, [number, number]>} */
const sizes = new WeakMap();

/**
 * Know a canvas's size from now on: asking for it while a hand drags lays the page out once more in every frame.
 * @param {HTMLCanvasElement} canvas
 * @param {() => void} redraw it has another size than it was drawn for
 */
export function watchSize(canvas, redraw) {
  onResize(canvas, () => {
    const [w, h] = sizes.get(canvas) ?? [0, 0];
    sizes.set(canvas, [canvas.clientWidth, canvas.clientHeight]);
    if (w !== canvas.clientWidth || h !== canvas.clientHeight) redraw();
  });
}

/**
 * A canvas cleared and scaled for its size on screen and the display's pixels.
 * @param {HTMLCanvasElement} canvas
 * @returns {[CanvasRenderingContext2D, number, number]} with its width and height
 */
export function sheet(canvas) {
  const scale = window.devicePixelRatio || 1;
  const [w, h] = sizes.get(canvas) ?? [canvas.clientWidth, canvas.clientHeight];
  const [pw, ph] = [Math.round(w * scale), Math.round(h * scale)];
  const other = canvas.width !== pw || canvas.height !== ph;
  if (other) Object.assign(canvas, { width: pw, height: ph });
  const g = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d'));
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.clearRect(0, 0, w, h);
  if (other) g.font = FONT; // reading one costs more than a bar; only another size forgets it
  return [g, w, h];
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {Point[]} points
 */
export function line(g, points) {
  g.beginPath();
  points.forEach(([x, y], i) => (i ? g.lineTo(x, y) : g.moveTo(x, y)));
  g.stroke();
}

/**
 * @param {CanvasRenderingContext2D} g
 * @param {number[]} pattern
 * @param {() => void} draw
 */
export function dashed(g, pattern, draw) {
  g.setLineDash(pattern);
  draw();
  g.setLineDash([]);
}

/**
 * Locked: slanted lines, so that it does not hang on colour.
 * @param {CanvasRenderingContext2D} g
 * @param {number} x
 * @param {number} y
 * @param {number} w
 * @param {number} h
 */
export function hatch(g, x, y, w, h) {
  g.save();
  g.beginPath();
  g.rect(x, y, w, h);
  g.clip();
  g.strokeStyle = ink(0.35);
  g.lineWidth = 1;
  const first = Math.floor((x - h) / 6) * 6; // one pattern over all columns
  for (let from = first; from < x + w; from += 6) {
    line(g, [
      [from, y + h],
      [from + h, y],
    ]);
  }
  g.restore();
}

/**
 * How names beside and below the columns are written.
 * @param {CanvasRenderingContext2D} g
 * @param {CanvasTextAlign} align
 * @param {string} fill
 */
export function lettering(g, align, fill) {
  g.fillStyle = fill;
  g.textAlign = align;
  g.textBaseline = 'middle';
}
