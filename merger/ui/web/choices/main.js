// A list to choose one thing from, in groups, with a sentence for each. Gradio gives:
//
// props.board  JSON text of Board
// props.value  what goes back, with `select`: {key}; {keep: name} to keep what plays under a name, {text} for one of those kept
import css from './choices.css';
import { button, el, rootOf, setText } from '../shared/dom.js';
import { moveFocus } from '../shared/keyboard.js';
import { read } from '../shared/host.js';
import { Scenes } from './scenes.js';

/**
 * @typedef {object} Entry
 * @property {string} key
 * @property {string} label
 * @property {string} [term] the field's word for it
 * @property {string} [says]
 * @property {string} [why] why it cannot be chosen now
 * @property {boolean} [on] it is what is chosen
 *
 * @typedef {object} Board
 * @property {string} name what is chosen here, for screen readers
 * @property {{title: string, entries: Entry[]}[]} groups
 * @property {string} [family] whose scenes are listed below, kept in this browser
 * @property {{name: string, text: string}} [kept] a scene to keep
 */

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const root = rootOf(host.element, '.choices', css);
  let seq = 0;
  const send = (/** @type {object} */ value) => {
    seq += 1;
    host.props.value = { ...value, seq };
    host.trigger('select');
  };
  const list = el('div', 'ch-list');
  list.setAttribute('role', 'radiogroup');
  const scenes = new Scenes(send);
  root.append(list, scenes.box);
  list.addEventListener('keydown', (event) => {
    const all = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('.ch-entry:not([aria-disabled=true])')]);
    if (moveFocus(event, all)) event.preventDefault();
  });
  const draw = () => {
    /** @type {Board} */
    const board = { name: '', groups: [], ...read(host.props.board) };
    list.setAttribute('aria-label', board.name);
    const at = [...list.querySelectorAll('.ch-entry')].findIndex((node) => node === document.activeElement);
    list.replaceChildren(
      ...board.groups.flatMap(({ title, entries }) => [
        ...(title ? [el('p', 'ch-title', title)] : []),
        ...entries.map((entry) => drawn(entry, () => send({ key: entry.key }))),
      ]),
    );
    const all = /** @type {HTMLElement[]} */ ([...list.querySelectorAll('.ch-entry')]);
    const stop = all.find((node) => node.getAttribute('aria-checked') === 'true') ?? all[0];
    for (const node of all) node.tabIndex = node === stop ? 0 : -1;
    if (at >= 0) all[at]?.focus();
    scenes.draw(board.family ?? '', board.kept);
  };
  host.watch('board', draw);
  draw();
}

/**
 * @param {Entry} entry
 * @param {() => void} choose
 */
function drawn({ label, term, says, why, on }, choose) {
  const node = button('ch-entry', '', why ? () => {} : choose);
  node.setAttribute('role', 'radio');
  node.setAttribute('aria-checked', String(Boolean(on)));
  if (why) node.setAttribute('aria-disabled', 'true');
  else node.dataset.closes = 'true';
  const line = el('span', 'ch-line');
  line.append(el('span', 'ch-label', label), ...(term ? [el('code', 'ch-term', term)] : []));
  const words = el('span', 'ch-says');
  setText(words, why || says || '');
  node.append(line, ...(why || says ? [words] : []));
  return node;
}
