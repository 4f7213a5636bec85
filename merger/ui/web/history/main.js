// The recipes tried so far.
//
// props.entry  JSON text of {yaml, title, lanes: [{slot, numbers}], prompt, answer}    a merge that has just answered
// props.value  {act: restore|slot, slot: 0|1, yaml, prompt, seq}                       what goes back to Python, with `select`
//
// There are two of it: the recorder, always on the page and never seen, takes entries; the list is there while its tab is open.

import css from './history.css';
import { rootOf } from '../shared/dom.js';
import { List } from './list.js';
import { record } from './store.js';

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const root = rootOf(host.element, '.history', css);
  if (root.dataset.part === 'recorder') {
    root.replaceChildren();
    host.watch('entry', () => record(host.props.entry));
  } else new List(host, root).draw();
}
