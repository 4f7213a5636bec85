// What can be done with the last answer only.

import { button, titled } from '../shared/dom.js';
import { LONGEST, MERGE } from './talk.js';

/**
 * @param {import('./chat.js').Chat} chat
 * @param {string} key who gave it
 * @param {import('./talk.js').Said} said
 */
export function further(chat, key, said) {
  const { length } = chat.manner;
  const again = titled(button('ch-button', 'Again', () => chat.again()), 'Other words, by the next seed'); // prettier-ignore
  const on = titled(button('ch-button', 'Go on', () => chat.goOn()), `Up to ${length} tokens more`); // prettier-ignore
  const unfinished = said.cut && said.count >= length && said.count < LONGEST;
  return [...(key === MERGE && said.state !== 'failed' ? [again] : []), ...(unfinished ? [on] : [])];
}
