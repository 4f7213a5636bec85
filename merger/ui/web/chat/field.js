// A field that grows with its text; Enter sends, Shift+Enter breaks the line, Esc leaves.

import { el } from '../shared/dom.js';
import { CHARACTERS } from './talk.js';

/**
 * @param {string} name
 * @param {(text: string) => boolean | void} send true where it was taken: then it is empty
 * @param {() => void} leave
 * @param {boolean} [several] Enter breaks the line
 */
export function field(name, send, leave, several = false) {
  const node = el('textarea', 'ch-field');
  node.rows = several ? 2 : 1;
  node.maxLength = CHARACTERS;
  node.dir = 'auto';
  node.setAttribute('aria-label', name);
  node.placeholder = several ? '' : `${name}. Enter sends, Shift+Enter breaks the line`;
  const grow = () => {
    node.style.height = 'auto';
    node.style.height = `${Math.min(96, node.scrollHeight)}px`;
  };
  const made = {
    node,
    get value() {
      return node.value.slice(0, CHARACTERS).replace(/\p{Surrogate}/gu, '\ufffd');
    },
    send: () => {
      if (send(made.value)) node.value = '';
      grow();
    },
  };
  node.addEventListener('input', grow);
  node.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && !several && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      made.send();
    } else if (event.key === 'Escape') {
      event.preventDefault();
      event.stopPropagation();
      leave();
    }
  });
  return made;
}
