// Where columns and values lie on the screen, for strip, faders and scale. No page here; tests run it in node.

import { clamp } from '../shared/numbers.js';

/**
 * A run is a group of like columns: painting stays in the run it began in, so an overshoot at the last layer does not touch
 * the head.
 * @typedef {{x: number, w: number, run: number, hidden?: boolean}} Box
 * @typedef {{first: number, last: number, x: [number, number]}} Ends the layers' first and last column, and their handles' places
 */

export const AXIS = 34; // left gutter: scale of the faders, row labels of the strip
export const PAD = 6; // above and below the scale, so that handles at the ends are whole

/**
 * The columns' boxes, and the ends of the layers.
 * @param {readonly {kind: string}[]} columns
 * @param {readonly number[]} seen those in view
 * @param {number} total width
 * @param {number} gap between layer columns and the edge columns; the ramp handles live here
 * @returns {{boxes: Box[], ends: Ends | null}}
 */
export function layout(columns, seen, total, gap) {
  const inLayers = seen.map((i) => columns[i].kind === 'layer');
  const edges = inLayers.filter((x) => !x).length;
  const cuts = inLayers.filter((x, i) => i > 0 && x !== inLayers[i - 1]).length;
  const first = inLayers.indexOf(true);
  const last = inLayers.lastIndexOf(true);
  // Half a gap where the layers touch the border, so that a handle always has its place.
  const lead = first === 0 ? gap / 2 + 2 : 0;
  const tail = last === seen.length - 1 && last >= 0 ? gap / 2 + 2 : 0;
  const space = total - cuts * gap - lead - tail;
  const edge = edges && edges < seen.length ? clamp(space / seen.length, 10, 32) : space / (edges || 1);
  const wide = (space - edges * edge) / Math.max(1, seen.length - edges);
  /** @type {Box[]} */
  const boxes = columns.map(() => ({ x: -1e4, w: 0, run: -1, hidden: true }));
  let x = lead;
  let run = 0;
  seen.forEach((column, i) => {
    if (i > 0 && inLayers[i] !== inLayers[i - 1]) {
      x += gap;
      run += 1;
    }
    boxes[column] = { x, w: inLayers[i] ? wide : edge, run };
    x += boxes[column].w;
  });
  if (last <= first) return { boxes, ends: null };
  const [a, b] = [seen[first], seen[last]];
  return { boxes, ends: { first: a, last: b, x: [boxes[a].x - gap / 2, boxes[b].x + boxes[b].w + gap / 2] } };
}

/**
 * The column nearest to a place, of one run or of any; -1 where there is none.
 * @param {readonly Box[]} boxes
 * @param {number} x
 * @param {number | null} [run]
 */
export function columnAt(boxes, x, run = null) {
  let best = -1;
  let near = Infinity;
  boxes.forEach((box, i) => {
    if (box.hidden || (run !== null && box.run !== run)) return;
    const far = x < box.x ? box.x - x : Math.max(0, x - box.x - box.w);
    if (far < near) [best, near] = [i, far];
  });
  return best;
}

/**
 * @param {number} value
 * @param {number} height
 * @param {readonly [number, number]} range
 */
export const toY = (value, height, [low, high]) =>
  PAD + (height - 2 * PAD) * (1 - (clamp(value, low, high) - low) / (high - low || 1));

/**
 * The value at a height; also beyond the range.
 * @param {number} y
 * @param {number} height
 * @param {readonly [number, number]} range
 */
export const toValue = (y, height, [low, high]) => high - ((y - PAD) / (height - 2 * PAD)) * (high - low);

/**
 * Which ramp handle lies under a place: 0, 1 or -1.
 * @param {Ends | null} ends
 * @param {{x: number, y: number}} at
 * @param {readonly number[]} heights of both handles
 * @param {{gap: number, reach: number}} size
 */
export function handleAt(ends, at, heights, { gap, reach }) {
  if (!ends) return -1;
  return ends.x.findIndex((x, side) => Math.abs(at.x - x) <= gap / 2 + 2 && Math.abs(at.y - heights[side]) <= reach);
}

/** Half the room between two columns. @param {Box} box */
export const inset = (box) => (box.w > 14 ? 1.5 : box.w > 5 ? 0.75 : 0.25);
