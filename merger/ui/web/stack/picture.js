// A stack drawn: sources left and right, the output between them, ribbons from one to the other.

import { alpha, colour, slotColour } from '../shared/colours.js';
import { svg } from '../shared/dom.js';
import { layersOf, named, span, uses } from './edits.js';

/** @typedef {import('./edits.js').Block} Block */
/** @typedef {{name: string, full: string, layers: number, ink: number | null}} Model */
/** @typedef {{models: Model[], blocks: Block[], chosen: number, width: number, height: number}} Scene */
/** @typedef {{unit: number, tops: number[], top: number}} Frame heights: of a layer, where each block begins */

/** @param {Model} model */
export const inkOf = ({ ink }) => (ink === null ? colour('base') : slotColour(ink));

/**
 * The two models that are drawn: those of the chosen block, then those around it.
 * @param {Scene} scene
 */
export function sides({ blocks, chosen }) {
  const near = blocks.map((_, i) => i).sort((a, b) => Math.abs(a - chosen) - Math.abs(b - chosen));
  const models = near.flatMap((i) => blocks[i].sources.map(([m]) => m));
  return [...new Set(models)].slice(0, 2).sort((a, b) => a - b);
}

/** @param {Scene} scene @returns {Frame} */
export function frameOf({ models, blocks, chosen, height, width }) {
  const shown = sides({ models, blocks, chosen, height, width });
  const most = Math.max(layersOf(blocks), ...shown.map((m) => models[m].layers));
  const unit = Math.min(36, (height - 16) / most);
  const top = (height - unit * layersOf(blocks)) / 2;
  let at = top;
  const tops = blocks.map((block) => {
    const here = at;
    at += span(block) * unit;
    return here;
  });
  return { unit, tops, top };
}

/**
 * @param {number} x
 * @param {number} y
 * @param {number} w
 * @param {number} h
 * @param {Record<string, string | number>} [more]
 */
const rect = (x, y, w, h, more = {}) => svg('rect', { x, y, width: w, height: Math.max(0.5, h), ...more });

/**
 * @param {Scene} scene
 * @param {string} id of the picture: its blocks' begin with it
 */
export function picture(scene, id) {
  const { models, blocks, chosen, width, height } = scene;
  const { unit, tops } = frameOf(scene);
  const wide = Math.min(110, width * 0.2);
  const gap = unit > 4 ? 1 : 0;
  const x = [0, (width - wide) / 2, width - wide];
  const shown = sides(scene);
  /** @type {SVGElement[]} */
  const nodes = [];
  const start = (/** @type {number} */ m) => (height - unit * models[m].layers) / 2;

  shown.forEach((m, side) => {
    const times = uses(blocks, m, models[m].layers);
    times.forEach((n, k) => {
      const y = start(m) + k * unit;
      const layer = rect(side * x[2], y, wide, unit - gap, { fill: n ? alpha(inkOf(models[m]), 0.65) : colour('press') });
      layer.append(svg('title', {}, `layer ${k + 1} of ${models[m].full}: ${['not used', 'used once', 'used twice'][n] ?? `used ${n} times`}`)); // prettier-ignore
      nodes.push(layer);
      const label = k === 0 || k + 1 === models[m].layers || (k + 1) % 10 === 0;
      const at = side ? x[2] + wide - 4 : 4;
      if (label && unit >= 9) nodes.push(svg('text', { x: at, y: y + unit / 2 + 4, 'text-anchor': side ? 'end' : 'start' }, String(k + 1))); // prettier-ignore
      if (n > 1 && unit >= 9) nodes.push(svg('text', { x: side * x[2] + wide / 2, y: y + unit / 2 + 4, 'text-anchor': 'middle' }, `${n}×`)); // prettier-ignore
      if (n > 1) nodes.push(rect(side ? x[2] : wide - 3, y, 3, unit - gap, { fill: colour('ink') }));
    });
  });

  blocks.forEach((block, i) => {
    const [y, h] = [tops[i], span(block) * unit];
    for (const [m, first] of block.sources) {
      const side = shown.indexOf(m);
      if (side < 0) continue;
      const [from, to] = side ? [x[2], x[1] + wide] : [wide, x[1]];
      const mid = (from + to) / 2;
      const s = start(m) + first * unit;
      const d = `M${from},${s} C${mid},${s} ${mid},${y} ${to},${y} V${y + h} C${mid},${y + h} ${mid},${s + h} ${from},${s + h} Z`;
      nodes.push(svg('path', { d, fill: alpha(inkOf(models[m]), i === chosen ? 0.3 : 0.14) }));
    }
  });

  blocks.forEach((block, i) => nodes.push(blockOf(scene, i, { x: x[1], y: tops[i], wide, unit, gap }, id)));
  [...tops, tops[0] + layersOf(blocks) * unit].forEach((y, i) => {
    const grip = svg('g', { class: 'st-border', 'data-border': i - 1 });
    const middle = x[1] + wide / 2;
    grip.append(rect(x[1], y - 7, wide, 14, { fill: 'transparent' }));
    grip.append(rect(middle - 12, y - 3, 24, 6, { rx: 3, fill: colour('sheet'), stroke: colour('ink') }));
    nodes.push(grip);
  });
  return nodes;
}

/**
 * @param {Scene} scene
 * @param {number} i
 * @param {{x: number, y: number, wide: number, unit: number, gap: number}} at
 * @param {string} id
 */
function blockOf({ models, blocks, chosen }, i, { x, y, wide, unit, gap }, id) {
  const block = blocks[i];
  const names = block.sources.map((source) => `${models[source[0]].name}, ${named(source)}`);
  const about = { id: `${id}-${i}`, class: 'st-block', 'data-block': i, role: 'option', 'aria-selected': String(i === chosen) };
  const node = svg('g', { ...about, 'aria-label': `block ${i + 1} of ${blocks.length}: ${names.join(' with ')}` });
  const each = wide / block.sources.length;
  block.sources.forEach(([m], s) => {
    for (let k = 0; k < span(block); k += 1) {
      node.append(rect(x + s * each, y + k * unit, each, unit - gap, { fill: alpha(inkOf(models[m]), i === chosen ? 1 : 0.8) }));
    }
  });
  const h = span(block) * unit;
  if (i === chosen) node.append(rect(x, y, wide, h - gap, { fill: 'none', stroke: colour('ink'), 'stroke-width': 2 }));
  if (h >= 18) {
    const text = block.sources.map(named).filter((word, k, all) => all.indexOf(word) === k).join(' + '); // prettier-ignore
    const long = Math.min(wide - 8, 14 + 7 * text.length);
    node.append(rect(x + (wide - long) / 2, y + h / 2 - 8, long, 16, { rx: 3, fill: colour('sheet') }));
    node.append(svg('text', { class: 'st-name', x: x + wide / 2, y: y + h / 2 + 4, 'text-anchor': 'middle' }, text));
  }
  return node;
}
