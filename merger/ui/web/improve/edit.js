// A set of questions as rows that can be changed: the prompt, what is right, and how it is compared. An empty prompt takes one out.

import { button, el } from '../shared/dom.js';
import { readOrNull } from '../shared/host.js';

const MATCHES = [
  ['exact', 'the whole answer'], ['within', 'words in it'], ['pattern', 'a pattern'],
  ['choice', 'right | wrong | …'], ['parent', 'what the models say'],
]; // prettier-ignore
const SHOWN = 50; // rows; the others stay as they are

/** @typedef {{prompt?: string, answer?: string, match?: string, skill?: string, choices?: string[]}} Question */

/** @param {Question} one */
function fields({ prompt = '', answer = '', match = 'exact', choices = [] }) {
  const [asks, says, how] = [el('input'), el('input'), el('select')];
  for (const [value, words] of MATCHES) how.add(new Option(words, value));
  asks.value = String(prompt);
  says.value = match === 'choice' ? [answer, ...choices.filter((one) => one !== answer)].join(' | ') : String(answer);
  how.value = match;
  return [asks, says, how];
}

/**
 * @param {string} name
 * @param {string} text the set as JSON
 * @param {(name: string, text: string) => void} save
 */
export function edit(name, text, save) {
  const set = readOrNull(text) ?? {};
  /** @type {Question[]} */
  const all = Array.isArray(set.questions) ? set.questions : [];
  const [box, table, title] = [el('div'), el('table'), el('input')];
  title.value = name;
  title.setAttribute('aria-label', 'Name of the set');
  /** @type {{one: Question, own: (HTMLInputElement | HTMLSelectElement)[]}[]} */
  const rows = [];
  const add = (/** @type {Question} */ one) => {
    const line = el('tr');
    const own = fields(one);
    own.forEach((field, i) => {
      field.setAttribute('aria-label', `${['Prompt', 'Answer', 'Match'][i]} ${rows.length + 1}`);
      line.insertCell().append(field);
    });
    rows.push({ one, own });
    table.append(line);
    return own[0];
  };
  all.slice(0, SHOWN).forEach(add);
  const made = () => {
    const questions = rows
      .filter(({ own }) => own[0].value.trim())
      .map(({ one, own: [asks, says, how] }) => {
        const parts = says.value.split(' | ').map((part) => part.trim());
        const chosen = how.value === 'choice';
        return {
          ...one, prompt: asks.value, match: how.value, answer: chosen ? parts[0] : says.value,
          choices: chosen ? parts.sort() : undefined,
        }; // prettier-ignore
      });
    const named = title.value.trim() || name;
    save(named, JSON.stringify({ ...set, name: named, questions: [...questions, ...all.slice(SHOWN)] }));
  };
  const more = all.length > SHOWN ? `The first ${SHOWN} of ${all.length} are shown; the others stay.` : '';
  const scroll = el('div', 'im-scroll');
  scroll.append(table);
  const bar = el('div', 'im-bar');
  bar.append(
    title,
    button('', 'Keep', made),
    button('', 'One more', () => add({}).focus()),
    el('span', '', more),
  );
  box.append(bar, scroll);
  return box;
}
