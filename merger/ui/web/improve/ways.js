// Which way each bar helps: as words in Find, and for the Mixer.
//
// Ways {words, bars: {path: {way: 1 | 0 | -1, layers: number[], name, ink}}}

import { el } from '../shared/dom.js';
import { wordsOf } from '../shared/ways.js';

const REST = 700; // ms without a stroke

/**
 * The list in Find; it is told by `follow`, as it is not there while the drawer is closed.
 * @param {import('../shared/host.js').Host} _
 * @param {HTMLElement} root
 */
export function ways(_, root) {
  const draw = (/** @type {any} */ { words = '', bars = {} }) => {
    const list = el('ul');
    for (const { name, way, ink } of /** @type {any[]} */ (Object.values(bars))) {
      const item = el('li', '', `${name} ${wordsOf(way)}`);
      if (ink !== null) item.style.borderColor = `var(--me-slot-${ink})`;
      list.append(item);
    }
    root.replaceChildren(el('p', '', words), list);
  };
  window.addEventListener('merge-explorer-ways', (event) => draw(/** @type {CustomEvent} */ (event).detail));
  window.dispatchEvent(new CustomEvent('merge-explorer-tell', { detail: draw }));
  return () => {};
}

/**
 * @param {import('../shared/host.js').Host} host
 * @param {HTMLElement} root
 */
export function follow(host, root) {
  root.hidden = true;
  let [timer, seq] = [0, 0];
  /** @type {object} */
  let last = {};
  const soon = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      host.props.value = { seq: (seq += 1) };
      host.trigger('submit');
    }, REST);
  };
  window.addEventListener('merge-explorer-idle', () => root.isConnected && soon());
  window.addEventListener('merge-explorer-tell', (event) => /** @type {CustomEvent} */ (event).detail(last));
  soon();
  return (/** @type {object} */ told) => {
    last = told;
    window.dispatchEvent(new CustomEvent('merge-explorer-ways', { detail: told }));
  };
}
