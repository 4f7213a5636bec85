// The keyboard in the table: one tab stop, arrows between rows and within one, and what is done to the row that has the focus.

import { wayOf, withControl } from '../shared/keyboard.js';

/**
 * @typedef {object} Acts
 * @property {(id: string) => void} tick
 * @property {(id: string) => void} edit
 * @property {(id: string) => void} remove
 * @property {(id: string, way: number) => void} move
 */

export const STOPS = 'input.rw-tick, button.rw-words, button.rw-tool, button.rw-fold';

/**
 * Where an arrow, Home or End leads from a place: another row at the same place of it, or another place of the same row.
 * @param {number[]} lengths how many stops each row has
 * @param {[row: number, place: number]} from
 * @param {[right: number, down: number]} way
 * @returns {[row: number, place: number]}
 */
export function next(lengths, [row, place], [right, down]) {
  const to = Math.max(0, Math.min(lengths.length - 1, row + down));
  const most = (lengths[to] ?? 1) - 1;
  return [to, Math.max(0, Math.min(most, place + right))];
}

/**
 * What a key does to a row; null where it does nothing.
 * @param {KeyboardEvent} event
 * @returns {[act: 'tick' | 'edit' | 'remove' | 'move', way: number] | null}
 */
export function actOf(event) {
  if (withControl(event)) return null;
  const way = wayOf(event);
  if (event.altKey) return way && way[1] ? ['move', way[1]] : null;
  if (event.key === ' ') return ['tick', 0];
  if (event.key === 'F2') return ['edit', 0];
  return event.key === 'Delete' ? ['remove', 0] : null;
}

/**
 * Listen to a table's keys.
 * @param {HTMLTableElement} table
 * @param {Acts} acts
 */
export function listen(table, acts) {
  const rows = () =>
    [...table.rows].filter((line) => line.offsetParent !== null).map((line) => /** @type {HTMLElement[]} */ ([...line.querySelectorAll(STOPS)])); // prettier-ignore
  table.addEventListener('focusin', (event) => rove(table, /** @type {HTMLElement} */ (event.target)));
  table.addEventListener('keyup', (event) => {
    if (event.key === ' ' && /** @type {HTMLElement} */ (event.target).matches('.rw-words')) event.preventDefault(); // no click
  });
  table.addEventListener('keydown', (event) => {
    const target = /** @type {HTMLElement} */ (event.target);
    const id = target.closest('tr')?.dataset.row;
    const act = id ? actOf(event) : null;
    if (id && act && (act[0] !== 'tick' || target.matches('.rw-words'))) {
      event.preventDefault();
      acts[act[0]](id, act[1]);
    } else if (!event.altKey && !withControl(event)) walk(event, target, rows());
  });
}

/**
 * @param {KeyboardEvent} event
 * @param {HTMLElement} target
 * @param {HTMLElement[][]} all
 */
function walk(event, target, all) {
  const row = all.findIndex((stops) => stops.includes(target));
  const ends = event.key === 'Home' ? -all.length : event.key === 'End' ? all.length : 0;
  const way = wayOf(event) ?? (ends ? [0, ends] : null);
  if (!way || row < 0) return;
  event.preventDefault();
  const [to, place] = next(all.map(({ length }) => length), [row, all[row].indexOf(target)], /** @type {[number, number]} */ (way)); // prettier-ignore
  // from prompt to prompt, and between the first prompt and the first head
  const along = to !== row && target.matches('.rw-words, .rw-fold');
  const words = along ? (all[to].find((stop) => stop.matches('.rw-words')) ?? all[to][0]) : null;
  (words ?? all[to][place])?.focus();
}

/**
 * One of the table's stops is in the tab order: that which had the focus last.
 * @param {HTMLElement} table
 * @param {HTMLElement | null | undefined} stop
 */
export function rove(table, stop) {
  if (!stop?.matches(STOPS)) return;
  for (const node of table.querySelectorAll(STOPS)) /** @type {HTMLElement} */ (node).tabIndex = node === stop ? 0 : -1;
}
