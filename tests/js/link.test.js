import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assign, linkNow, share } from '../../merger/ui/web/mixer/link.js';
import { laneOf, state } from './board.js';

const PATHS = ['a.weight', 'b.weight', 'c.weight'];

/** @param {import('../../merger/ui/web/mixer/state.js').State} s */
const sums = (s) => s.board.columns.map((_, i) => Number(PATHS.reduce((sum, path) => sum + s.lanes[path][i], 0).toFixed(6)));

test('shares are in proportion, and their sum is exact', () => {
  const lane = laneOf(state(), 'a.weight');
  assert.deepEqual(share(1, [1, 1, 1], lane), [0.33, 0.34, 0.33]);
  assert.deepEqual(share(0.6, [2, 1], lane), [0.4, 0.2]);
  assert.deepEqual(share(1, [0, 0], lane), [0.5, 0.5]);
});

test('linking brings every column to one', () => {
  const s = state();
  s.put('a.weight', [2, 1, 0, 0, 0.5, 0.5, 0.5]);
  linkNow(s);
  assert.deepEqual(sums(s), [1, 1, 1, 1, 1, 1, 1]);
  assert.equal(s.lanes['a.weight'][0], 0.67);
});

test('raising one lane lowers the others in proportion, where it was moved', () => {
  const s = state();
  for (const [path, x] of /** @type {[string, number][]} */ ([
    [PATHS[0], 0.2],
    [PATHS[1], 0.6],
    [PATHS[2], 0.2],
  ])) {
    // prettier-ignore
    s.put(path, s.lanes[path].map(() => x)); // prettier-ignore
  }
  s.linked.weight = true;
  const numbers = [...s.lanes['a.weight']];
  numbers[2] = 0.6;
  assign(s, laneOf(s, 'a.weight'), numbers);
  assert.deepEqual(PATHS.map((path) => s.lanes[path][2]), [0.6, 0.3, 0.1]); // prettier-ignore
  assert.deepEqual(PATHS.map((path) => s.lanes[path][3]), [0.2, 0.6, 0.2]); // prettier-ignore
  assert.deepEqual(sums(s), [1, 1, 1, 1, 1, 1, 1]);
});

test('a lane takes no more than locked ones leave', () => {
  const s = state();
  linkNow(s);
  s.linked.weight = true;
  s.frozen.add('b.weight');
  s.put('b.weight', s.lanes['b.weight'].map(() => 0.4), true); // prettier-ignore
  assign(s, laneOf(s, 'a.weight'), s.lanes['a.weight'].map(() => 0.9)); // prettier-ignore
  assert.deepEqual(PATHS.map((path) => s.lanes[path][1]), [0.6, 0.4, 0]); // prettier-ignore
  s.frozen.add('c.weight');
  assign(s, laneOf(s, 'a.weight'), s.lanes['a.weight'].map(() => 0.1)); // prettier-ignore
  assert.deepEqual(PATHS.map((path) => s.lanes[path][1]), [0.6, 0.4, 0]); // prettier-ignore
});

test('without Link the others stay', () => {
  const s = state();
  assign(s, laneOf(s, 'a.weight'), s.lanes['a.weight'].map(() => 0.9)); // prettier-ignore
  assert.deepEqual(PATHS.map((path) => s.lanes[path][1]), [0.9, 0.5, 0.5]); // prettier-ignore
});

test('halves are linked with their like', () => {
  const s = state();
  s.board.lanes.forEach((lane, i) => {
    lane.part = i === 2 ? 'MLP' : 'attention';
  });
  s.linked.weight = true;
  assign(s, laneOf(s, 'a.weight'), s.lanes['a.weight'].map(() => 0.9)); // prettier-ignore
  assert.deepEqual(PATHS.map((path) => s.lanes[path][1]), [0.9, 0.1, 0.5]); // prettier-ignore
});
