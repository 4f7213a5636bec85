// The stream of events as gradio gets it: whole events, each to its end, also of one that began as the server ended the stream.

import assert from 'node:assert/strict';
import test from 'node:test';
import { Connection } from '../../merger/ui/web/dock/connection.js';

const done = (/** @type {string} */ id) => `data: {"msg":"process_completed","event_id":"${id}","success":true}\n\n`;
const CLOSE = 'data: {"msg":"close_stream","event_id":null}\n\n';
/** @param {string[]} pieces */
const body = (...pieces) => new Response(new ReadableStream({
  start(to) {
    for (const piece of pieces) to.enqueue(new TextEncoder().encode(piece));
    to.close();
  },
})); // prettier-ignore

/** @param {string[]} open */
function line(...open) {
  const made = Object.create(Connection.prototype);
  Object.assign(made, { open: new Set(open), early: new Set(), leaving: false, lost: 0, gone: 0, word: '' });
  made.lose = () => (made.gone += 1);
  return made;
}

/**
 * @param {any} made
 * @param {Response} first
 * @param {() => Promise<Response | void>} [again]
 */
const heard = (made, first, again = async () => undefined) => new Response(made.watched(first.body?.getReader(), again)).text();

test('an event that comes in pieces is told when it is whole', async () => {
  const made = line('a');
  const text = done('a');
  assert.equal(await heard(made, body(text.slice(0, 9), text.slice(9, 30), text.slice(30), CLOSE)), text + CLOSE);
  assert.deepEqual([made.gone, made.open.size], [0, 0]);
});

test('for an event that began as the stream ended, the stream goes on', async () => {
  const made = line('a', 'late');
  let asked = 0;
  const again = async () => {
    asked += 1;
    return body(done('late'), CLOSE);
  };
  assert.equal(await heard(made, body(done('a') + CLOSE), again), done('a') + done('late') + CLOSE);
  assert.deepEqual([asked, made.gone], [1, 0]);
});

test('where it cannot go on, or breaks off, the server is gone and every event ends', async () => {
  for (const pieces of [[done('a'), CLOSE], [done('a')], [done('a'), 'data: {"msg":"unexpected_error"}\n\n']]) {
    const made = line('a', 'late');
    const text = await heard(made, body(...pieces));
    assert.equal(made.gone, 1);
    assert.match(text, /"event_id":"late","success":true/);
    assert.match(text, /"close_stream"[^\n]*\n\n$/);
  }
});

test('an event whose end came first is not waited for', async () => {
  const made = line();
  made.told = { refused: assert.fail };
  await heard(made, body(done('quick'), CLOSE));
  const answer = new Response('{"event_id":"quick"}', { headers: { 'content-type': 'application/json' } });
  await made.heard('queue/join', answer, assert.fail);
  assert.deepEqual([made.open.size, made.early.size, made.gone], [0, 0, 0]);
});
