// Figures of the merge against the others, and the questions they are of: the rows, the family's own, or sets in this browser.
//
// props.opened  JSON text of {name, text}: a set that was read from a file
// props.value   {set: '' (the rows) | 'family' | a name, text}: what is judged by
// Judged        {words, family: boolean, columns: [name], rows: [[name, cell, …]], hint}

import { button, el, setText } from '../shared/dom.js';
import { readOrNull } from '../shared/host.js';
import { edit } from './edit.js';
import { table } from './table.js';

const KEY = 'merge-explorer-questions'; // localStorage; it never leaves this browser but to be asked
const MOST = 12;

/** @returns {string[][]} name and text of each set */
function load() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(found) ? found.filter((one) => Array.isArray(one) && one.every((x) => typeof x === 'string')) : [];
  } catch {
    return [];
  }
}

/** @param {string[][]} sets */
function save(sets) {
  try {
    localStorage.setItem(KEY, JSON.stringify(sets.slice(-MOST)));
  } catch {
    /* full: they are there as long as this page */
  }
}

/**
 * @param {string} name
 * @param {string} text
 */
function download(name, text) {
  const link = el('a');
  link.href = URL.createObjectURL(new Blob([text]));
  link.download = name;
  link.click();
  URL.revokeObjectURL(link.href);
}

/** The questions that can be chosen. */
class Sets {
  /** @param {import('../shared/host.js').Host} host */
  constructor(host) {
    this.host = host;
    this.sets = load();
    this.family = false;
    this.choice = el('select');
    this.kinds = el('select', 'im-own');
    this.bar = el('div', 'im-bar');
    this.status = el('p', 'im-status');
    this.choice.setAttribute('aria-label', 'Questions');
    this.choice.addEventListener('change', () => this.hand());
    this.kinds.append(...['txt', 'csv', 'jsonl', 'json'].map((kind) => el('option', '', kind)));
    this.kinds.setAttribute('aria-label', 'As what kind of file');
    this.status.setAttribute('role', 'status');
    const store = button('im-own', 'Save to a file', () => this.store());
    const forget = button('im-own', 'Remove', () => this.keep(this.sets.filter((one) => one !== this.own()), '')); // prettier-ignore
    const change = button('im-own', 'Change', () => this.change());
    this.editor = el('div');
    this.bar.append(el('span', '', 'Judged by'), this.choice, change, this.kinds, store, forget);
    this.fill('');
  }

  own() {
    return this.sets.find(([name]) => this.choice.value === `own ${name}`);
  }

  hand() {
    const own = this.own();
    this.editor.replaceChildren();
    this.host.props.value = own ? { set: own[0], text: own[1] } : { set: this.choice.value, text: '' };
    for (const node of this.bar.querySelectorAll('.im-own')) if (node instanceof HTMLElement) node.hidden = !own;
  }

  /** @param {string} value */
  fill(value) {
    const option = (/** @type {string} */ text, /** @type {string} */ key) =>
      Object.assign(el('option', '', text), { value: key });
    this.choice.replaceChildren(
      option('the ticked rows', ''),
      ...(this.family ? [option("the family's own questions", 'family')] : []),
      ...this.sets.map(([name]) => option(name, `own ${name}`)),
    );
    this.choice.value = value;
    if (this.choice.selectedIndex < 0) this.choice.value = '';
    this.hand();
  }

  /**
   * @param {string[][]} sets
   * @param {string} value
   */
  keep(sets, value) {
    this.sets = sets;
    save(sets);
    this.fill(value);
  }

  async store() {
    const own = this.own();
    const made = own && (await this.host.server.written_as({ text: own[1], kind: this.kinds.value }));
    if (made?.text) download(`${own?.[0]}.${this.kinds.value}`, made.text);
    else setText(this.status, made?.error ?? '');
  }

  change() {
    const own = this.own();
    if (!own || this.editor.firstChild) {
      this.editor.replaceChildren();
      return;
    }
    this.editor.append(
      edit(own[0], own[1], async (name, text) => {
        const made = await this.host.server.written_as({ text, kind: 'json' });
        if (made.text)
          this.keep([...this.sets.filter((one) => one !== own && one[0] !== name), [name, made.text]], `own ${name}`);
        setText(this.status, made.error ?? 'Kept in this browser.');
      }),
    );
  }

  opened() {
    const { name, text } = readOrNull(this.host.props.opened) ?? {};
    if (typeof name !== 'string' || typeof text !== 'string') return;
    this.keep([...this.sets.filter(([other]) => other !== name), [name, text]], `own ${name}`);
    setText(this.status, 'Opened; it stays in this browser.');
  }
}

/**
 * @param {import('../shared/host.js').Host} host
 * @param {HTMLElement} root
 */
export function judge(host, root) {
  const [sets, body] = [new Sets(host), el('div')];
  root.append(sets.bar, sets.status, sets.editor, body);
  host.watch('opened', () => sets.opened());
  return (/** @type {any} */ told) => {
    setText(sets.status, told.words ?? '');
    if (Boolean(told.family) !== sets.family) {
      sets.family = Boolean(told.family);
      sets.fill(sets.choice.value);
    }
    if (told.words) root.scrollIntoView({ block: 'nearest' });
    if (!told.rows) return;
    const box = el('div', 'im-scroll');
    box.append(table(told.columns, told.rows));
    body.replaceChildren(box, ...(told.hint ? [el('p', 'im-hint', told.hint)] : []));
  };
}
