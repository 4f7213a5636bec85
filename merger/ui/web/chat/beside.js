// Who may answer beside the merge, to be ticked.

import { colourOf } from '../answers/card.js';
import { el } from '../shared/dom.js';

/**
 * @param {import('./talk.js').Column} column
 * @param {Set<string>} beside keys of those that are ticked
 */
export function ticker({ key, name = key, slot }, beside) {
  const tick = el('input');
  tick.type = 'checkbox';
  tick.checked = beside.has(key);
  tick.addEventListener('change', () => {
    if (tick.checked) beside.add(key);
    else beside.delete(key);
  });
  const label = el('label', 'ch-who');
  label.style.setProperty('--ch-colour', slot !== undefined && Number.isInteger(slot) ? colourOf(slot) : 'var(--me-base)');
  label.append(tick, el('i', 'ch-dot'), name);
  return label;
}
