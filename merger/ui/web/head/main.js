// The head line: what is on the desk and where it came from, A and B, Share and Save. Gradio gives:
//
// props.board  JSON text of Board
// props.value  what goes back: {act: 'slot', slot, keep} with `select`, {act: 'fade', t} with `input`; `copy`: a link, please
//
// A chooser opens the box of the page that is called `pop-` and its key, below itself.
import css from './head.css';
import { button, el, rootOf, setAttribute, setText } from '../shared/dom.js';
import { read } from '../shared/host.js';
import { oneStop } from '../shared/keyboard.js';
import { Pops } from './pops.js';

/**
 * @typedef {object} Board
 * @property {{key: string, label: string, value: string, title?: string}[]} choosers
 * @property {{kept: boolean, here: boolean, title: string}[]} slots A and B
 */

const HOLD = 500; // ms; a long press keeps anew, as Shift does
const COPIED = 2000;

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const root = rootOf(host.element, '.head', css);
  const line = new Line(host, root);
  host.watch('board', () => line.draw());
  line.draw();
}

class Line {
  /**
   * @param {import('../shared/host.js').Host} host
   * @param {HTMLElement} root
   */
  constructor(host, root) {
    this.host = host;
    this.pops = new Pops(root);
    this.seq = 0;
    this.chosen = oneStop(el('nav', 'hd-choosers'));
    this.chosen.setAttribute('aria-label', 'What is on the desk');
    /** @type {Map<string, HTMLElement[]>} */
    this.choosers = new Map();
    this.keys = ['A', 'B'].map((name, slot) => keyOf(name, (keep) => this.send('select', { act: 'slot', slot, keep })));
    this.fade = el('input', 'hd-fade');
    Object.assign(this.fade, { type: 'range', min: '0', max: '1', step: '0.01', value: '0' });
    this.fade.setAttribute('aria-label', 'From A to B');
    this.fade.addEventListener('input', () => this.send('input', { act: 'fade', t: Number(this.fade.value) }));
    const ends = oneStop(el('span', 'hd-ends'));
    ends.append(this.keys[0], this.fade, this.keys[1], this.sharing(root), ...this.openers());
    root.append(skipLink(), el('h1', 'hd-name', 'Merge explorer'), this.chosen, ends);
  }

  /**
   * @param {string} event
   * @param {object} value
   */
  send(event, value) {
    this.seq += 1;
    this.host.props.value = { ...value, seq: this.seq };
    this.host.trigger(event);
  }

  /** @param {HTMLElement} root */
  sharing(root) {
    const share = button('hd-button hd-share', 'Share', () => this.host.trigger('copy'));
    share.title = 'Copy a link that opens this recipe';
    window.addEventListener('merge-explorer-copied', function copied() {
      if (!root.isConnected) return window.removeEventListener('merge-explorer-copied', copied);
      setText(share, 'Copied');
      setTimeout(() => setText(share, 'Share'), COPIED);
    });
    return share;
  }

  openers() {
    const save = this.pops.opener(
      button('hd-button hd-save', 'Save', () => this.pops.toggle('save', save)),
      'save',
    );
    const name = 'More: appearance, keys, and how answers are drawn';
    const more = this.pops.opener(
      button('hd-button hd-more', '⋯', () => this.pops.toggle('more', more), name),
      'more',
    );
    const listed = () => {
      if (more.isConnected) this.pops.toggle('keys', more, 'Keys');
      else window.removeEventListener('merge-explorer-keys', listed);
    };
    window.addEventListener('merge-explorer-keys', listed);
    return [save, more];
  }

  draw() {
    /** @type {Board} */
    const board = { choosers: [], slots: [], ...read(this.host.props.board) };
    for (const { key, label, value, title } of board.choosers) {
      const [box, name, words] = this.choosers.get(key) ?? this.chooser(key);
      setText(name, label);
      setText(words, value);
      setAttribute(box, 'title', title || value);
    }
    board.slots.forEach(({ kept, here, title }, i) => {
      this.keys[i].dataset.kept = String(kept);
      setAttribute(this.keys[i], 'aria-pressed', String(here));
      setAttribute(this.keys[i], 'title', title);
      setAttribute(this.keys[i], 'aria-label', `${'AB'[i]}: ${title}`);
    });
    const both = board.slots.length === 2 && board.slots.every(({ kept }) => kept);
    this.fade.disabled = !both;
    this.fade.title = both ? 'Slide between A and B' : 'Keep two merges as A and B, then slide between them';
    const at = board.slots.findIndex(({ here }) => here);
    if (both && document.activeElement !== this.fade && at >= 0) this.fade.value = String(at);
  }

  /** @param {string} key */
  chooser(key) {
    const box = this.pops.opener(
      button('hd-chooser', '', () => this.pops.toggle(key, box)),
      key,
    );
    const parts = [box, el('span', 'hd-label'), el('span', 'hd-value')];
    box.append(parts[1], parts[2]);
    this.chosen.append(box);
    this.choosers.set(key, parts);
    return parts;
  }
}

/** Past the head line and the bars, by one press of Tab and Enter. */
function skipLink() {
  const link = el('a', 'hd-skip', 'To the answers');
  link.href = '#answers';
  link.addEventListener('click', (event) => {
    event.preventDefault();
    const words = /** @type {HTMLElement | null} */ (document.querySelector('#answers .rw-words[tabindex="0"]'));
    (words ?? /** @type {HTMLElement | null} */ (document.querySelector('#answers button')))?.focus();
  });
  return link;
}

/**
 * A key that keeps at the first press, goes there at a later one, and keeps anew with Shift, a long press or the other button.
 * @param {string} name
 * @param {(keep: boolean) => void} act
 */
function keyOf(name, act) {
  let timer = 0;
  let held = false;
  const node = button('hd-key', name, () => {
    if (!held) act(node.dataset.kept !== 'true');
    held = false;
  });
  const anew = () => {
    held = true;
    act(true);
  };
  node.addEventListener('pointerdown', (event) => {
    held = false;
    if (event.shiftKey) anew();
    else timer = window.setTimeout(anew, HOLD);
  });
  for (const end of ['pointerup', 'pointerleave', 'pointercancel']) node.addEventListener(end, () => clearTimeout(timer));
  node.addEventListener('keydown', (event) => {
    if (event.key !== 'Enter' || !event.shiftKey) return;
    event.preventDefault();
    act(true);
  });
  node.addEventListener('contextmenu', (event) => {
    event.preventDefault();
    clearTimeout(timer);
    if (!held) act(true);
    held = false;
  });
  return node;
}
