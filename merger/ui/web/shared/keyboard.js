// Keys that mean the same all over the page.

/** @type {Record<string, [number, number]>} */
const WAYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/**
 * Where an arrow key leads: [right, down].
 * @param {KeyboardEvent} event
 * @returns {[number, number] | null}
 */
export const wayOf = (event) => WAYS[event.key] ?? null;

/**
 * Whether a key is meant for the browser, or for the page as a whole.
 * @param {KeyboardEvent} event
 */
export const withControl = (event) => event.ctrlKey || event.metaKey;

/**
 * Ctrl+Z, Ctrl+Shift+Z, Ctrl+Y.
 * @param {KeyboardEvent} event
 * @returns {'undo' | 'redo' | null}
 */
export function stepOf(event) {
  if (!withControl(event) || event.altKey) return null;
  const letter = event.key.toLowerCase();
  if (letter === 'y' || (letter === 'z' && event.shiftKey)) return 'redo';
  return letter === 'z' ? 'undo' : null;
}

/**
 * The focus goes through a list of things by arrows, Home and End, around its ends.
 * @param {KeyboardEvent} event
 * @param {HTMLElement[]} all
 * @returns {boolean} whether the key was one of those
 */
export function moveFocus(event, all) {
  const at = all.findIndex((node) => node === document.activeElement);
  /** @type {Record<string, number>} */
  const places = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: -1 };
  const next = places[event.key];
  if (next === undefined) return false;
  all.at(next % all.length)?.focus();
  return true;
}

/**
 * Buttons that belong together are one stop of Tab; arrows lead from one to the next.
 * @template {HTMLElement} Node
 * @param {Node} box
 * @returns {Node}
 */
export function oneStop(box) {
  const all = () =>
    /** @type {HTMLButtonElement[]} */ ([...box.querySelectorAll('button')]).filter((node) => !node.disabled && !node.hidden);
  const settle = (/** @type {HTMLElement | undefined} */ stop) => {
    for (const node of all()) if (node.tabIndex !== (node === stop ? 0 : -1)) node.tabIndex = node === stop ? 0 : -1;
  };
  box.addEventListener('focusin', ({ target }) => {
    if (target instanceof HTMLButtonElement) settle(target);
  });
  box.addEventListener('keydown', (event) => {
    if (event.target instanceof HTMLButtonElement && !withControl(event) && moveFocus(event, all())) event.preventDefault();
  });
  // whoever was the stop may be gone, or may not be pressed any more
  const watching = new MutationObserver(() => {
    const now = all();
    if (!now.some((node) => node.tabIndex === 0)) settle(now[0]);
    else if (now.filter((node) => node.tabIndex === 0).length > 1) settle(now.find((node) => node.tabIndex === 0));
  });
  watching.observe(box, { subtree: true, childList: true, attributes: true, attributeFilter: ['disabled', 'hidden'] });
  settle(all()[0]);
  return box;
}
