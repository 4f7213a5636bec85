// What a hand does to the blocks of a stack.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { add, alike, border, double, layersOf, named, remove, renumbered, reorder, span, split, stretch, swap, uses } from '../../merger/ui/web/stack/edits.js'; // prettier-ignore

/** @typedef {import('../../merger/ui/web/stack/edits.js').Block} Block */

const COUNTS = [6, 6, 4];
/** @type {Block[]} */
const BLOCKS = [
  { of: 0, sources: [[0, 0, 3]] },
  { of: 1, sources: [[1, 2, 5]] },
  { of: 2, sources: [[0, 3, 6], [1, 3, 6]] }, // prettier-ignore
];
/** @param {Block[]} blocks */
const ranges = (blocks) => blocks.map(({ sources }) => sources.map(([, a, b]) => [a, b]));

test('a border moves two blocks, as far as both can', () => {
  assert.deepEqual(ranges(border(BLOCKS, 0, 1, COUNTS)).slice(0, 2), [[[0, 4]], [[3, 5]]]);
  assert.deepEqual(ranges(border(BLOCKS, 0, -1, COUNTS)).slice(0, 2), [[[0, 2]], [[1, 5]]]);
  assert.deepEqual(ranges(border(BLOCKS, 0, 9, COUNTS)).slice(0, 2), [[[0, 5]], [[4, 5]]]); // one layer stays
  assert.equal(layersOf(border(BLOCKS, 0, -9, COUNTS)), layersOf(BLOCKS));
  assert.equal(border(BLOCKS, 2, 1, COUNTS), BLOCKS); // there are no more layers
  assert.deepEqual(ranges(border(BLOCKS, 2, -1, COUNTS))[2], [[3, 5], [3, 5]]); // prettier-ignore
  assert.deepEqual(ranges(border(BLOCKS, -1, 2, COUNTS))[0], [[2, 3]]);
  assert.deepEqual(ranges(BLOCKS)[0], [[0, 3]]); // what was given stays
});

test('an end moves alone', () => {
  assert.deepEqual(ranges(stretch(BLOCKS, 1, 'first', -9, COUNTS))[1], [[0, 5]]);
  assert.deepEqual(ranges(stretch(BLOCKS, 1, 'last', 9, COUNTS))[1], [[2, 6]]);
  assert.deepEqual(ranges(stretch(BLOCKS, 1, 'last', -9, COUNTS))[1], [[2, 3]]);
  assert.equal(stretch(BLOCKS, 0, 'first', -1, COUNTS), BLOCKS);
});

test('blocks change places, are split, doubled, removed', () => {
  assert.deepEqual(reorder(BLOCKS, 0, 2).map(({ of }) => of), [1, 2, 0]); // prettier-ignore
  assert.equal(reorder(BLOCKS, 0, -1), BLOCKS);
  assert.equal(reorder(BLOCKS, 2, 3), BLOCKS);
  assert.deepEqual(ranges(split(BLOCKS, 0)).slice(0, 2), [[[0, 1]], [[1, 3]]]);
  assert.equal(layersOf(split(BLOCKS, 2)), layersOf(BLOCKS));
  const [one] = BLOCKS;
  assert.deepEqual(split([{ ...one, sources: [[0, 2, 3]] }], 0).length, 1);
  assert.deepEqual(double(BLOCKS, 1).map(({ of }) => of), [0, 1, 1, 2]); // prettier-ignore
  assert.deepEqual(remove(BLOCKS, 1).map(({ of }) => of), [0, 2]); // prettier-ignore
  assert.equal(remove([one], 0).length, 1);
});

test('a new block has the layers that follow, or the same again', () => {
  assert.deepEqual(ranges(add(BLOCKS, 0, COUNTS))[1], [[3, 6]]);
  assert.deepEqual(ranges(add(BLOCKS, 1, COUNTS))[2], [[5, 6]]);
  assert.deepEqual(ranges(add(BLOCKS, 2, COUNTS))[3], ranges(BLOCKS)[2]);
});

test('another source has the same layers, as far as it has them', () => {
  assert.deepEqual(swap(BLOCKS, 0, 0, 1, COUNTS)[0].sources, [[1, 0, 3]]);
  assert.deepEqual(swap(BLOCKS, 1, 0, 2, COUNTS)[1].sources, [[2, 1, 4]]); // of four layers
  assert.deepEqual(swap([{ of: 0, sources: [[0, 0, 6]] }], 0, 0, 2, COUNTS)[0].sources, [[2, 0, 4]]);
  /** @type {Block[]} */
  const both = [{ of: 0, sources: [[0, 0, 6], [1, 0, 6]] }]; // prettier-ignore
  assert.equal(swap(both, 0, 1, 2, COUNTS), both); // the other source has six
});

test('what runs, and how often', () => {
  assert.deepEqual(uses(BLOCKS, 1, 6), [0, 0, 1, 2, 2, 1]);
  assert.equal(span(BLOCKS[0]), 3);
  assert.deepEqual([named([0, 0, 3]), named([0, 5, 6])], ['1–3', '6']);
});

test('blocks go by the models, whatever numbers these have', () => {
  const other = renumbered(BLOCKS, [1, 0, 2]);
  assert.deepEqual(other[2].sources, [[1, 3, 6], [0, 3, 6]]); // prettier-ignore
  assert.ok(!alike(other, BLOCKS) && alike(renumbered(other, [1, 0, 2]), BLOCKS));
  assert.ok(alike(BLOCKS.map(({ sources }) => ({ of: 9, sources })), BLOCKS)); // prettier-ignore
  assert.equal(renumbered(BLOCKS, [-1, 1])[0].sources[0][0], -1);
});
