// How many rows are right, and how many were after each of the last strokes; a bar leads back to its stroke.

import { button, el, grouped, setText } from '../shared/dom.js';
import { oneStop } from '../shared/keyboard.js';

const STROKES = 12;

/** @typedef {{recipe: string, right: number, of: number, of_what: string, did: string}} Stroke */

export class Score {
  /**
   * @param {() => void} blind
   * @param {(recipe: string) => void} back to the stroke that made it
   * @param {() => void} judge
   */
  constructor(blind, back, judge) {
    this.back = back;
    this.box = el('div', 'rw-score');
    this.words = button('rw-right', '', judge);
    this.words.title = 'Figures against the models, in Find';
    this.bars = oneStop(grouped(el('span', 'rw-bars'), 'No stroke yet'));
    this.legend = el('span', 'rw-legend', 'each bar: one stroke · = answers as your merge, ≠ another way');
    const test = button('rw-vote', 'Blind test', blind);
    test.title = 'A against B on these prompts, without their names';
    this.box.append(this.words, this.bars, this.legend, test);
    /** @type {Stroke[]} */
    this.strokes = [];
    this.drawn = '';
  }

  /** Other models begin anew. */
  clear() {
    this.strokes = [];
    this.draw();
  }

  /**
   * @param {string} recipe
   * @param {{right: number, of: number, whole: boolean, awaited?: number, unasked?: number}} score
   * @param {{right: number, of: number, whole: boolean, did?: string}} [changed] how many answers are others than before: what
   *   the bars tell where no row counts
   */
  take(recipe, score, changed) {
    setText(this.words, score.of ? this.told(score) : 'No prompt counts yet');
    const { right, of, whole } = score.of || !changed ? score : changed;
    if (whole && of && recipe) {
      const now = { recipe, right, of, of_what: score.of ? 'right' : 'changed', did: changed?.did ?? '' };
      const last = this.strokes.at(-1);
      if (last?.recipe === recipe) Object.assign(last, { ...now, did: last.did });
      else this.strokes = [...this.strokes, now].slice(-STROKES);
    }
    this.draw();
  }

  /**
   * @param {{right: number, of: number, awaited?: number, unasked?: number}} score
   */
  told({ right, of, awaited, unasked }) {
    if (unasked === of) return 'Not asked';
    if (awaited === of && !this.strokes.length) return 'Being asked…'; // nobody has said anything yet
    return `${right} of ${of} right${unasked ? `, ${unasked} not asked` : ''}`;
  }

  draw() {
    const told = this.strokes.map(({ right }) => right).join(', ');
    const { strokes, bars } = this;
    const what = strokes.at(-1)?.of_what === 'changed' ? 'Changed answers' : 'Score';
    const name = strokes.length ? `${what} after each of the last ${strokes.length} strokes: ${told} of ${strokes.at(-1)?.of}` : 'No stroke yet'; // prettier-ignore
    bars.setAttribute('aria-label', name);
    const text = JSON.stringify(strokes);
    if (text === this.drawn) return; // the focus stays where it is
    this.drawn = text;
    bars.replaceChildren(
      ...strokes.map(({ recipe, right, of, of_what, did }, i) => {
        const newest = i === strokes.length - 1;
        const says = `${did ? `${did}: ` : ''}${right} of ${of} ${of_what}`;
        const node = button('rw-stroke', '', () => !newest && this.back(recipe), newest ? says : `${says}. Back to this stroke`);
        node.title = node.getAttribute('aria-label') ?? '';
        const bar = el('i', 'rw-bar');
        bar.style.height = `${Math.round(4 + (24 * right) / Math.max(1, of))}px`;
        node.dataset.newest = String(newest);
        node.append(bar);
        return node;
      }),
    );
  }
}
