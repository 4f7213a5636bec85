// How an answer stands, and what is said where nobody can be reached: all of it, in words.

/**
 * short: under the words, in a row and in the chat; badge: at the head of a column; alone: in place of words that are not there.
 * @type {Record<string, {short?: string, badge?: string, alone?: string}>}
 */
export const STATES = {
  waiting: { short: 'waiting its turn', badge: 'waiting…', alone: 'Waiting for its turn…' },
  idle: { short: 'asked again when the machine is free', badge: 'waiting…', alone: 'Asked when the machine is free.' },
  busy: { short: 'writing', badge: 'writing…', alone: 'Thinking…' },
  done: { badge: 'done', alone: 'The model ended without a word.' },
  cached: { badge: 'from memory', alone: 'The model ended without a word.' },
  stopped: { short: 'stopped', badge: 'stopped', alone: 'Stopped before the first word.' },
  failed: { short: 'failed', badge: 'failed', alone: 'This answer failed.' },
  stale: { short: 'not asked since your last stroke', badge: 'old', alone: '' },
  unasked: { short: 'not asked', badge: 'not asked', alone: 'Not asked: there was no connection.' },
};

/** What the dock's line says of the server. */
export const AWAY = 'No connection; you can go on painting.';
export const LOST = 'No connection, so this was not sent.';
export const BUSY = 'The server has too much to do just now. Try again in a moment.';

/** Told on the window when there is no connection, or something was not sent for that: detail is {away, unsent}. */
export const LINE = 'merge-explorer-line';

/**
 * A place in line.
 * @param {number} place 1: it is one's turn
 */
export function inLine(place) {
  const last = place % 100 > 10 && place % 100 < 14 ? 0 : place % 10;
  return `${place}${['th', 'st', 'nd', 'rd'][last] ?? 'th'} in line`;
}
