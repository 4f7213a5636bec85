import { button, setText } from './dom.js';

const SHOWN = 2000; // ms

/**
 * A button that copies a text, and says whether it could.
 * @param {string} className
 * @param {() => string} textOf
 */
export function copier(className, textOf) {
  const node = button(className, 'Copy', async () => {
    let said = 'Copied';
    try {
      await navigator.clipboard.writeText(textOf());
    } catch {
      said = 'Not allowed here'; // it can be marked and copied by hand
    }
    setText(node, said);
    setTimeout(() => setText(node, 'Copy'), SHOWN);
  });
  return node;
}
