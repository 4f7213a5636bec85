// What the Mixer is given, and what it says back. Names and labels in it are hostile: they are text.
//
// props.value  Value, as text: the only thing that goes back to Python
// props.board  Board; props.stats  Stats, or {kept: true, can_undo, can_redo, seq}: the line that was drawn here stays
// events       input    while editing, about 25 a second, the last always leaves; with a law that can be followed, never
//              release  an edit is complete: pointer up, button, or 300 ms after the last key
//              select   Inside is to open: value.picked = {column}, evt.index = column; none and -1: where they clash most
//              edit     lanes are to be split or joined: value.split says which; answer with a new value and board
//              undo     there is nothing left to take back here, and can_undo: take back a step of the page
//              retry    the same for redo
//
// Two histories, one Undo: the lanes' own steps come first. Once can_undo is known, every board that says something new and
// every value that Python sends ends the lanes' own history, for the page then remembers what was before it.

/**
 * @typedef {Record<string, number[]>} Lanes path -> a number for each column; an edit replaces the array
 * @typedef {[number, number]} Range
 */

/**
 * @typedef {object} Column
 * @property {string} label
 * @property {'encoder' | 'vision' | 'audio' | 'projector' | 'embed' | 'layer' | 'more' | 'norm' | 'head'} kind
 * @property {number | null} [layer] counted from 0
 */

/**
 * @typedef {object} Param
 * @property {string} name
 * @property {string} [label]
 * @property {string} [help]
 */

/**
 * @typedef {object} Lane
 * @property {string} path
 * @property {string} model
 * @property {string} param
 * @property {number | null} [slot] whose it is
 * @property {number | null} [ink] that model's colour
 * @property {number} low
 * @property {number} high
 * @property {Range} [view]
 * @property {number} [step]
 * @property {number} [default]
 * @property {string} name
 * @property {string} [note]
 * @property {string} [part] "attention" or "MLP", where lanes are split
 * @property {number[]} [off] columns where it has no tensors
 */

/**
 * How the line follows the lanes without Python: {still: true}, it does not change; or a law with `sketch`, the word that
 * `server.sample_of` wants.
 * @typedef {{still?: boolean, sketch?: string} & Partial<import('../law/kinds.js').Law>} BoardLaw
 */

/**
 * @typedef {object} Board
 * @property {Column[]} columns
 * @property {Param[]} params
 * @property {Lane[]} lanes
 * @property {Lanes} [initial] what Reset goes back to
 * @property {boolean} [locked]
 * @property {string} [note] why it is locked
 * @property {boolean} [split]
 * @property {boolean} [can_split] one lane may be two
 * @property {boolean} [can_keep] zero in a column leaves the base there
 * @property {boolean} [can_undo] the page has steps of its own
 * @property {boolean} [can_redo]
 * @property {number} [seed] of "Surprise me"
 * @property {BoardLaw | null} [law]
 */

/**
 * @typedef {object} Stats
 * @property {(number | null)[]} [floor] of every column: more (or less) than chance, in shares
 * @property {string} [summary]
 * @property {string} [note]
 * @property {Record<string, string>} [lanes] a remark on each
 * @property {boolean} [kept]
 * @property {boolean} [can_undo]
 * @property {boolean} [can_redo]
 * @property {number} [seq] of which value
 */

/** @typedef {{way: number, layers: number[]}} Way 1: more helps, -1: less, 0: neither; layers: the same by layer, or none */

/**
 * @typedef {{column: number}} Picked
 * @typedef {{slot: number | null | undefined, saved: Lanes}} Solo who alone is heard, and what the others had
 */

/**
 * @typedef {object} Value
 * @property {Lanes} lanes
 * @property {number} seq
 * @property {'edit' | 'undo' | 'redo'} move what made these numbers
 * @property {boolean} split whether the lanes are halves, or should be
 * @property {Picked} [picked]
 */

/** Layers that move as one. */
export const STEPS = [1, 2, 4, 10];

/** @type {Range[]} What the height of the bars may cover. */
export const RANGES = [
  [0, 1],
  [0, 2],
  [0, 4],
  [-1, 1],
  [-2, 2],
];

export const UNDO_STEPS = 200;
