// Icons: 16 px, one line of 1.5 px in the colour of the text; the button that holds one has a name.

import { svg } from './dom.js';

/** @type {Record<string, string>} */
const PATHS = {
  Flat: 'M2 8h12',
  Rise: 'M2 12.5 14 3.5',
  Fall: 'M2 3.5 14 12.5',
  Hill: 'M2 12.5c4 0 3.5-9 6-9s2 9 6 9',
  Valley: 'M2 3.5c4 0 3.5 9 6 9s2-9 6-9',
  dice: 'M3 3h10v10H3zM6 6h.01M10 6h.01M8 8h.01M6 10h.01M10 10h.01',
  undo: 'M5.5 3 2.5 6l3 3M2.5 6H10a3.5 3.5 0 0 1 0 7H7',
  redo: 'M10.5 3l3 3-3 3M13.5 6H6a3.5 3.5 0 0 0 0 7h3',
  tools: 'M2 4.5h7M13 4.5h1M2 11.5h1M7 11.5h7M9 4.5a2 2 0 1 0 4 0 2 2 0 1 0-4 0M3 11.5a2 2 0 1 0 4 0 2 2 0 1 0-4 0',
};

/** @param {string} name */
export function icon(name) {
  const picture = svg('svg', { viewBox: '0 0 16 16', 'aria-hidden': 'true', class: 'me-icon' });
  picture.append(svg('path', { d: PATHS[name] }));
  return picture;
}

/**
 * A button that shows an icon in place of its words, which name it.
 * @template {HTMLElement} Node
 * @param {Node} node
 * @param {string} name of the icon
 */
export function iconed(node, name) {
  if (!node.hasAttribute('aria-label')) node.setAttribute('aria-label', node.textContent ?? '');
  node.title ||= node.getAttribute('aria-label') ?? '';
  node.replaceChildren(icon(name));
  return node;
}
