import assert from 'node:assert/strict';
import { test } from 'node:test';
import { rowsFor } from '../../merger/ui/web/rows/family.js';
import { fresh } from '../../merger/ui/web/rows/doing.js';
import { actOf, next } from '../../merger/ui/web/rows/keys.js';
import { MERGE, apart, textOf, wanted } from '../../merger/ui/web/rows/kinds.js';
import { Store } from '../../merger/ui/web/rows/store.js';

/** @typedef {import('../../merger/ui/web/rows/kinds.js').Row} Row */
/** @typedef {import('../../merger/ui/web/rows/kinds.js').Feed} Feed */

/** @type {Row[]} */
const ROWS = [
  { id: 'r1', prompt: 'say hello', answer: 'ahoy', match: 'within', ticked: true },
  { id: 'r2', prompt: 'plural of box', answer: 'boxes', match: 'exact', ticked: true },
  { id: 'r3', prompt: 'hello', answer: '', match: '', ticked: true },
];
const PROMPTS = Object.fromEntries(ROWS.map(({ id, prompt }) => [id, prompt]));

function store(rows = ROWS) {
  const made = new Store();
  made.shows(rows);
  return made;
}

/**
 * @param {number} run
 * @param {Partial<Feed>} more
 * @returns {Feed}
 */
const feed = (run, more) => ({ run, recipe: `recipe ${run}`, prompts: PROMPTS, ...more });

/**
 * A whole answer to each row.
 * @param {Store} s
 * @param {number} run
 * @param {Record<string, string>} words by row
 * @param {Partial<Feed>} more
 */
function answered(s, run, words, more = {}) {
  const keys = Object.keys(words).map((id) => `${id}/${MERGE}`);
  s.take(feed(run, { seq: 1, start: true, state: Object.fromEntries(keys.map((key) => [key, 'waiting'])), ...more }));
  s.take(
    feed(run, {
      seq: 2, done: keys,
      full: Object.fromEntries(Object.entries(words).map(([id, text]) => [`${id}/${MERGE}`, [[text]]])), ...more,
    }), // prettier-ignore
  );
}

test('a key is a row and somebody, whose name may hold slashes', () => {
  assert.deepEqual(apart('r1/merge'), ['r1', 'merge']);
  assert.deepEqual(apart('r1/presets/family/base'), ['r1', 'presets/family/base']);
  assert.deepEqual([apart('one'), apart('/x')], [['', 'one'], ['', 'x']]); // prettier-ignore
});

test('what is right, in words', () => {
  assert.deepEqual(ROWS.map(wanted), ['right if it has: ahoy', 'right if: boxes', 'a matter of taste']);
  assert.equal(wanted({ id: 'r', prompt: 'p', answer: '  ', match: 'exact' }), 'a matter of taste');
});

test('words come in pieces, and the whole answer mends them', () => {
  const s = store();
  s.take(feed(1, { seq: 1, start: true, state: { 'r1/merge': 'waiting', 'r1/base': 'waiting' } }));
  assert.deepEqual([...s.take(feed(1, { seq: 2, state: { 'r1/merge': 'busy' }, add: [['r1/merge', 'a'], ['r1/merge', 'hoy ']] }))], ['r1/merge']); // prettier-ignore
  assert.equal(textOf(s.of('r1', MERGE)), 'ahoy');
  assert.equal(s.of('r1', MERGE).state, 'busy');
  s.take(feed(1, { seq: 4, full: { 'r1/merge': [['ahoy'], [' me']] }, done: ['r1/merge'], marks: { 'r1/merge': true } }));
  assert.deepEqual([textOf(s.of('r1', MERGE)), s.of('r1', MERGE).state, s.of('r1', MERGE).mark], ['ahoy me', 'done', true]);
  assert.equal(s.of('r1', 'base').state, 'waiting');
  assert.equal(s.of('r9', MERGE).state, '');
});

test('an older run, and what was seen already, are dropped', () => {
  const s = store();
  assert.ok(s.isNew(feed(2, { seq: 1 })));
  s.take(feed(2, { seq: 3 }));
  assert.deepEqual([feed(1, { seq: 9 }), feed(2, { seq: 3 }), feed(2, { seq: 2 }), feed(2, { seq: 4 }), feed(3, { seq: 1 }), feed(2, {})].map((one) => s.isNew(one)),
    [false, false, false, true, true, true]); // prettier-ignore
});

test('errors, cuts and stops are their row’s', () => {
  const s = store();
  s.take(feed(1, { seq: 1, start: true, state: { 'r1/merge': 'waiting', 'r2/merge': 'stopped' } }));
  s.take(feed(1, { seq: 2, error: { 'r1/merge': 'too long', 'r2/merge': 'too late' }, cut: ['r3/merge'] }));
  assert.deepEqual([s.of('r1', MERGE).state, s.of('r1', MERGE).error], ['failed', 'too long']);
  assert.equal(s.of('r2', MERGE).state, 'stopped');
  assert.deepEqual([s.of('r3', MERGE).cut, s.of('r1', MERGE).cut], [true, false]);
});

test('before is what was finished last', () => {
  const s = store();
  answered(s, 1, { r1: 'ahoy', r2: 'boxes' });
  assert.equal(s.before.size, 0);
  answered(s, 2, { r1: 'ahoy', r2: 'box s' });
  assert.deepEqual([s.before.get('r1'), s.before.get('r2'), s.last.get('r2')], ['ahoy', 'boxes', 'box s']);
  // asked once more of the same recipe: no stroke
  answered(s, 3, { r1: 'ahoy', r2: 'box s' }, { recipe: 'recipe 2' });
  assert.equal(s.before.get('r2'), 'boxes');
  // a stroke while this one is being written: what it has said so far was never finished
  s.take(feed(4, { seq: 1, start: true, state: { 'r1/merge': 'busy', 'r2/merge': 'waiting' } }));
  s.take(feed(4, { seq: 2, add: [['r2/merge', 'half of']] }));
  s.take(feed(5, { seq: 1, start: true, state: { 'r1/merge': 'waiting', 'r2/merge': 'waiting' } }));
  assert.equal(s.before.get('r2'), 'box s');
  assert.equal(textOf(s.of('r2', MERGE)), '');
});

test('a row that is another prompt now has nothing of the old one', () => {
  const s = store();
  answered(s, 1, { r1: 'ahoy', r2: 'boxes' });
  answered(s, 2, { r1: 'ahoy', r2: 'boxes' });
  s.shows([{ ...ROWS[0], prompt: 'plural of fox' }, ROWS[1]]);
  assert.deepEqual([textOf(s.of('r1', MERGE)), s.before.get('r1'), s.last.get('r1')], ['', undefined, undefined]);
  assert.equal(textOf(s.of('r2', MERGE)), 'boxes');
  // the run before is still being written
  assert.deepEqual([...s.take(feed(2, { seq: 9, add: [['r1/merge', 'arr']], done: ['r1/merge'] }))], []);
  assert.equal(textOf(s.of('r1', MERGE)), '');
  s.shows([]);
  s.shows(ROWS);
  assert.equal(textOf(s.of('r2', MERGE)), ''); // taken out and put back: a stroke may have come between
});

test('a feed that was lost leaves no older words', () => {
  const s = store();
  answered(s, 1, { r1: 'ahoy', r2: 'boxes' });
  s.take(feed(2, { seq: 2, state: { 'r1/merge': 'busy' }, add: [['r1/merge', 'arr']] })); // its start never came
  assert.deepEqual([textOf(s.of('r1', MERGE)), textOf(s.of('r2', MERGE)), s.before.get('r2')], ['arr', '', 'boxes']);
});

test('not asked again: the words are of the recipe before, and say so', () => {
  const s = store();
  answered(s, 1, { r1: 'ahoy' });
  s.take({ run: 2, seq: 1, note: 'The recipe has changed.', stale: true });
  assert.deepEqual([s.of('r1', MERGE).state, textOf(s.of('r1', MERGE))], ['stale', 'ahoy']);
  assert.equal(s.score(ROWS).whole, false);
});

test('the score counts rows that are ticked and have a right answer', () => {
  const s = store();
  assert.deepEqual(s.score(ROWS), { right: 0, of: 2, whole: false, awaited: 0, unasked: 2 });
  answered(s, 1, { r1: 'ahoy', r2: 'box' }, { marks: { 'r1/merge': true, 'r2/merge': false } });
  assert.deepEqual(s.score(ROWS), { right: 1, of: 2, whole: true, awaited: 0, unasked: 0 });
  assert.deepEqual(s.score(ROWS.map((row) => ({ ...row, ticked: row.id !== 'r2' }))), {
    right: 1,
    of: 1,
    whole: true,
    awaited: 0,
    unasked: 0,
  });
  assert.deepEqual(s.score([ROWS[2]]), { right: 0, of: 0, whole: true, awaited: 0, unasked: 0 });
  s.take(feed(2, { seq: 1, start: true, state: { 'r1/merge': 'waiting', 'r2/merge': 'busy' } }));
  assert.deepEqual(s.score(ROWS), { right: 0, of: 2, whole: false, awaited: 2, unasked: 0 });
  s.take(feed(2, { seq: 2, start: true, state: { 'r1/merge': 'stopped', 'r2/merge': 'cached' } }));
  assert.equal(s.score(ROWS).whole, false);
  s.unask(true);
  assert.deepEqual(s.score(ROWS), { right: 0, of: 2, whole: false, awaited: 0, unasked: 2 });
});

test('other models: nothing of what was said holds', () => {
  const s = store();
  answered(s, 1, { r1: 'ahoy' });
  s.clear();
  answered(s, 2, { r1: 'hi' });
  assert.deepEqual([s.before.get('r1'), s.last.get('r1')], [undefined, 'hi']);
});

test('other rows are another start: nothing was before', () => {
  const s = store();
  answered(s, 1, { r1: 'ahoy' });
  answered(s, 2, { r1: 'arr' });
  s.anew();
  assert.equal(s.before.get('r1'), undefined);
  answered(s, 3, { r1: 'hi' });
  assert.equal(s.before.get('r1'), undefined);
  answered(s, 4, { r1: 'hello' });
  assert.equal(s.before.get('r1'), 'hi');
});

/** Random numbers that are the same everywhere. */
function chance(seed = 1) {
  let state = seed;
  return (/** @type {number} */ below) => {
    state = (state * 48271) % 2147483647;
    return state % below;
  };
}

const KEYS = ROWS.map(({ id }) => `${id}/${MERGE}`);

/**
 * All that is told of one run: from memory at once, or row by row in pieces.
 * @param {number} run
 * @param {string} recipe
 * @param {boolean} cached
 */
function feedsOf(run, recipe, cached) {
  const whole = (/** @type {string} */ key) => /** @type {[string][]} */ ([[`${recipe} to ${apart(key)[0]}`]]);
  const state = (/** @type {'cached' | 'waiting'} */ doing) => Object.fromEntries(KEYS.map((key) => [key, doing]));
  /** @type {Feed[]} */
  const feeds = [{ run, start: true, state: state(cached ? 'cached' : 'waiting') }];
  if (cached) Object.assign(feeds[0], { full: Object.fromEntries(KEYS.map((key) => [key, whole(key)])), done: KEYS });
  else
    for (const key of KEYS) {
      feeds.push({ run, state: { [key]: 'busy' }, add: [[key, `${recipe} `]] }, { run, add: [[key, `to ${apart(key)[0]}`]] });
      feeds.push({ run, done: [key], full: { [key]: whole(key) } });
    }
  return feeds.map((one, i) => ({ ...one, seq: i + 1, recipe, prompts: PROMPTS }));
}

/**
 * What the rows show while a recipe is heard.
 * @param {Store} s
 * @param {string} recipe
 * @param {Record<string, string>} before
 * @param {Record<string, string>} finished
 */
function honest(s, recipe, before, finished) {
  for (const { id } of ROWS) {
    const shown = s.of(id, MERGE);
    const whole = `${recipe} to ${id}`;
    assert.ok(whole.startsWith(textOf(shown)), `${textOf(shown)} while ${recipe} is heard`);
    if (['done', 'cached'].includes(shown.state)) assert.equal(textOf(shown), whole);
    assert.equal(s.before.get(id), before[id]);
    assert.equal(s.last.get(id), finished[id]);
  }
}

/** @param {number} seed */
function replay(seed) {
  const draw = chance(seed);
  const s = store();
  /** @type {Record<string, string>} what was finished last, and what had been at the last stroke */
  const finished = {};
  /** @type {Record<string, string>} */
  let before = {};
  /** @type {Feed[]} */
  let late = [];
  let recipe = '';
  for (let run = 1; run <= 50; run += 1) {
    const now = `m${draw(6)}`;
    if (recipe && now !== recipe) before = { ...before, ...finished };
    recipe = now;
    const cached = draw(4) === 0;
    const all = feedsOf(run, recipe, cached);
    const heard = cached || draw(2) ? all.length : 1 + draw(all.length); // the next stroke may come while it is being said
    const between = 1 + draw(heard);
    for (const one of [...all.slice(0, between), ...late, ...all.slice(between, heard)]) {
      if (!s.isNew(one)) continue;
      s.take(one);
      for (const key of one.done ?? []) finished[apart(key)[0]] = `${recipe} to ${apart(key)[0]}`;
      honest(s, recipe, before, finished);
    }
    late = all.slice(heard); // what the older run says after that
  }
}

test('fifty strokes, some during answers, some of an older recipe: no cell shows older words as new', () => {
  for (let seed = 1; seed <= 20; seed += 1) replay(seed);
});

// ---------------------------------------------------------------- whose rows

test('other models bring their own rows', () => {
  const begin = { rows: [ROWS[2]], open: 'r3', family: 'abc' };
  const toys = { rows: ROWS, open: 'r1', family: 'toys' };
  const kept = { rows: [ROWS[1]], open: 'r2' };
  assert.equal(rowsFor('', toys, toys, null), null); // the first screen
  assert.equal(rowsFor('', toys, { rows: ROWS, open: 'r1' }, { rows: ROWS, open: 'r3' }), null); // what is kept is what is there
  assert.equal(rowsFor('', toys, toys, kept), kept);
  assert.deepEqual(rowsFor('', begin, toys, null), { rows: begin.rows, open: 'r3' }); // a link to other models
  assert.deepEqual(rowsFor('toys', begin, toys, null), { rows: begin.rows, open: 'r3' });
  assert.equal(rowsFor('toys', begin, toys, kept), kept);
  assert.equal(rowsFor('abc', toys, toys, kept), null); // Python has given them their rows
});

test('ids', () => {
  assert.deepEqual([fresh([]), fresh(ROWS), fresh([ROWS[1]])], ['r1', 'r4', 'r3']);
});

// ---------------------------------------------------------------- the keyboard

/** @param {object} given */
const pressed = (given) =>
  /** @type {KeyboardEvent} */ ({ ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...given });

test('what a key does to a row', () => {
  const acts = [
    { key: ' ' },
    { key: 'F2' },
    { key: 'Delete' },
    { key: 'ArrowUp', altKey: true },
    { key: 'ArrowDown', altKey: true },
  ];
  assert.deepEqual(acts.map((key) => actOf(pressed(key))), [['tick', 0], ['edit', 0], ['remove', 0], ['move', -1], ['move', 1]]); // prettier-ignore
  const others = [
    { key: 'ArrowUp' },
    { key: 'ArrowLeft', altKey: true },
    { key: 'Delete', ctrlKey: true },
    { key: 'Enter' },
    { key: 'a' },
  ];
  for (const key of others) assert.equal(actOf(pressed(key)), null);
});

test('where arrows lead', () => {
  const lengths = [2, 4, 4];
  assert.deepEqual(next(lengths, [1, 1], [0, 1]), [2, 1]);
  assert.deepEqual(next(lengths, [1, 3], [0, -1]), [0, 1]);
  assert.deepEqual(next(lengths, [2, 3], [1, 0]), [2, 3]);
  assert.deepEqual(next(lengths, [0, 0], [0, -1]), [0, 0]);
  assert.deepEqual(next(lengths, [1, 2], [0, 99]), [2, 2]);
});
