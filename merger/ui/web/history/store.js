// The recipes tried so far, in this browser's localStorage and nowhere else: they survive a reload and nobody else sees them.

/**
 * @typedef {object} Entry
 * @property {number} id
 * @property {boolean} star
 * @property {number} time
 * @property {string} yaml
 * @property {string} title
 * @property {string} prompt
 * @property {string} answer
 * @property {{slot?: number | null, numbers?: number[]}[]} lanes
 */

export const KEY = 'merge-explorer-history'; // also the event that tells other lists of this page
const MOST = 120; // entries; stars are never dropped for new ones
const LONG = 600; // characters kept of an answer

/** @returns {Entry[]} */
export function load() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(found) ? found.filter((e) => e && typeof e.yaml === 'string') : [];
  } catch {
    return [];
  }
}

/**
 * The oldest without a star goes; false where all have one.
 * @param {Entry[]} entries
 */
function dropOne(entries) {
  const last = entries.findLastIndex((e) => !e.star);
  if (last >= 0) entries.splice(last, 1);
  return last >= 0;
}

/**
 * @param {Entry[]} entries fewer afterwards, where there is no room for all
 * @returns {boolean} false where this browser stores nothing
 */
export function save(entries) {
  for (;;) {
    try {
      localStorage.setItem(KEY, JSON.stringify(entries));
      return true;
    } catch {
      if (entries.length < 2 || !dropOne(entries)) return false;
    }
  }
}

/**
 * What is kept of a merge that has answered, in front of the others; the same recipe and prompt are one entry, with its star.
 * @param {Entry[]} entries
 * @param {Partial<Entry> & {yaml: string}} given
 * @returns {Entry[]}
 */
export function added(entries, given) {
  const same = entries.find((e) => e.yaml === given.yaml && e.prompt === given.prompt);
  const kept = {
    id: same?.id ?? crypto.getRandomValues(new Uint32Array(1))[0],
    star: same?.star ?? false,
    time: Date.now(),
    yaml: given.yaml,
    title: String(given.title ?? ''),
    prompt: String(given.prompt ?? ''),
    answer: String(given.answer ?? '').slice(0, LONG),
    lanes: Array.isArray(given.lanes) ? given.lanes.slice(0, 12) : [],
  };
  const all = [kept, ...entries.filter((e) => e !== same)];
  while (all.length > MOST && dropOne(all));
  return all;
}

/**
 * An entry from Python.
 * @param {unknown} text
 */
export function record(text) {
  /** @type {any} */
  let entry;
  try {
    entry = JSON.parse(String(text || 'null'));
  } catch {
    return; // half a message
  }
  if (!entry || typeof entry.yaml !== 'string' || !entry.yaml) return;
  save(added(load(), entry)); // loaded again: another tab may have added some
  window.dispatchEvent(new Event(KEY));
}
