// Bars: how far something is that takes minutes.
//
// props.data   JSON text: {state: idle|busy|done|stopped, bars: [[name, done, size, words]]}; the first bar is the whole, the others
//              are its files. A size of 0: nobody knows yet how much it is.

import css from './bars.css';
import { el, rootOf } from '../shared/dom.js';
import { readOrNull } from '../shared/host.js';

/** @typedef {[name: string, done: number, size: number, words: string]} Bar */

/** @param {HTMLElement} root */
function makeRow(root) {
  const row = { box: el('div', 'bars-row'), name: el('span', 'bars-name'), words: el('span', 'bars-words'), bar: el('progress') };
  row.bar.max = 1;
  row.box.append(row.name, row.words, row.bar);
  root.append(row.box);
  return row;
}

/** @param {import('../shared/host.js').Host} host */
export function start({ element, props, watch }) {
  const root = rootOf(element, '.bars', css);
  /** @type {ReturnType<typeof makeRow>[]} */
  const rows = [];

  const draw = () => {
    /** @type {{state: string, bars: Bar[]} | null} */
    const told = readOrNull(props.data);
    if (!told?.bars) return;
    root.dataset.state = told.state;
    root.hidden = told.state === 'idle' || told.bars.length === 0;
    while (rows.length < told.bars.length) rows.push(makeRow(root));
    rows.splice(told.bars.length).forEach((gone) => gone.box.remove());
    told.bars.forEach(([name, done, size, words], i) => {
      const { bar, name: title, words: text } = rows[i];
      title.textContent = name;
      text.textContent = words;
      if (size > 0) bar.value = Math.min(1, done / size);
      else bar.removeAttribute('value');
      bar.setAttribute('aria-label', name);
      bar.setAttribute('aria-valuetext', words);
    });
  };

  watch('data', draw);
  draw();
}
