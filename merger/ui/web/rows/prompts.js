// “Prompts…”: suggested ones, and rows from and to a file; all of it in the browser.

import { button, el, grouped, titled } from '../shared/dom.js';
import { FILE_CHARACTERS, parsed, written } from './keep.js';

const KINDS = [
  ['txt', 'a line each; line breaks become spaces'],
  ['csv', 'for a table'],
  ['jsonl', 'a line of JSON each'],
];

/**
 * @param {string} text
 * @param {string} name
 */
function download(text, name) {
  const link = el('a');
  link.href = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/**
 * @param {import('./kinds.js').Row[]} rows
 * @param {string[]} chips
 * @param {{take: (rows: import('./kinds.js').Row[]) => void, ask: (prompt: string) => void, leave: () => void}} acts
 */
export function prompts(rows, chips, { take, ask, leave }) {
  const box = grouped(el('div', 'rw-form'), 'Prompts');
  const said = el('span', 'rw-wanted');
  said.setAttribute('role', 'status');
  const file = el('input', 'rw-file');
  file.type = 'file';
  file.accept = '.txt,.csv,.jsonl,.json';
  file.setAttribute('aria-label', 'A file of prompts');
  file.addEventListener('change', async () => {
    const [chosen] = file.files ?? [];
    if (!chosen) return;
    try {
      if (chosen.size > 4 * FILE_CHARACTERS) throw new Error(`${chosen.name} is too long for a file of prompts.`);
      take(parsed(await chosen.text(), chosen.name));
    } catch (error) {
      said.textContent =
        error instanceof SyntaxError ? `${chosen.name} is no JSON.` : String(/** @type {Error} */ (error).message);
    }
    file.value = '';
  });
  const open = titled(
    button('rw-stop', 'Open a file…', () => file.click()),
    'Rows of a .txt, .csv or .jsonl file in place of these',
  );
  const saves = KINDS.map(([kind, title]) =>
    titled(
      button('rw-stop', `Save .${kind}`, () => download(written(rows, kind), `prompts.${kind}`)),
      title,
    ),
  );
  const suggested = chips.map((prompt) => button('rw-chip', prompt, () => ask(prompt)));
  box.append(...suggested, open, file, ...saves, button('rw-stop', 'Close', leave), said);
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') leave();
  });
  return { box, first: suggested[0] ?? open };
}
