import assert from 'node:assert/strict';
import { test } from 'node:test';
import { MERGE, Talk, shownOf, stateOf } from '../../merger/ui/web/chat/talk.js';

/** @typedef {import('../../merger/ui/web/chat/talk.js').Feed} Feed */

/** @param {Partial<Feed>} more @returns {Feed} */
const feed = (more, run = 1, seq = 1) => ({ run, seq, recipe: 'one', ...more });

/** A conversation of one turn, answered by the merge and a parent. */
function talk() {
  const made = new Talk();
  made.from(0, 'hi');
  made.begin([MERGE, 'p']);
  made.take(feed({ state: { [MERGE]: 'busy', p: 'busy' }, add: [[MERGE, 'ho'], ['p', 'ha'], ['x', 'nobody']] })); // prettier-ignore
  made.take(feed({ add: [[MERGE, 'ho']], done: [MERGE, 'p'], cut: ['p'], full: { p: [['ha'], ['ha']] } }, 1, 2));
  return made;
}

test('words go to whom was asked; what is older, or nobody’s, goes nowhere', () => {
  const made = talk();
  const { said } = made.turns[0];
  assert.deepEqual([said[MERGE].text, said.p.text, said.p.count, Object.keys(said)], ['hoho', 'haha', 2, [MERGE, 'p']]);
  assert.equal(made.busy, false);
  for (const old of [feed({ add: [[MERGE, '!']] }, 1, 2), feed({ add: [[MERGE, '!']] }, 0, 9)])
    assert.equal(made.take(old), false);
  assert.equal(made.take(null), false);
  assert.equal(said[MERGE].text, 'hoho');
});

test('each model’s own words are sent, but none of the turn that is asked', () => {
  const made = talk();
  made.system = 'be kind';
  made.from(1, 'more');
  assert.deepEqual(made.sent([MERGE]), {
    system: 'be kind',
    turns: [
      { user: 'hi', said: { [MERGE]: 'hoho', p: 'haha' } },
      { user: 'more', said: {} },
    ],
    who: [MERGE],
    times: 1,
    again: 0,
  });
  made.from(0, 'other');
  assert.deepEqual(made.turns.map(({ user }) => user), ['other']); // prettier-ignore
});

test('what is gone on with stays until there is more', () => {
  const made = talk();
  made.begin(['p'], true);
  const { p } = made.turns[0].said;
  assert.equal(shownOf(p), 'haha');
  made.take(feed({ state: { p: 'busy' }, add: [['p', 'h']] }, 2));
  assert.equal(shownOf(p), 'haha');
  made.take(feed({ add: [['p', 'ahahi']] }, 2, 2));
  assert.equal(shownOf(p), 'hahahi');
});

test('how an answer stands is said', () => {
  const { said } = talk().turns[0];
  assert.equal(stateOf('p', said.p, 'two'), 'cut off at 2 tokens'); // a parent does not depend on the recipe
  assert.equal(stateOf(MERGE, said[MERGE], 'one'), '');
  assert.equal(stateOf(MERGE, said[MERGE], 'two'), 'said before your last stroke');
});

test('an error is told where it belongs, and one of nobody’s ends the turn', () => {
  const made = talk();
  made.begin([MERGE, 'p']);
  made.take(feed({ error: { p: 'no.' } }, 2));
  assert.equal(stateOf('p', made.turns[0].said.p, 'one'), 'no.');
  assert.equal(made.busy, true);
  made.take(feed({ error: { '': 'too long.' } }, 2, 2));
  assert.deepEqual([made.busy, made.alarm], [false, 'too long.']);
});
