import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { alpha, blend, colour, rgb, slotColour } from '../../merger/ui/web/shared/colours.js';
import { read, readOrNull } from '../../merger/ui/web/shared/host.js';
import { stepOf, wayOf } from '../../merger/ui/web/shared/keyboard.js';
import { ago, chance, clamp, fixed, percent, seconds, short, signed } from '../../merger/ui/web/shared/numbers.js';
import { tokens } from '../../merger/ui/web/shared/tokens.js';
import { words } from '../../merger/ui/web/explore/board.js';
import { added } from '../../merger/ui/web/history/store.js';
import { changeOf } from '../../merger/ui/web/mixer/keys.js';

test('percents are Python’s', () => {
  /** @type {{percents: [number, string][]}} */
  const { percents } = JSON.parse(readFileSync(new URL('law.json', import.meta.url), 'utf8'));
  assert.ok(percents.length > 10);
  for (const [share, said] of percents) assert.equal(percent(share), said);
});

test('numbers as people read them', () => {
  assert.deepEqual([chance(0), chance(0.004), chance(0.006), chance(1)], ['0%', '<1%', '1%', '100%']);
  assert.deepEqual([fixed(0.5), fixed(-1)], ['0.50', '-1.00']);
  assert.deepEqual([short(0.1 + 0.2), short(1e-5), short('none')], ['0.3', '0.00001', 'none']);
  assert.deepEqual([signed(-2), signed(1)], ['−2', '1']);
  assert.deepEqual([seconds(0.2), seconds(89), seconds(150)], ['1 s', '89 s', '3 min']);
  assert.deepEqual([ago(0, 59_999), ago(0, 60_000), ago(0, 7_200_000)], ['just now', '1 min ago', '2 h ago']);
  assert.deepEqual([clamp(5, 0, 1), clamp(-5, 0, 1), clamp(0.5, 0, 1)], [1, 0, 0.5]);
});

test('colours have one home, and both themes', () => {
  assert.equal(slotColour(0, false), slotColour(8, false));
  assert.notEqual(slotColour(0, false), slotColour(0, true));
  assert.equal(slotColour(null, true), colour('lead', true));
  assert.equal(colour('grey', true), colour('grey', false));
  assert.throws(() => colour('pink', false));
  assert.deepEqual(rgb('#fff'), [255, 255, 255]);
  assert.equal(alpha('#0c8599', 0.5), 'rgba(12,133,153,0.5)');
  assert.equal(blend('#f1f3f5', '#a63a00', 0), 'rgb(241,243,245)');
  assert.equal(blend('#f1f3f5', '#a63a00', 1), 'rgb(166,58,0)');
  const [light, dark] = tokens().split('.dark');
  assert.ok(light.includes('--me-slot-7: #8a4b32;') && dark.includes('--me-slot-7: #d99a7c;') && !dark.includes('--me-grey'));
});

test('props are JSON or objects, and our own', () => {
  const given = { a: [1] };
  assert.deepEqual(read(given), given);
  assert.notEqual(read(given).a, given.a);
  assert.deepEqual([read('{"a": 1}'), read(''), read(null)], [{ a: 1 }, {}, {}]);
  assert.equal(readOrNull('{"half'), null);
});

/** @param {object} given */
const pressed = (given) =>
  /** @type {KeyboardEvent} */ ({ ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...given });

test('keys', () => {
  assert.deepEqual(wayOf(pressed({ key: 'ArrowUp' })), [0, -1]);
  assert.equal(wayOf(pressed({ key: 'a' })), null);
  assert.equal(stepOf(pressed({ key: 'z', ctrlKey: true })), 'undo');
  assert.equal(stepOf(pressed({ key: 'Z', metaKey: true, shiftKey: true })), 'redo');
  assert.equal(stepOf(pressed({ key: 'y', ctrlKey: true })), 'redo');
  assert.equal(stepOf(pressed({ key: 'z' })), null);
  assert.equal(stepOf(pressed({ key: 'z', ctrlKey: true, altKey: true })), null);
  const change = (/** @type {object} */ given) => changeOf(pressed(given), 0.01, [-1, 2]);
  assert.deepEqual(change({ key: '7' }), { value: 0.7, change: null, whole: null });
  assert.deepEqual(change({ key: 'ArrowDown', shiftKey: true }), { value: null, change: -0.1, whole: null });
  assert.deepEqual(change({ key: 'ArrowUp', altKey: true }), { value: null, change: null, whole: 0.05 });
  assert.deepEqual(change({ key: 'End' }), { value: 2, change: null, whole: null });
  assert.equal(change({ key: 'toString' }), null);
});

test('the history keeps 120, and every star', () => {
  /** @type {import('../../merger/ui/web/history/store.js').Entry[]} */
  let entries = [];
  for (let i = 0; i < 130; i += 1) {
    entries = added(entries, { yaml: `recipe ${i}`, prompt: 'p', answer: 'x'.repeat(700) });
    if (i === 3) entries[0].star = true;
  }
  assert.equal(entries.length, 120);
  assert.equal(entries[0].yaml, 'recipe 129');
  assert.equal(entries.at(-1)?.yaml, 'recipe 3');
  assert.equal(entries[0].answer.length, 600);
  const again = added(entries, { yaml: 'recipe 3', prompt: 'p' });
  assert.deepEqual([again.length, again[0].yaml, again[0].star], [120, 'recipe 3', true]);
});

test('how far a search is, in words', () => {
  /** @type {any} */
  const board = {
    state: 'busy',
    total: 9,
    left: 100,
    axes: [{ label: 'weight', values: [0.1, 0.2] }],
    skills: ['count'],
    points: [],
  };
  assert.equal(words(board), 'Making ready…');
  board.points.push({ at: [1], scores: [0.5], note: '' });
  assert.equal(words(board), '1 of 9 tried, about 2 min left');
  assert.equal(words({ ...board, state: 'done', best: 0 }), 'Best: weight = 0.2 (count 50%)');
  assert.equal(words({ ...board, state: 'done', best: null }), 'None of these could be merged.');
});
