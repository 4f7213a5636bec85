// What Gradio gives a part of the page. A part's entry (its main.js) exports `start(host)`, which runs once per mount.

/**
 * @typedef {object} Host
 * @property {HTMLElement} element
 * @property {Record<string, any>} props what Python set; `props.value = …` is what goes back
 * @property {(event: string, data?: object) => void} trigger
 * @property {(prop: string, then: () => void) => void} watch
 * @property {Record<string, (...given: any[]) => Promise<any>>} server functions of Python
 */

/**
 * A prop that may come as JSON text, and should, as what goes back: Gradio copies every leaf of an object, of each part that an
 * event takes or that has changed, at every message of any event.
 * @param {unknown} given
 * @returns {any} a value of our own
 */
export const read = (given) => (typeof given === 'string' ? JSON.parse(given || '{}') : structuredClone(given ?? {}));

/**
 * The same, and null where it is no JSON.
 * @param {unknown} given
 * @returns {any}
 */
export function readOrNull(given) {
  try {
    return read(given);
  } catch {
    return null;
  }
}
