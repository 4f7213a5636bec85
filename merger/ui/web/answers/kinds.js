// What the answers are given. Tokens and names in it are hostile: they are text.
//
// props.value  Value: who answers; changes with the models
// props.feed   Feed; a feed of an older run, or of a sequence number already seen, is dropped. Gradio may deliver only the newest
//              of several feeds; `full` then repairs a column (it replaces the tokens when their number differs).
//              As JSON text it is cheaper for Gradio, which copies every leaf of an object.

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {string} [name]
 * @property {number | null} [slot]
 * @property {boolean} [lead] the merge
 * @property {boolean} [base]
 * @property {string} [heard] how it is heard, where not as it is
 * @property {string} [words] which chat template the model is asked in
 */

/**
 * @typedef {object} Value
 * @property {Column[]} [columns]
 */

/**
 * @typedef {[
 *   text: string,
 *   probability?: number | null,
 *   alternatives?: [string, number | null][] | null,
 *   parent?: string | null,
 *   why?: string | null,
 * ]} Token parent: the key of one that would say the same; '' where all would
 */

/** @typedef {'busy' | 'waiting' | 'idle' | 'cached' | 'done' | 'stopped' | 'failed'} Doing */

/**
 * @typedef {object} Feed
 * @property {number} run
 * @property {number} [seq]
 * @property {boolean} [start]
 * @property {string} [prompt]
 * @property {[key: string, ...token: Token][]} [add]
 * @property {Record<string, Token[]>} [full]
 * @property {string[]} [done]
 * @property {string | null} [note]
 * @property {Record<string, Doing>} [state]
 * @property {Record<string, string>} [error] by key; "" for all of them
 * @property {number} [place] in line, while others come first
 * @property {Record<string, boolean | null>} [marks] whether answers are right, by key
 */

/** @type {string[]} */
export const FINAL = ['done', 'cached', 'stopped', 'failed', 'unasked'];

export {};
