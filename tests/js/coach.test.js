// The first visit's game: when a step is done.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { STEPS, after } from '../../merger/ui/web/coach/steps.js';

test('a step is done when the rows say so, and one at a time', () => {
  assert.equal(after(0, []), 0); // nothing was said to a stroke yet
  assert.equal(after(0, [true, true, true]), 0);
  assert.equal(after(0, [false, false, false]), 1);
  assert.equal(after(1, [false, false, false]), 1);
  assert.equal(after(1, [false, true, false]), 2);
  assert.equal(after(2, [true, true, false]), 2);
  assert.equal(after(2, [true, true, true]), STEPS.length);
  assert.equal(after(STEPS.length, [false, false, false]), STEPS.length);
});
