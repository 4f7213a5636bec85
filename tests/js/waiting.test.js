import assert from 'node:assert/strict';
import test from 'node:test';
import { Talk } from '../../merger/ui/web/chat/talk.js';
import { Store } from '../../merger/ui/web/rows/store.js';
import { STATES, inLine } from '../../merger/ui/web/shared/states.js';

test('a place in line, in words', () => {
  assert.deepEqual([2, 3, 4, 11, 12, 13, 21, 22, 101, 112].map(inLine), [
    '2nd in line', '3rd in line', '4th in line', '11th in line', '12th in line', '13th in line', '21st in line', '22nd in line',
    '101st in line', '112th in line',
  ]); // prettier-ignore
});

test('without a connection: who was to speak is not asked, and no merge that is another now', () => {
  const store = new Store();
  store.shows([{ id: 'a', prompt: 'one' }, { id: 'b', prompt: 'two' }]); // prettier-ignore
  const prompts = { a: 'one', b: 'two' };
  const state = { 'a/merge': 'done', 'a/base': 'done', 'b/merge': 'busy', 'b/base': 'idle' };
  store.take(/** @type {any} */ ({ run: 1, seq: 1, start: true, prompts, state, full: { 'a/merge': [['yes']] }, place: 3 }));
  assert.equal(store.place, 3);
  const states = () => ['a', 'b'].flatMap((row) => ['merge', 'base'].map((who) => store.of(row, who).state));
  assert.equal(store.unask(false), true);
  assert.deepEqual([states(), store.place], [['done', 'done', 'unasked', 'unasked'], 0]);
  assert.equal(store.unask(false), false);
  assert.equal(store.unask(true), true);
  assert.deepEqual(states(), ['unasked', 'done', 'unasked', 'unasked']);
  assert.equal(store.last.get('a'), 'yes'); // its words stay, quietly
});

test('a turn that nobody can hear ends in words, and what was said stays', () => {
  const talk = new Talk();
  talk.from(0, 'hello');
  talk.begin(['merge']);
  assert.equal(talk.lose('gone'), true);
  assert.deepEqual([talk.busy, talk.last?.said.merge.error], [false, 'gone']);
  assert.equal(talk.lose('gone'), false);
});

test('every state has words somewhere', () => {
  for (const words of Object.values(STATES)) assert.ok(words.short || words.badge);
});
