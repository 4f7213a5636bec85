// Two sliders: one map for each skill, and before them one of their mean; the second slider goes up.

import { el, grouped } from '../shared/dom.js';
import { short } from '../shared/numbers.js';
import { addButton } from './points.js';

/** @typedef {import('./board.js').Board} Board */
/** @typedef {import('./points.js').Buttons} Buttons */

/**
 * @param {Board} board
 * @param {Buttons} buttons
 * @returns {{figures: HTMLElement[], legend: HTMLElement[]}}
 */
export function buildMaps(board, buttons) {
  const skills = board.skills.length > 1 ? [-1, ...board.skills.keys()] : [0];
  const ramp = el('span', 'ex-item');
  ramp.append(el('span', '', '0%'), el('span', 'ex-ramp'), el('span', '', '100% right'));
  const [across, up] = board.axes;
  const legend = [el('span', 'ex-item', `→ ${across.label}`), el('span', 'ex-item', `↑ ${up.label}`), ramp];
  return { figures: skills.map((skill) => figureOf(board, skill, buttons)), legend };
}

/**
 * @param {Board} board
 * @param {number} skill below 0: the mean of all
 * @param {Buttons} buttons
 */
function figureOf(board, skill, buttons) {
  const [across, up] = board.axes.map((axis) => axis.values);
  const figure = el('figure', 'ex-map');
  figure.append(el('figcaption', '', skill < 0 ? 'all together (mean)' : board.skills[skill]));
  const name = `${skill < 0 ? 'Mean of all skills' : board.skills[skill]}, percent right`;
  const grid = grouped(el('div', 'ex-cells'), name);
  grid.style.gridTemplateColumns = `auto repeat(${across.length}, minmax(0, 1fr))`;
  for (let j = up.length - 1; j >= 0; j -= 1) {
    grid.append(el('span', 'ex-side', short(up[j])));
    for (const i of across.keys()) {
      const node = addButton(buttons, `${i},${j}`);
      node.dataset.skill = String(skill);
      node.append(el('span'));
      grid.append(node);
    }
  }
  grid.append(el('span'));
  const every = Math.ceil(across.length / 6);
  const foot = (/** @type {unknown} */ value, /** @type {number} */ i) =>
    i % every && i !== across.length - 1 ? '' : short(value);
  grid.append(...across.map((value, i) => el('span', 'ex-foot', foot(value, i))));
  figure.append(grid);
  return figure;
}
