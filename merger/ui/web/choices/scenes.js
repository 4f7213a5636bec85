// Settings of one's own under a name, kept in this browser for each family of models: recipes as text, newest first.

import { button, el } from '../shared/dom.js';

const KEY = 'merge-explorer-scenes'; // localStorage: {family: [{name, text}]}
const MOST = 40;
const NAME = 60;

/** @typedef {{name: string, text: string}} Scene */

/** @returns {Record<string, Scene[]>} */
function all() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return found && typeof found === 'object' && !Array.isArray(found) ? found : {};
  } catch {
    return {};
  }
}

/**
 * @param {string} family
 * @returns {Scene[]}
 */
export function scenesOf(family) {
  const found = all()[family];
  if (!Array.isArray(found)) return [];
  return found.filter((one) => one && typeof one.name === 'string' && typeof one.text === 'string').slice(0, MOST);
}

/**
 * @param {string} family
 * @param {Scene[]} scenes
 * @returns {boolean} whether the browser keeps them
 */
function keep(family, scenes) {
  try {
    localStorage.setItem(KEY, JSON.stringify({ ...all(), [family]: scenes.slice(0, MOST) }));
    return true;
  } catch {
    return false;
  }
}

/**
 * A scene more, in place of one of the same name.
 * @param {Scene[]} scenes
 * @param {Scene} scene
 */
export const withScene = (scenes, scene) => [scene, ...scenes.filter(({ name }) => name !== scene.name)].slice(0, MOST);

export class Scenes {
  /** @param {(value: object) => void} send */
  constructor(send) {
    this.send = send;
    this.family = '';
    this.done = '';
    this.box = el('div', 'ch-scenes');
    this.list = el('div');
    this.field = el('input', 'ch-name');
    Object.assign(this.field, { type: 'text', maxLength: NAME, placeholder: 'Keep these settings as…' });
    this.field.setAttribute('aria-label', 'Keep these settings under a name');
    this.note = el('p', 'ch-says');
    this.note.setAttribute('role', 'status');
    const ask = () => {
      const name = this.field.value.trim();
      if (name) send({ keep: name });
    };
    this.field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter') ask();
    });
    const line = el('div', 'ch-keep');
    line.append(this.field, button('ch-small', 'Keep', ask));
    this.box.append(this.list, line, this.note);
  }

  /**
   * @param {string} family "" where none are kept
   * @param {Scene} [kept]
   */
  draw(family, kept) {
    this.family = family;
    this.box.hidden = !family;
    const mark = kept ? JSON.stringify(kept) : '';
    if (family && kept && mark !== this.done) {
      this.done = mark;
      const stays = keep(family, withScene(scenesOf(family), { name: kept.name.slice(0, NAME), text: kept.text }));
      this.note.textContent = stays ? '' : 'This browser keeps nothing for this page: copy the link instead.';
      if (stays) this.field.value = '';
    }
    const found = family ? scenesOf(family) : [];
    this.list.replaceChildren(...(found.length ? [el('p', 'ch-title', 'Your own')] : []), ...found.map((one) => this.scene(one)));
  }

  /** @param {Scene} scene */
  scene({ name, text }) {
    const line = el('div', 'ch-own');
    const use = button('ch-entry', '', () => this.send({ text, name }));
    use.dataset.closes = 'true';
    use.append(el('span', 'ch-label', name));
    const away = button(
      'ch-small',
      '×',
      () => {
        keep(
          this.family,
          scenesOf(this.family).filter((one) => one.name !== name),
        );
        this.draw(this.family);
        this.field.focus();
      },
      `Forget ${name}`,
    );
    line.append(use, away);
    return line;
  }
}
