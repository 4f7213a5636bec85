// What a hand does to the blocks of a stack. No page here; tests run it in node.

/**
 * A source's model, its first layer and the one after its last.
 * @typedef {[number, number, number]} Source
 * @typedef {{of: number, sources: Source[]}} Block of: the slice of the recipe that it comes from
 * @typedef {number[]} Counts layers of each model
 */

/** @param {Block} block */
export const span = ({ sources: [[, first, end]] }) => end - first;

/** @param {Block[]} blocks */
export const layersOf = (blocks) => blocks.reduce((sum, block) => sum + span(block), 0);

/**
 * @param {Block} block
 * @param {number} first how many layers later it begins
 * @param {number} last how many later it ends
 * @returns {Block}
 */
const moved = (block, first, last) => ({
  ...block,
  sources: block.sources.map(([m, a, b]) => [m, a + first, b + last]),
});

/**
 * @param {Block} block
 * @param {Counts} counts
 */
const fits = (block, counts) => block.sources.every(([m, a, b]) => a >= 0 && a < b && b <= counts[m]);

/**
 * One end of a block, by as many of these layers as there is room for.
 * @param {Block[]} blocks
 * @param {number} i
 * @param {'first' | 'last'} end
 * @param {number} by
 * @param {Counts} counts
 */
export function stretch(blocks, i, end, by, counts) {
  return shift(blocks, [[i, end]], by, counts);
}

/**
 * The border under block i (-1: above the first), by as many of these layers as there is room for: what one block gains the next
 * one begins later.
 * @param {Block[]} blocks
 * @param {number} i
 * @param {number} by
 * @param {Counts} counts
 */
export function border(blocks, i, by, counts) {
  /** @type {[number, 'first' | 'last'][]} */
  const both = [
    [i, 'last'],
    [i + 1, 'first'],
  ];
  return shift(blocks, both.filter(([k]) => blocks[k]), by, counts); // prettier-ignore
}

/**
 * @param {Block[]} blocks
 * @param {[number, 'first' | 'last'][]} ends
 * @param {number} by
 * @param {Counts} counts
 */
function shift(blocks, ends, by, counts) {
  for (let left = by; left; left -= Math.sign(by)) {
    const made = [...blocks];
    for (const [k, end] of ends) made[k] = moved(made[k], end === 'first' ? left : 0, end === 'last' ? left : 0);
    if (ends.every(([k]) => fits(made[k], counts))) return made;
  }
  return blocks;
}

/**
 * @param {Block[]} blocks
 * @param {number} from
 * @param {number} to
 */
export function reorder(blocks, from, to) {
  const made = [...blocks];
  made.splice(to, 0, ...made.splice(from, 1));
  return to < 0 || to >= blocks.length ? blocks : made;
}

/**
 * @param {Block[]} blocks
 * @param {number} i
 */
export function split(blocks, i) {
  const half = span(blocks[i]) >> 1;
  if (!half) return blocks;
  return blocks.toSpliced(i, 1, moved(blocks[i], 0, half - span(blocks[i])), moved(blocks[i], half, 0));
}

/**
 * @param {Block[]} blocks
 * @param {number} i
 */
export const double = (blocks, i) => blocks.toSpliced(i + 1, 0, structuredClone(blocks[i]));

/**
 * @param {Block[]} blocks
 * @param {number} i
 */
export const remove = (blocks, i) => (blocks.length > 1 ? blocks.toSpliced(i, 1) : blocks);

/**
 * A block after another: the layers that follow, else the same again.
 * @param {Block[]} blocks
 * @param {number} i
 * @param {Counts} counts
 */
export function add(blocks, i, counts) {
  const room = Math.min(...blocks[i].sources.map(([m, , b]) => counts[m] - b), span(blocks[i]));
  return room < 1 ? double(blocks, i) : blocks.toSpliced(i + 1, 0, moved(blocks[i], span(blocks[i]), room));
}

/**
 * Another model in a source's place, at the same layers as far as it has them.
 * @param {Block[]} blocks
 * @param {number} i
 * @param {number} s
 * @param {number} model
 * @param {Counts} counts
 */
export function swap(blocks, i, s, model, counts) {
  const [, first, end] = blocks[i].sources[s];
  const back = Math.max(0, end - counts[model]);
  /** @type {Source} */
  const own = [model, Math.max(0, first - back), Math.min(end, counts[model])];
  if (own[2] - own[1] !== end - first && blocks[i].sources.length > 1) return blocks; // the others have as many
  return blocks.with(i, { ...blocks[i], sources: blocks[i].sources.with(s, own) });
}

/**
 * How often a model's layers run.
 * @param {Block[]} blocks
 * @param {number} model
 * @param {number} count
 */
export function uses(blocks, model, count) {
  const found = new Array(count).fill(0);
  for (const { sources } of blocks) for (const [m, a, b] of sources) if (m === model) for (let k = a; k < b; k += 1) found[k] += 1; // prettier-ignore
  return found;
}

/** Layers as people count them. @param {Source} source */
export const named = ([, first, end]) => (end - first > 1 ? `${first + 1}–${end}` : `${first + 1}`);

/**
 * Whether two stacks have the same layers of the same models.
 * @param {Block[]} a
 * @param {Block[]} b
 */
export const alike = (a, b) =>
  JSON.stringify(a.map(({ sources }) => sources)) === JSON.stringify(b.map(({ sources }) => sources));

/**
 * The blocks where models have other numbers.
 * @param {Block[]} blocks
 * @param {number[]} at each model's number now, -1 where it is gone
 * @returns {Block[]}
 */
export const renumbered = (blocks, at) =>
  blocks.map(({ of, sources }) => ({ of, sources: sources.map(([m, first, end]) => [at[m] ?? -1, first, end]) }));
