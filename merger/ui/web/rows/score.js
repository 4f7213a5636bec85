// How many rows are right, and how many were after each of the last strokes.

import { button, el, setText } from '../shared/dom.js';

const STROKES = 12;

export class Score {
  /**
   * @param {() => void} blind
   * @param {() => void} judge
   */
  constructor(blind, judge) {
    this.box = el('div', 'rw-score');
    this.words = button('rw-right', '', judge);
    this.words.title = 'Figures against the models, in Find';
    this.bars = el('span', 'rw-bars');
    this.bars.setAttribute('role', 'img');
    this.legend = el('span', 'rw-legend', 'each bar: one stroke · = answers as your merge, ≠ another way');
    const test = button('rw-vote', 'Blind test', blind);
    test.title = 'A against B on these prompts, without their names';
    this.box.append(this.words, this.bars, this.legend, test);
    /** @type {{recipe: string, right: number, of: number}[]} */
    this.strokes = [];
  }

  /** Other models begin anew. */
  clear() {
    this.strokes = [];
    this.draw();
  }

  /**
   * @param {string} recipe
   * @param {{right: number, of: number, whole: boolean}} score
   */
  take(recipe, { right, of, whole }) {
    setText(this.words, of ? `${right} of ${of} right` : 'No prompt counts yet');
    if (whole && of && recipe) {
      const last = this.strokes.at(-1);
      if (last?.recipe === recipe) Object.assign(last, { right, of });
      else this.strokes = [...this.strokes, { recipe, right, of }].slice(-STROKES);
    }
    this.draw();
  }

  draw() {
    const told = this.strokes.map(({ right }) => right).join(', ');
    const [count, most] = [this.strokes.length, this.strokes.at(-1)?.of ?? 0];
    this.bars.setAttribute('aria-label', count ? `Score after each of the last ${count} strokes: ${told} of ${most}` : 'No stroke yet'); // prettier-ignore
    this.bars.replaceChildren(
      ...this.strokes.map(({ right, of }, i) => {
        const bar = el('i', 'rw-bar');
        bar.style.height = `${Math.round(4 + (24 * right) / Math.max(1, of))}px`;
        bar.title = `${right} of ${of} right`;
        bar.dataset.newest = String(i === this.strokes.length - 1);
        return bar;
      }),
    );
  }
}
