// A board as Python describes it, small: five layers between embedding and head, two models with a weight and a density.

import { State } from '../../merger/ui/web/mixer/state.js';

/** @typedef {import('../../merger/ui/web/mixer/kinds.js').Board} Board */
/** @typedef {import('../../merger/ui/web/mixer/kinds.js').Column} Column */

export const LAYERS = 5;

/**
 * @param {Partial<Board>} [more]
 * @returns {Board}
 */
export function board(more = {}, layers = LAYERS) {
  /** @type {Column[]} */
  const middle = Array.from({ length: layers }, (_, i) => ({ label: `layer ${i + 1} of ${layers}`, kind: 'layer', layer: i }));
  const lane = (/** @type {string} */ model, /** @type {number} */ slot, /** @type {string} */ param) => ({
    path: `${model}.${param}`, model, param, slot, low: param === 'weight' ? -2 : 0, high: param === 'weight' ? 4 : 1,
    step: 0.01, default: param === 'weight' ? 0.5 : 1, name: `${model} ${param}`,
  }); // prettier-ignore
  return {
    columns: [{ label: 'embedding', kind: 'embed' }, ...middle, { label: 'head', kind: 'head' }],
    params: [{ name: 'weight' }, { name: 'density' }],
    lanes: [lane('a', 0, 'weight'), lane('b', 1, 'weight'), lane('c', 2, 'weight'), lane('a', 0, 'density')],
    ...more,
  };
}

/** @param {Partial<Board>} [more] */
export function state(more = {}, layers = LAYERS) {
  const s = new State();
  s.board = board(more, layers);
  s.adopt({ lanes: {} });
  s.adopted = true;
  s.showSome();
  return s;
}

/**
 * @param {State} s
 * @param {string} path
 */
export function laneOf(s, path) {
  const lane = s.laneOf(path);
  if (!lane) throw new Error(`no lane ${path}`);
  return lane;
}
