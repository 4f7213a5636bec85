// The heads of the columns. A model's unfolds its answers; the base's, as long as it is held, puts them in the merge's place.

import { slotColour } from '../shared/colours.js';
import { button, el } from '../shared/dom.js';

/** @typedef {import('./kinds.js').Column} Column */

const HELD = 250; // ms after which a press is no click

/**
 * @typedef {object} Acts
 * @property {(key: string) => void} unfold
 * @property {(on: boolean) => void} bypass
 */

/**
 * @param {Column[]} columns
 * @param {string} unfolded the key of the column whose answers are shown
 * @param {Acts} acts
 */
export function heads(columns, unfolded, acts) {
  const cells = [el('th', 'rw-prompt', 'Prompt'), el('th', 'rw-merge', 'Your merge'), el('th', 'rw-before', 'Before')];
  for (const column of columns.filter(({ lead }) => !lead)) {
    const cell = el('th', 'rw-other');
    const name = String(column.name ?? column.key);
    const open = column.key === unfolded;
    cell.dataset.unfolded = String(open);
    const fold = button('rw-fold', '', () => acts.unfold(column.key), open ? name : `${name}, folded: = same answer, ≠ another`); // prettier-ignore
    fold.setAttribute('aria-expanded', String(open));
    fold.title = column.base ? `${name}; hold to read it in your merge's place` : name;
    const dot = el('i', 'rw-dot');
    if (typeof column.slot === 'number') dot.style.background = slotColour(column.slot);
    fold.append(dot, el('span', '', name));
    if (column.base) hold(fold, acts.bypass);
    cell.append(fold);
    cells.push(cell);
  }
  for (const cell of cells) cell.scope = 'col';
  return cells;
}

/**
 * A press that lasts is no click: it is on until it ends.
 * @param {HTMLElement} node
 * @param {(on: boolean) => void} bypass
 */
function hold(node, bypass) {
  let timer = 0;
  let held = false;
  const begin = () => {
    held = false;
    clearTimeout(timer);
    timer = window.setTimeout(() => bypass((held = true)), HELD);
  };
  const end = () => {
    clearTimeout(timer);
    if (held) bypass(false);
  };
  node.addEventListener('pointerdown', (event) => {
    node.setPointerCapture(event.pointerId);
    begin();
  });
  node.addEventListener('keydown', (event) => {
    if (event.key === ' ' && !event.repeat) begin();
  });
  for (const name of ['pointerup', 'pointercancel', 'lostpointercapture', 'keyup', 'blur']) node.addEventListener(name, end);
  node.addEventListener('contextmenu', (event) => event.preventDefault()); // a long press on a phone is the point here
  node.addEventListener(
    'click',
    (event) => {
      if (held) event.stopImmediatePropagation();
      held = false;
    },
    true,
  );
}
