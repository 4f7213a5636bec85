// The page's own arithmetic of a drag against the engine's: law.json is written by `python tests/laws.py`.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { meterOf } from '../../merger/ui/web/law/meter.js';
import { sketchOf } from '../../merger/ui/web/law/sample.js';
import { below, uniform } from '../../merger/ui/web/law/trims.js';

/** @type {{sample: any, cases: {name: string, law: any, lanes: any, strip: any}[]}} */
const golden = JSON.parse(readFileSync(new URL('law.json', import.meta.url), 'utf8'));

/** @param {string} text */
const percents = (text) => [...text.matchAll(/(\d+) ?%/g)].map(([, n]) => Number(n));

/** Within a percent: sums of magnitudes are added up in another order. @param {string} mine @param {string} its */
function alike(mine, its) {
  assert.equal(mine.replaceAll(/\d+ %/g, '%'), its.replaceAll(/\d+ %/g, '%'));
  percents(mine).forEach((x, i) => assert.ok(Math.abs(x - percents(its)[i]) <= 1, `${mine} against ${its}`));
}

for (const { name, law, lanes, strip } of golden.cases) {
  test(`counts as the engine: ${name}`, async () => {
    const own = meterOf(await sketchOf(golden.sample), law)(lanes);
    assert.ok(own);
    assert.equal(own.summary, strip.summary);
    assert.equal(own.floor.length, strip.floor.length);
    own.floor.forEach((x, c) => {
      const there = strip.floor[c];
      assert.ok(x === there || Math.abs(Number(x) - there) < 6e-5, `${c}: ${x} against ${there}`); // rounded there
    });
    for (const [path, remark] of Object.entries(own.lanes)) alike(remark, strip.lanes[path]);
  });
}

test('the cases differ, and are of something', () => {
  const shown = golden.cases.map(({ strip }) => JSON.stringify(strip));
  assert.ok(new Set(shown).size > 11 && shown.every((text) => /0\.\d/.test(text)));
});

test('what the method refuses, and lanes of another board, are left to Python', async () => {
  const found = golden.cases.find(({ name }) => name === 'della');
  assert.ok(found);
  const meter = meterOf(await sketchOf(golden.sample), found.law);
  const half = Object.fromEntries(
    Object.entries(found.lanes).map(([path, xs]) => [path, /density|epsilon/.test(path) ? xs.map(() => 0.5) : xs]),
  );
  assert.equal(meter(half), null);
  const [gone] = Object.keys(found.lanes);
  assert.equal(meter({ ...found.lanes, [gone]: undefined }), null);
  assert.ok(meter(found.lanes));
});

test('a half’s numbers reach its tensors', async () => {
  const { law, lanes } = golden.cases[0];
  const meter = meterOf(await sketchOf(golden.sample), law);
  const silence = (/** @type {any} */ xs) => xs.map(() => 0);
  const split = Object.entries(lanes).flatMap(([path, xs]) => [[`${path}#attention`, silence(xs)], [`${path}#rest`, xs]]); // prettier-ignore
  const [whole, halves] = [meter(lanes), meter(Object.fromEntries(split))];
  assert.ok(whole && halves);
  const none = meter(Object.fromEntries(Object.entries(lanes).map(([path, xs]) => [path, silence(xs)])));
  assert.ok(none?.floor.every((x) => x === null) && none.summary === 'do not touch the same weights');
  halves.floor.forEach((x, c) => assert.equal(x === null, whole.floor[c] === null)); // the rest is heard as before
  assert.notDeepEqual(halves.floor, whole.floor);
});

test('measuring ahead stops in time, and the first move then finds all measured', async () => {
  const { law, lanes } = golden.cases[1];
  const meter = meterOf(await sketchOf(golden.sample), law);
  assert.equal(meter.warm(lanes, 0), false);
  assert.equal(meter.warm(lanes), true);
  assert.equal(meter.warm(lanes, 0), true);
});

test('a mask’s numbers lie in [0, 1) and hang on both words', () => {
  const drawn = Array.from({ length: 2000 }, (_, i) => uniform(i, 5, 9));
  assert.ok(drawn.every((x) => x >= 0 && x < 1));
  assert.ok(Math.abs(drawn.reduce((a, b) => a + b, 0) / drawn.length - 0.5) < 0.03);
  assert.notEqual(uniform(1, 5, 9), uniform(1, 5, 10));
  assert.notEqual(uniform(1, 5, 9), uniform(1, 6, 9));
});

test('how many lie below', () => {
  const sorted = Float32Array.of(0, 1, 1, 2);
  assert.deepEqual(
    [below(sorted, 1, false), below(sorted, 1, true), below(sorted, 9, false), below(sorted, -1, true)],
    [1, 3, 4, 0],
  );
});
