import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AXIS, PAD, columnAt, handleAt, layout, toValue, toY } from '../../merger/ui/web/mixer/geometry.js';
import { board } from './board.js';

const GAP = 18;
const { columns } = board();
const ALL = columns.map((_, i) => i);

test('columns fill the width, layers alike, with a gap where the layers begin and end', () => {
  const { boxes, ends } = layout(columns, ALL, 600, GAP);
  assert.equal(boxes[0].x, 0);
  assert.ok(Math.abs(boxes[6].x + boxes[6].w - 600) < 1e-9);
  assert.deepEqual(boxes.map(({ run }) => run), [0, 1, 1, 1, 1, 1, 2]); // prettier-ignore
  assert.deepEqual([boxes[0].w, boxes[6].w], [32, 32]);
  assert.equal(new Set(boxes.slice(1, 6).map(({ w }) => w.toFixed(6))).size, 1);
  assert.ok(Math.abs(boxes[1].x - (boxes[0].w + GAP)) < 1e-9);
  assert.deepEqual([ends?.first, ends?.last], [1, 5]);
  assert.ok(Math.abs(Number(ends?.x[0]) - (boxes[1].x - GAP / 2)) < 1e-9);
});

test('a zoom hides the others, and leaves room for the handles', () => {
  const { boxes, ends } = layout(columns, [2, 3, 4], 600, GAP);
  assert.deepEqual(boxes.map((box) => Boolean(box.hidden)), [true, true, false, false, false, true, true]); // prettier-ignore
  assert.equal(boxes[2].x, GAP / 2 + 2);
  assert.deepEqual([ends?.first, ends?.last], [2, 4]);
  assert.equal(layout(columns, [2], 600, GAP).ends, null); // one layer has no ramp
  assert.equal(layout(columns.slice(0, 1), [0], 600, GAP).boxes[0].w, 600);
});

test('the nearest column is found, in the run that was begun in', () => {
  const { boxes } = layout(columns, ALL, 600, GAP);
  const middle = (/** @type {number} */ i) => boxes[i].x + boxes[i].w / 2;
  for (const i of ALL) assert.equal(columnAt(boxes, middle(i)), i);
  assert.equal(columnAt(boxes, -50), 0);
  assert.equal(columnAt(boxes, 5000), 6);
  assert.equal(columnAt(boxes, 5000, 1), 5); // an overshoot at the last layer does not touch the head
  assert.equal(columnAt(layout(columns, [2, 3], 600, GAP).boxes, 0), 2);
  assert.equal(columnAt([], 3), -1);
});

test('heights and values are each other’s inverse', () => {
  /** @type {[number, number][]} */
  const ranges = [[0, 1], [-2, 2]]; // prettier-ignore
  for (const range of ranges) {
    for (const x of [range[0], 0.25, range[1]]) assert.ok(Math.abs(toValue(toY(x, 76, range), 76, range) - x) < 1e-9);
    assert.equal(toY(range[1], 76, range), PAD);
    assert.equal(toY(range[0], 76, range), 76 - PAD);
    assert.equal(toY(99, 76, range), PAD); // never outside
  }
  assert.ok(toValue(0, 76, [0, 1]) > 1); // above the scale: the caller clamps
});

test('a handle is caught near it, wider for fingers', () => {
  const { ends } = layout(columns, ALL, 600, GAP);
  const x = Number(ends?.x[1]);
  const near = { gap: GAP, reach: 10 };
  assert.equal(handleAt(ends, { x, y: 30 }, [70, 35], near), 1);
  assert.equal(handleAt(ends, { x, y: 50 }, [70, 35], near), -1);
  assert.equal(handleAt(ends, { x, y: 50 }, [70, 35], { gap: GAP, reach: 20 }), 1);
  assert.equal(handleAt(ends, { x: x - GAP / 2 - 3, y: 35 }, [70, 35], near), -1); // the last layer itself
  assert.equal(handleAt(null, { x, y: 35 }, [70, 35], near), -1);
  assert.ok(AXIS > 0);
});
