// What the rows are given. Prompts, answers and names in it are hostile: they are text.
//
// props.value  Value, as text: the prompts on the desk; goes back to Python with what is asked of it in `act`
// props.board  Board as JSON text: who answers; changes with the models
// props.manner JSON text of {variety, length}: how answers are drawn
// props.feed   Feed: as the answers' (../answers/kinds.js), each key led by its row: `row/key`
// events       submit  the open row is to be asked (a new one, or one whose prompt is another now)
//              input   another row is open, ticks or order have changed: nothing is asked
//              select  all votes of a blind test: value.votes, by row
//              apply   a blind test between A and B
//              retry   other words, please: the next seed, and some variety where there was none
//              expand  the chat is to be opened
//              like    the score was pressed: figures, please
//              stop    the answers that are being written shall end
//              undo    back to the stroke whose recipe's digest is in value.recipe

/**
 * @typedef {object} Row
 * @property {string} id
 * @property {string} prompt
 * @property {string} [answer] what is right
 * @property {'exact' | 'within' | ''} [match] the whole answer, words in it, or a matter of taste
 * @property {boolean} [ticked] it counts for the score
 * @property {number} [times] how many lengths its answers may have: it was gone on with; not kept
 */

/**
 * @typedef {object} Value
 * @property {Row[]} [rows]
 * @property {string} [open] the row that is looked at closely
 * @property {string} [family] whose rows they are
 * @property {number} [seq]
 */

/** @typedef {import('../answers/kinds.js').Column} Column */
/** @typedef {{columns?: Column[], blind?: import('./series.js').Blind, chips?: string[], says?: string, begin?: Value, did?: string}} Board begin: the family's rows; did: the last stroke, in words */

/**
 * @typedef {import('../answers/kinds.js').Feed & {
 *   recipe?: string,
 *   prompts?: Record<string, string>,
 *   stale?: boolean,
 *   marks?: Record<string, boolean | null>,
 *   cut?: string[],
 *   reveal?: import('./series.js').Revealed,
 *   repeats?: string[],
 * }} Feed recipe: whose merge answers; prompts: to what, by row; stale: the recipe has changed, and nobody is asked
 */

/**
 * @typedef {object} Said what somebody says to a row
 * @property {import('../answers/kinds.js').Token[]} tokens
 * @property {string} state
 * @property {boolean | null} mark
 * @property {boolean} cut
 * @property {boolean} repeats
 * @property {string} error
 */

export const MERGE = 'merge';
export const MOST = 8;
export const CHARACTERS = 2000;
export const LONGEST = 2000; // tokens of an answer
export const KEEP = 'merge-explorer-keep'; // told on the window: detail is {prompt}, which shall be a row; the rows add `kept`

/** @returns {Said} */
export const nothing = () => ({ tokens: [], state: '', mark: null, cut: false, repeats: false, error: '' });

/** @param {Said | undefined} said */
export const textOf = (said) =>
  (said?.tokens ?? [])
    .map((token) => String(token[0] ?? ''))
    .join('')
    .trim();

/**
 * The row and the column of a key; a key of nobody's row has an empty one.
 * @param {string} key
 * @returns {[row: string, who: string]}
 */
export function apart(key) {
  const at = key.indexOf('/');
  return at < 0 ? ['', key] : [key.slice(0, at), key.slice(at + 1)];
}

/** @param {Row} row */
export function wanted(row) {
  if (!row.match || !row.answer?.trim()) return 'a matter of taste';
  return row.match === 'within' ? `right if it has: ${row.answer}` : `right if: ${row.answer}`;
}
