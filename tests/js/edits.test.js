import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as edits from '../../merger/ui/web/mixer/edits.js';
import { laneOf, state } from './board.js';

const A = 'a.weight';

test('a rising shape runs over the layers alone, from the lowest to the highest value there', () => {
  const s = state();
  s.put(A, [9, 0, 0.2, 1, 0.2, 0, 9]);
  edits.shape(s, laneOf(s, A), 'Rise');
  assert.deepEqual(s.lanes[A], [9, 0, 0.25, 0.5, 0.75, 1, 9]);
  edits.shape(s, laneOf(s, A), 'Hill');
  assert.deepEqual(s.lanes[A], [9, 0, 0.71, 1, 0.71, 0, 9]);
  edits.shape(s, laneOf(s, A), 'Flat');
  assert.deepEqual(s.lanes[A].slice(1, -1), [0.48, 0.48, 0.48, 0.48, 0.48]);
});

test('a level lane rises from zero to its level, and a silent one to one', () => {
  const s = state();
  edits.shape(s, laneOf(s, A), 'Fall');
  assert.deepEqual(s.lanes[A].slice(1, -1), [0.5, 0.38, 0.25, 0.13, 0]);
  s.put(A, s.lanes[A].map(() => 0)); // prettier-ignore
  edits.shape(s, laneOf(s, A), 'Rise');
  assert.deepEqual(s.lanes[A].slice(1, -1), [0, 0.25, 0.5, 0.75, 1]);
});

test('mirror, invert, smooth, lift and scale', () => {
  const s = state();
  const lane = laneOf(s, A);
  s.put(A, [0.5, 0, 0.1, 0.2, 0.3, 0.4, 0.5]);
  edits.mirror(s, lane);
  assert.deepEqual(s.lanes[A], [0.5, 0.4, 0.3, 0.2, 0.1, 0, 0.5]);
  edits.invert(s, lane);
  assert.deepEqual(s.lanes[A], [0.5, 0.6, 0.7, 0.8, 0.9, 1, 0.5]);
  s.put(A, [0.5, 0, 0, 1, 0, 0, 0.5]);
  edits.smooth(s, lane);
  assert.deepEqual(s.lanes[A], [0.5, 0, 0.25, 0.5, 0.25, 0, 0.5]);
  edits.lift(s, lane, 0.05);
  assert.deepEqual(s.lanes[A], [0.55, 0.05, 0.3, 0.55, 0.3, 0.05, 0.55]);
  edits.scale(s, lane, 2);
  assert.deepEqual(s.lanes[A], [1.1, 0.1, 0.6, 1.1, 0.6, 0.1, 1.1]);
  edits.lift(s, lane, 100);
  assert.deepEqual(new Set(s.lanes[A]), new Set([4])); // its bound
});

test('a fast stroke draws the line through the columns it skipped', () => {
  const s = state();
  const numbers = edits.stroke(s, laneOf(s, A), { column: 1, value: 0 }, { column: 5, value: 1 });
  assert.deepEqual(numbers, [0.5, 0, 0.25, 0.5, 0.75, 1, 0.5]);
  const back = edits.stroke(s, laneOf(s, A), { column: 3, value: 0.2 }, { column: 2, value: 0.4 });
  assert.deepEqual(back, [0.5, 0.5, 0.4, 0.2, 0.5, 0.5, 0.5]);
});

test('layers of one step move as one', () => {
  const s = state();
  s.stride = 2;
  assert.deepEqual(s.span(2), [1, 2]);
  assert.deepEqual(s.span(5), [5, 5]); // what is left over
  assert.deepEqual(s.span(0), [0, 0]); // no layer
  assert.equal(s.label(1), 'layers 1 to 2 of 5');
  const numbers = edits.stroke(s, laneOf(s, A), { column: 1, value: 0 }, { column: 4, value: 0.9 });
  assert.deepEqual(numbers, [0.5, 0.3, 0.3, 0.9, 0.9, 0.5, 0.5]);
  s.zoom = [2, 4];
  assert.deepEqual(s.span(2), [2, 2]); // never what is not seen
});

test('a pulled end makes a ramp to the other end', () => {
  const s = state();
  const start = [0.5, 0.1, 0.9, 0.9, 0.9, 0.5, 0.5];
  assert.deepEqual(edits.ramp(s, laneOf(s, A), start, { first: 1, last: 5 }, 1, 0.9), [0.5, 0.1, 0.3, 0.5, 0.7, 0.9, 0.5]);
  assert.deepEqual(edits.ramp(s, laneOf(s, A), start, { first: 1, last: 5 }, 0, 0.9), [0.5, 0.9, 0.8, 0.7, 0.6, 0.5, 0.5]);
});

test('nothing moves a locked lane or column, nor one that is off', () => {
  const s = state();
  s.held.add(2);
  laneOf(s, A).off = [3];
  edits.lift(s, laneOf(s, A), 0.1);
  assert.deepEqual(s.lanes[A], [0.6, 0.6, 0.5, 0.5, 0.6, 0.6, 0.6]);
  assert.equal(edits.lockColumns(s, 2, 3), true); // one of them was not yet
  assert.equal(edits.lockColumns(s, 2, 3), false);
  edits.lockLane(s, laneOf(s, A));
  edits.surprise(s);
  assert.deepEqual(s.lanes[A], [0.6, 0.6, 0.5, 0.5, 0.6, 0.6, 0.6]);
  edits.unlockAll(s);
  edits.surprise(s);
  assert.notDeepEqual(s.lanes[A], [0.6, 0.6, 0.5, 0.5, 0.6, 0.6, 0.6]);
});

test('mute and solo give back what was there, past locks', () => {
  const s = state();
  s.put(A, [1, 2, 3, 4, 3, 2, 1]);
  s.held.add(1);
  const before = s.lanes;
  edits.mute(s, laneOf(s, A));
  assert.ok(s.isMuted(A) && s.silent(A));
  edits.hearOnly(s, laneOf(s, A)); // alone, and so no longer muted
  assert.ok(s.isSolo(0) && !s.isMuted(A) && s.silent('b.weight') && s.silent('c.weight'));
  assert.deepEqual(s.lanes[A], before[A]);
  edits.hearOnly(s, laneOf(s, 'b.weight'));
  assert.ok(s.isSolo(1) && s.silent(A));
  edits.hearOnly(s, laneOf(s, 'b.weight'));
  edits.mute(s, laneOf(s, A));
  assert.deepEqual(s.lanes, before);
});

test('keep only silences every model elsewhere, where zero leaves the base', () => {
  const s = state();
  edits.keepOnly(s, 2, 3);
  for (const path of ['a.weight', 'b.weight', 'c.weight']) assert.deepEqual(s.lanes[path], [0, 0, 0.5, 0.5, 0, 0, 0]);
  assert.deepEqual(new Set(s.lanes['a.density']), new Set([1]));
  const other = state({ can_keep: false });
  edits.keepOnly(other, 2, 3);
  assert.deepEqual(new Set(other.lanes[A]), new Set([0.5]));
});

test('the dice deal the same steps for the same seed', () => {
  const deal = edits.dealer(7);
  assert.deepEqual([deal(), deal()].map((x) => x.toFixed(6)), ['0.011705', '0.061958']); // prettier-ignore
  const [one, same, other] = [state({ seed: 3 }), state({ seed: 3 }), state({ seed: 4 })];
  for (const s of [one, same, other]) edits.surprise(s);
  assert.deepEqual(one.lanes, same.lanes);
  assert.notDeepEqual(one.lanes, other.lanes);
});

test('steps back and forth, and a new edit ends those forth', () => {
  const s = state();
  const lane = laneOf(s, A);
  const first = s.lanes;
  for (const by of [0.1, 0.2]) {
    s.remember(s.lanes);
    edits.lift(s, lane, by);
  }
  assert.ok(s.step('undo') && s.step('undo') && !s.step('undo'));
  assert.deepEqual(s.lanes, first);
  assert.equal(s.cause, 'undo');
  assert.ok(s.step('redo'));
  assert.equal(s.lanes[A][0], 0.6);
  s.remember(s.lanes);
  assert.equal(s.canStep('redo'), false);
  s.hear({ can_undo: false, can_redo: true }); // the page has one
  assert.equal(s.canStep('redo'), true);
  s.board.locked = true;
  assert.equal(s.step('undo'), false);
});

test('two hundred steps are kept', () => {
  const s = state();
  for (let i = 0; i < 250; i += 1) s.remember({ [A]: [i] });
  assert.equal(s.past.length, 200);
  assert.deepEqual(s.past[0], { [A]: [50] });
});

test('what Python sends is a step, unless the page remembers it', () => {
  const s = state();
  const given = { lanes: Object.fromEntries(s.board.lanes.map(({ path }) => [path, s.lanes[path].map(() => 0.3)])) };
  s.adopt(given);
  assert.equal(s.past.length, 1);
  assert.deepEqual(s.resetTo(laneOf(s, A)), s.lanes[A]);
  s.hear({ can_undo: true });
  s.adopt({ lanes: { ...given.lanes, [A]: s.lanes[A].map(() => 0.9) } });
  assert.equal(s.past.length, 0);
  s.adopt({ lanes: { [A]: [/** @type {any} */ ('x'), Infinity, 1] } }); // no numbers: the lane's default
  assert.deepEqual(s.lanes[A], [0.5, 0.5, 1, 0.5, 0.5, 0.5, 0.5]);
});

test('the range that is seen grows for a number and never hides one', () => {
  const s = state();
  assert.deepEqual(s.view(), [0, 1]);
  assert.equal(s.widen(), false);
  s.put(A, [0, 0, 1.5, 0, 0, 0, 0]);
  assert.equal(s.widen(), true);
  assert.deepEqual(s.view(), [0, 2]);
  s.put(A, [0, 0, 1.5, -1.5, 0, 0, 0]);
  s.widen();
  assert.deepEqual(s.view(), [-2, 2]);
  s.put(A, [0, 0, 3.2, -1.5, 0, 0, 0]);
  s.widen();
  assert.deepEqual(s.view(), [-2, 4]);
  const other = state();
  other.put(A, [0, 0, 2.5, 0, 0, 0, 0]);
  other.widen();
  assert.deepEqual(other.view(), [0, 4]); // one that people know, not 0 to 3
});

test('split lanes keep look and locks; other models do not', () => {
  const s = state();
  const old = s.board;
  s.frozen.add('a.weight');
  s.held.add(2);
  s.zoom = [1, 3];
  s.board = { ...old, lanes: old.lanes.flatMap((lane) => ['attention', 'rest'].map((part) => ({ ...lane, part, path: `${lane.path}#${part}` }))) }; // prettier-ignore
  assert.equal(s.outlive(old, false), true);
  assert.deepEqual([...s.frozen], ['a.weight#attention', 'a.weight#rest']);
  assert.deepEqual(s.zoom, [1, 3]);
  const split = s.board;
  s.board = state({}, 80).board;
  assert.equal(s.outlive(split, true), false);
  assert.deepEqual([s.zoom, s.stride, s.held.size, s.frozen.size], [null, 4, 0, 0]);
});
