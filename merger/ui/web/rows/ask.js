// The field to ask in, and the small form in which a row is changed.

import { button, el, titled } from '../shared/dom.js';
import { oneStop } from '../shared/keyboard.js';
import { clean } from './keep.js';
import { CHARACTERS, MOST } from './kinds.js';

export class Ask {
  /**
   * @param {(prompt: string) => boolean} ask whether there is room for it
   * @param {() => void} again all rows
   * @param {() => void} stop
   * @param {() => void} more
   * @param {() => void} chat
   */
  constructor(ask, again, stop, more, chat) {
    this.box = el('div', 'rw-askrow');
    this.field = el('textarea', 'rw-field');
    this.field.rows = 1;
    this.field.maxLength = CHARACTERS;
    this.field.dir = 'auto';
    const wide = matchMedia('(min-width: 1500px)').matches; // in a narrower field it would be cut, and a phone has no such key
    this.field.placeholder = wide ? 'Ask something. Enter asks' : 'Ask something';
    this.field.setAttribute('aria-label', 'Prompt');
    this.last = '';
    const send = () => {
      const prompt = clean(this.field.value);
      if (!prompt.trim()) again();
      else if (ask(prompt)) {
        this.last = prompt;
        this.field.value = '';
        this.grow();
      }
    };
    this.field.addEventListener('input', () => this.grow());
    this.field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' && !event.shiftKey && !event.isComposing) {
        event.preventDefault();
        send();
      } else if (event.key === 'Escape') {
        this.field.value = '';
        this.grow();
      } else if (event.key === 'ArrowUp' && !this.field.value && this.last) {
        event.preventDefault();
        this.field.value = this.last;
        this.grow();
      }
    });
    this.send = titled(
      button('rw-send', 'Ask', send),
      'Adds a row; with nothing written, asks all rows again. Shift+Enter breaks the line',
    );
    this.chips = oneStop(el('span', 'rw-chips'));
    this.full = el('span', 'rw-full', `At most ${MOST} rows: take one out first.`);
    this.full.hidden = true;
    this.stop = button('rw-stop', 'Stop', stop);
    this.stop.hidden = true;
    this.more = titled(button('rw-stop', 'Prompts…', more), 'Suggested prompts, and rows from and to a file');
    // on a phone the close-up, which has it, is out of view
    const talk = button('rw-stop rw-talk', 'Chat', chat, 'Open the chat');
    this.box.append(this.field, this.send, this.stop, this.chips, this.more, talk, this.full);
    this.asked = ask;
    this.offered = '';
  }

  grow() {
    this.field.style.height = 'auto';
    this.field.style.height = `${Math.min(96, this.field.scrollHeight)}px`;
  }

  /**
   * @param {string[]} prompts suggested ones
   * @param {boolean} full
   */
  draw(prompts, full) {
    this.full.hidden = !full;
    if (prompts.join('\n') === this.offered) return; // the focus stays where it is
    this.offered = prompts.join('\n');
    this.chips.replaceChildren(...prompts.slice(0, 3).map((prompt) => button('rw-chip', prompt, () => this.asked(prompt))));
  }
}

/**
 * A form for one row: its prompt, what is right, how that is compared.
 * @param {import('./kinds.js').Row} row
 * @param {(row: import('./kinds.js').Row) => void} keep
 * @param {() => void} leave
 */
export function form(row, keep, leave) {
  const box = el('form', 'rw-form');
  const field = (/** @type {string} */ label, /** @type {string} */ value) => {
    const input = el('input', 'rw-input');
    input.value = value;
    input.maxLength = CHARACTERS;
    input.dir = 'auto';
    const named = el('label', 'rw-label', label);
    named.append(input);
    box.append(named);
    return input;
  };
  const prompt = field('Prompt of this row', row.prompt);
  const answer = field('What is right', row.answer ?? '');
  const match = el('select', 'rw-input');
  for (const [value, words] of [['exact', 'the whole answer'], ['within', 'words in it']]) match.add(new Option(words, value)); // prettier-ignore
  match.value = row.match || 'exact';
  match.setAttribute('aria-label', 'How it is compared');
  box.append(
    match,
    Object.assign(
      button('rw-send', 'Keep', () => {}),
      { type: 'submit' },
    ),
    button('rw-stop', 'Leave', leave),
  );
  box.addEventListener('submit', (event) => {
    event.preventDefault();
    if (!prompt.value.trim()) return;
    const kind = answer.value.trim() ? /** @type {'exact' | 'within'} */ (match.value) : '';
    keep({ ...row, prompt: clean(prompt.value), answer: clean(answer.value), match: kind });
  });
  box.addEventListener('keydown', (event) => {
    if (event.key === 'Escape') leave();
  });
  return { box, prompt };
}
