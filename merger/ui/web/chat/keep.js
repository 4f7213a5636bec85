// What was said to the merge in a conversation, as a row of the desk: it is asked again at each stroke.

import { button, titled } from '../shared/dom.js';
import { KEEP, MOST } from '../rows/kinds.js';

const KEPT = 'It is asked again after each stroke, without what was said before it.';

/**
 * @param {string} prompt
 * @param {number} turn
 * @param {(sentence: string) => void} told
 */
export function keeper(prompt, turn, told) {
  const keep = () => {
    const detail = { prompt, kept: false };
    window.dispatchEvent(new CustomEvent(KEEP, { detail }));
    told(detail.kept ? `A row now: ${prompt}. ${KEPT}` : `At most ${MOST} rows: take one out first.`);
  };
  return titled(button('ch-button', 'Keep as a row', keep, `Keep turn ${turn} as a row`), KEPT);
}
