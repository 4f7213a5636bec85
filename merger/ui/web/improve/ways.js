// Which way each bar helps: as words in Find, and for the Mixer.
//
// Ways {words, bars: {path: {way: 1 | 0 | -1, layers: number[], name, ink}}}

import { el } from '../shared/dom.js';
import { wordsOf } from '../shared/ways.js';

const REST = 700; // ms without a stroke

/**
 * @param {import('../shared/host.js').Host} _
 * @param {HTMLElement} root
 */
export function ways(_, root) {
  return (/** @type {any} */ { words = '', bars = {} }) => {
    const list = el('ul');
    for (const { name, way, ink } of /** @type {any[]} */ (Object.values(bars))) {
      const item = el('li', '', `${name} ${wordsOf(way)}`);
      if (ink !== null) item.style.borderColor = `var(--me-slot-${ink})`;
      list.append(item);
    }
    root.replaceChildren(el('p', '', words), list);
  };
}

/**
 * @param {import('../shared/host.js').Host} host
 * @param {HTMLElement} root
 */
export function follow(host, root) {
  root.hidden = true;
  let [timer, seq] = [0, 0];
  const soon = () => {
    clearTimeout(timer);
    timer = window.setTimeout(() => {
      host.props.value = { seq: (seq += 1) };
      host.trigger('submit');
    }, REST);
  };
  window.addEventListener('merge-explorer-idle', () => root.isConnected && soon());
  soon();
  return (/** @type {any} */ { bars = {} }) => window.dispatchEvent(new CustomEvent('merge-explorer-ways', { detail: bars }));
}
