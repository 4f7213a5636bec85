// What Explore is given, and what it says of it. Names, prompts and answers are hostile: they are text.
//
// props.data   Board as JSON text; without `axes`, what was shown stays
// props.value  {picked: [i, j], seq}: written here when a point is clicked (event `select`)

import { percent, seconds, short } from '../shared/numbers.js';

/** @typedef {number[]} At the place on each axis */

/**
 * @typedef {object} Point
 * @property {At} at
 * @property {number[] | null} scores 0 to 1 for each skill; null where it could not be merged
 * @property {string} note
 * @property {[prompt: string, said: string, right: boolean | null][]} [says]
 */

/**
 * @typedef {object} Board
 * @property {'idle' | 'waiting' | 'busy' | 'done' | 'stopped' | 'failed'} state
 * @property {string} error
 * @property {number} total
 * @property {number} left seconds
 * @property {string} [prompt]
 * @property {{label: string, values: unknown[]}[]} axes one: a line, two: maps
 * @property {string[]} skills
 * @property {number | null} [best] index into points
 * @property {{name: string, scores: number[]}[]} marks what each model does alone
 * @property {Point[]} points
 */

/** @type {Omit<Board, 'state' | 'axes'>} */
export const NOTHING = { error: '', total: 0, left: 0, skills: [], best: null, marks: [], points: [] };

/** @param {At} at */
export const keyOf = (at) => at.join(',');

/** @param {string} key */
export const atOf = (key) => key.split(',').map(Number);

/** @param {Board} board */
export const bestOf = (board) => (board.best == null ? null : board.points[board.best]);

/** @param {number[]} scores */
export const mean = (scores) => scores.reduce((sum, s) => sum + s, 0) / (scores.length || 1);

/**
 * @param {string} name
 * @param {number} most letters
 */
export const cut = (name, most) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);

/**
 * @param {Board} board
 * @param {At} at
 */
export const where = (board, at) => board.axes.map((axis, d) => `${axis.label} = ${short(axis.values[at[d]])}`).join(', ');

/**
 * @param {Board} board
 * @param {Point} point
 */
export const told = (board, { scores, note }) =>
  scores ? board.skills.map((s, i) => `${s} ${percent(scores[i])}`).join(', ') : note;

/**
 * How far it is, or what came out.
 * @param {Board} board
 */
export function words(board) {
  const done = board.points.length;
  const of = `${done} of ${board.total}`;
  switch (board.state) {
    case 'waiting':
      return 'Waiting for a free place… other people are exploring.';
    case 'busy':
      return done ? `${of} tried, about ${seconds(board.left)} left` : 'Making ready…';
    case 'stopped':
      return done ? `Stopped after ${of}; what was found stays.` : 'Stopped before the first was done.';
    case 'failed':
      return '';
    case 'done': {
      const best = bestOf(board);
      return best ? `Best: ${where(board, best.at)} (${told(board, best)})` : 'None of these could be merged.';
    }
    default:
      return 'Nothing tried yet. Choose what to vary and press “Try them all”.';
  }
}
