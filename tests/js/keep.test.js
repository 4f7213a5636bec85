import assert from 'node:assert/strict';
import { test } from 'node:test';
import { KEY, clean, load, parsed, rowOf, rowsOf, save, written } from '../../merger/ui/web/rows/keep.js';
import { CHARACTERS, MOST } from '../../merger/ui/web/rows/kinds.js';

/** @typedef {import('../../merger/ui/web/rows/kinds.js').Row} Row */

/** @type {Row[]} */
const ROWS = [
  { id: 'r1', prompt: 'say hello', answer: 'ahoy', match: 'within', ticked: true },
  { id: 'r2', prompt: 'plural of box', answer: 'boxes', match: 'exact', ticked: true },
  { id: 'r3', prompt: 'hello', answer: '', match: '', ticked: true },
];

// ---------------------------------------------------------------- rows that outlast the page

/** A browser's storage. */
function storage() {
  /** @type {Map<string, string>} */
  const kept = new Map();
  Object.assign(globalThis, {
    localStorage: {
      getItem: (/** @type {string} */ key) => kept.get(key) ?? null,
      setItem: (/** @type {string} */ key, /** @type {string} */ text) => {
        if (text.length > 500_000) throw new Error('full');
        kept.set(key, text);
      },
    },
  });
  return kept;
}

test('rows are kept by family, and the families used last', () => {
  const kept = storage();
  assert.equal(load('toys'), null);
  save('toys', ROWS, 'r2');
  assert.deepEqual(load('toys'), { rows: ROWS, open: 'r2' });
  for (let i = 0; i < 30; i += 1) save(`f${i}`, [ROWS[0]], 'r1');
  assert.equal(load('toys'), null);
  assert.equal(load('f29')?.rows.length, 1);
  assert.ok((kept.get(KEY)?.length ?? 0) < 5000);
  save('../up', ROWS, 'r1');
  assert.equal(load('../up'), null);
});

test('nothing that is kept is trusted', () => {
  const kept = storage();
  const evil = [
    'half', 'null', '{}', '[7]', '[["toys"]]', '[["toys", 7]]', '[["toys", {"rows": {}}]]', '[["toys", {"rows": [null, 7, {"prompt": 7}]}]]',
  ]; // prettier-ignore
  for (const text of evil) {
    kept.set(KEY, text);
    assert.equal(load('toys'), null, text);
  }
  const rows = Array.from({ length: 10_000 }, (_, i) => ({
    id: '../up',
    prompt: `${i} ${'x'.repeat(3000)}`,
    answer: {},
    match: 'pattern',
    ticked: 0,
  }));
  kept.set(KEY, JSON.stringify([['toys', { rows, open: '__proto__' }]]));
  const read = load('toys');
  assert.equal(read?.rows.length, MOST);
  assert.equal(read?.open, 'r1');
  for (const row of read?.rows ?? []) {
    assert.match(row.id, /^r\d$/);
    assert.equal(row.prompt.length, CHARACTERS);
    assert.deepEqual([row.answer, row.match, row.ticked], ['', '', true]);
  }
  const full = { getItem: () => { throw new Error('no'); }, setItem: () => { throw new Error('no'); } }; // prettier-ignore
  Object.assign(globalThis, { localStorage: full });
  save('toys', ROWS, 'r1');
  assert.equal(load('toys'), null);
});

test('text is whole characters, and no longer than Python takes', () => {
  assert.equal(clean('a\ud83d'), 'a\ufffd');
  assert.equal(clean('\ud83d\ude00'), '\ud83d\ude00');
  assert.equal(clean(`${'x'.repeat(CHARACTERS - 1)}\ud83d\ude00`), `${'x'.repeat(CHARACTERS - 1)}\ufffd`);
  assert.equal(rowOf({ prompt: ' ' }, 'r1'), null);
  assert.deepEqual(rowsOf(['a', 'a', 'b']).map(({ id, prompt }) => [id, prompt]), [['r1', 'a'], ['r2', 'b']]); // prettier-ignore
});

test('files of prompts', () => {
  const told = (/** @type {string} */ text, /** @type {string} */ name) =>
    parsed(text, name).map(({ prompt, answer, match, ticked }) => [prompt, answer, match, ticked]);
  assert.deepEqual(told('\ufeffplural of box => boxes\r\n\r\nsay hello ~> ahoy\nhello', 'a.txt'), [
    ['plural of box', 'boxes', 'exact', true], ['say hello', 'ahoy', 'within', true], ['hello', '', '', true],
  ]); // prettier-ignore
  assert.deepEqual(told('Answer,Prompt\nboxes,plural of box\n"a, ""b""\nc",d', 'a.CSV'), [
    ['plural of box', 'boxes', 'exact', true], ['d', 'a, "b"\nc', 'exact', true],
  ]); // prettier-ignore
  assert.deepEqual(told('plural of box;boxes\nhello;', 'a.csv'), [['plural of box', 'boxes', 'exact', true], ['hello', '', '', true]]); // prettier-ignore
  assert.deepEqual(told('{"prompt": "count", "answer": 7}\n\n"hello"', 'a.jsonl'), [['count', '7', 'exact', true], ['hello', '', '', true]]); // prettier-ignore
  assert.deepEqual(told('["a", {"prompt": "b", "ticked": false}]', 'a.json'), [['a', '', '', true], ['b', '', '', false]]); // prettier-ignore
  assert.equal(parsed('x\n'.repeat(5) + Array.from({ length: 50 }, (_, i) => `p${i}`).join('\n'), 'a.txt').length, MOST);
});

test('files that are none say so', () => {
  assert.throws(() => parsed('', 'a.txt'), /^Error: a\.txt holds no prompt: a line each, or a column named prompt\.$/);
  assert.throws(() => parsed('{"prompt": "a"}\n{half', 'a.jsonl'), /a\.jsonl, line 2: is no JSON/);
  assert.throws(() => parsed('[half', 'a.json'), SyntaxError);
  assert.throws(() => parsed('x'.repeat(200_001), 'a.txt'), /too long/);
  assert.throws(() => parsed('prompt,answer\n', 'a.csv'), /holds no prompt/);
  assert.equal(parsed('"'.repeat(199_999), 'a.csv').length, 1); // odd, and soon read
});

test('what is written is read again', () => {
  const rows = [
    ...ROWS,
    { id: 'r4', prompt: 'two\n"lines", one', answer: 'a;b', match: /** @type {'within'} */ ('within'), ticked: false },
  ];
  for (const kind of ['csv', 'jsonl']) assert.deepEqual(parsed(written(rows, kind), `a.${kind}`), rows);
  assert.deepEqual(parsed(written(ROWS, 'txt'), 'a.txt'), ROWS);
  assert.equal(written([rows[3]], 'txt'), 'two "lines", one ~> a;b\n');
});
