import { el } from './dom.js';

/**
 * Right or wrong: by shape, not by colour alone.
 * @param {boolean | null} mark
 */
export function markOf(mark) {
  const node = el('span', 'rw-mark', mark === null ? '' : mark ? '✓' : '✗');
  node.dataset.right = String(mark);
  if (mark !== null) {
    node.setAttribute('role', 'img');
    node.setAttribute('aria-label', mark ? 'right' : 'wrong');
  }
  return node;
}
