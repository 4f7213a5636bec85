// The facts of one tensor, or the map of all.
//
// props.value  {}, {empty: text}, Facts, or {heat, at: [column, role]}, to which `select` answers with {column, role}

import css from './inspect.css';
import { SLOTS } from '../shared/colours.js';
import { el, onTheme, rootOf } from '../shared/dom.js';
import { read } from '../shared/host.js';
import { heatMap } from './heat.js';

/** @typedef {{head: string[], rows: string[][]}} Grid */

/**
 * @typedef {object} Facts
 * @property {string} [empty]
 * @property {string} title
 * @property {string} sentence
 * @property {string} [note]
 * @property {[string, string][]} [facts]
 * @property {Grid & {slots: (number | null)[]} | null} [models]
 * @property {{names: string[], rows: string[][]} | null} [cosines]
 * @property {{name: string, sentences: string[]}} method
 * @property {Grid & {note: string} | null} [steps]
 */

/**
 * @param {string} caption
 * @param {string[]} head
 * @param {string[][]} rows
 * @param {(number | null)[]} [slots] whose colour each row has
 */
function table(caption, head, rows, slots = []) {
  const box = el('div', 'in-scroll');
  box.tabIndex = 0; // wide tables are scrolled by keys too
  box.setAttribute('role', 'region');
  box.setAttribute('aria-label', caption);
  const grid = el('table');
  grid.append(el('caption', '', caption));
  const top = grid.createTHead().insertRow();
  for (const text of head) {
    const cell = el('th', '', text);
    cell.scope = 'col';
    top.append(cell);
  }
  const body = grid.createTBody();
  rows.forEach((row, i) => {
    const line = body.insertRow();
    row.forEach((text, j) => {
      const cell = el(j ? 'td' : 'th', '', text);
      if (!j) cell.scope = 'row';
      if (!j && i in slots) {
        const dot = el('span', 'in-dot');
        const slot = slots[i];
        dot.style.background = slot === null ? 'var(--me-grey)' : `var(--me-slot-${slot % SLOTS})`;
        cell.prepend(dot);
      }
      line.append(cell);
    });
  });
  box.append(grid);
  return box;
}

/** @param {Facts} v */
function listOf(v) {
  const list = el('dl');
  for (const [term, text] of v.facts ?? []) {
    const pair = el('div');
    pair.append(el('dt', '', term), el('dd', '', text));
    list.append(pair);
  }
  return list;
}

/**
 * @param {HTMLElement} root
 * @param {Facts} v
 * @param {HTMLDetailsElement} more the numbers of the picture, which stay open from tensor to tensor
 */
function drawFacts(root, v, more) {
  root.replaceChildren();
  if (v.empty !== undefined || !v.title) {
    root.append(el('p', 'in-empty', v.empty ?? ''));
    return;
  }
  root.append(el('h3', '', v.title), el('p', 'in-sentence', v.sentence));
  if (v.note) root.append(el('p', 'in-note', v.note));
  root.append(listOf(v));
  if (v.models) root.append(table('What each model did here', v.models.head, v.models.rows, v.models.slots));
  if (v.cosines) {
    const { names, rows } = v.cosines;
    const named = rows.map((row, i) => [names[i], ...row]);
    root.append(table('How alike the changes are (cosine)', ['', ...names], named));
  }
  const how = el('section', 'in-how');
  how.append(el('h4', '', `How ${v.method.name} works here`), ...v.method.sentences.map((text) => el('p', '', text)));
  root.append(how);
  if (!v.steps) return;
  more.replaceChildren(el('summary', '', 'The picture’s numbers'), table(v.steps.note, v.steps.head, v.steps.rows));
  root.append(more);
}

/** @param {import('../shared/host.js').Host} host */
export function start({ element, props, watch, trigger }) {
  const root = rootOf(element, '.inspect', css);
  const more = el('details');
  /** @type {{heat: import('./heat.js').Heat, at: [number, string]} | null} */
  let map = null;
  const choose = (/** @type {number} */ column, /** @type {string} */ role) => {
    props.value = { column, role };
    trigger('select', { index: [column, role], value: null });
  };
  const drawMap = () => {
    if (!map) return;
    const held = root.contains(document.activeElement);
    root.replaceChildren(heatMap(map.heat, map.at, choose));
    const chosen = root.querySelector('td[tabindex="0"]');
    if (held && chosen instanceof HTMLElement) chosen.focus({ preventScroll: true });
  };
  const draw = () => {
    const given = read(props.value);
    if ('role' in given) return; // what went to Python
    map = given.heat ? given : null;
    if (map) drawMap();
    else drawFacts(root, given, more);
  };

  onTheme(root, drawMap);
  watch('value', draw);
  draw();
}
