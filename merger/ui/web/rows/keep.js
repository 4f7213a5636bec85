// Rows that outlast the page: in this browser's localStorage, by family, and in files. Nothing that is read back is trusted.

import { CHARACTERS, MOST } from './kinds.js';

/** @typedef {import('./kinds.js').Row} Row */
/** @typedef {{rows: Row[], open: string}} Kept */

export const KEY = 'merge-explorer-rows';
const FAMILIES = 12;
export const FILE_CHARACTERS = 200_000;
const FAMILY = /^[A-Za-z0-9_-]{1,24}$/;

/**
 * Text as Python takes it: no longer than a prompt may be, and without halves of characters.
 * @param {string} text
 */
export const clean = (text) => text.slice(0, CHARACTERS).replace(/\p{Surrogate}/gu, '\ufffd');

/**
 * @param {unknown} given
 * @param {string} id
 * @returns {Row | null} null where it is no row
 */
export function rowOf(given, id) {
  const { prompt, answer, match, ticked } = /** @type {Record<string, unknown>} */ (
    typeof given === 'string' ? { prompt: given } : (given ?? {})
  );
  if (typeof prompt !== 'string' || !prompt.trim()) return null;
  const right = typeof answer === 'string' || typeof answer === 'number' ? clean(String(answer)) : '';
  const kind = match === 'within' ? 'within' : 'exact';
  return { id, prompt: clean(prompt), answer: right, match: right.trim() ? kind : '', ticked: ticked !== false };
}

/**
 * The rows among what is given, with new ids; no prompt comes twice.
 * @param {unknown} given
 * @returns {Row[]}
 */
export function rowsOf(given) {
  /** @type {Row[]} */
  const rows = [];
  for (const one of Array.isArray(given) ? given : []) {
    const row = rowOf(one, `r${rows.length + 1}`);
    if (row && rows.every(({ prompt }) => prompt !== row.prompt)) rows.push(row);
    if (rows.length === MOST) break;
  }
  return rows;
}

// ---------------------------------------------------------------- in this browser

/** @returns {[family: string, kept: unknown][]} */
function all() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(found)
      ? found.filter((one) => Array.isArray(one) && FAMILY.test(String(one[0]))).slice(0, FAMILIES)
      : [];
  } catch {
    return [];
  }
}

/**
 * @param {string} family
 * @returns {Kept | null}
 */
export function load(family) {
  const found = all().find(([name]) => name === family);
  const { rows, open } = /** @type {Record<string, unknown>} */ (found?.[1] ?? {});
  const read = rowsOf(rows);
  return read.length ? { rows: read, open: (read[Number(open)] ?? read[0]).id } : null;
}

/**
 * The families used last are kept; a browser that stores nothing keeps none.
 * @param {string} family
 * @param {Row[]} rows
 * @param {string} open
 */
export function save(family, rows, open) {
  if (!FAMILY.test(family)) return;
  const kept = { rows: rows.slice(0, MOST), open: rows.findIndex(({ id }) => id === open) };
  const others = all().filter(([name]) => name !== family);
  try {
    localStorage.setItem(KEY, JSON.stringify([[family, kept], ...others].slice(0, FAMILIES)));
  } catch {
    /* no room, or none allowed */
  }
}

// ---------------------------------------------------------------- files

/**
 * The rows of a file's text. An Error says what is wrong with it.
 * @param {string} text
 * @param {string} name its ending says what it is: .csv, .jsonl or .json; else a prompt a line
 * @returns {Row[]}
 */
export function parsed(text, name) {
  if (text.length > FILE_CHARACTERS)
    throw new Error(`${name} is too long: a file of prompts has at most ${FILE_CHARACTERS} characters.`);
  const kind = name.toLowerCase().split('.').at(-1);
  const plain = text.replace(/^\ufeff/, '').replaceAll('\r\n', '\n');
  const rows = rowsOf(kind === 'csv' ? csv(plain) : kind === 'jsonl' || kind === 'json' ? jsonl(plain, name) : lines(plain));
  if (!rows.length) throw new Error(`${name} holds no prompt: a line each, or a column named prompt.`);
  return rows;
}

/** @param {string} text */
const lines = (text) =>
  text.split('\n').map((line) => {
    const [, prompt, mark, answer] = /^(.*?) (=>|~>) (.*)$/.exec(line) ?? [];
    return mark ? { prompt: prompt.trim(), answer: answer.trim(), match: mark === '~>' ? 'within' : 'exact' } : line.trim();
  });

/**
 * @param {string} text
 * @param {string} name
 * @returns {unknown[]}
 */
function jsonl(text, name) {
  if (text.trimStart().startsWith('[')) return JSON.parse(text);
  return text.split('\n').flatMap((line, i) => {
    if (!line.trim()) return [];
    try {
      return [JSON.parse(line)];
    } catch {
      throw new Error(`${name}, line ${i + 1}: is no JSON. Write {"prompt": "plural of box", "answer": "boxes"}.`);
    }
  });
}

/**
 * Fields may be quoted, and hold quotes (doubled), separators and line breaks.
 * @param {string} text
 * @returns {unknown[]}
 */
function csv(text) {
  const head = text.split('\n', 1)[0];
  const separator = [',', ';', '\t'].find((mark) => head.includes(mark)) ?? ',';
  const field = new RegExp(`(?:"((?:[^"]|"")*)"|([^${separator}\\n]*))(${separator}|\\n|$)`, 'gy');
  /** @type {string[][]} */
  const table = [[]];
  for (const [whole, quoted, bare, end] of text.matchAll(field)) {
    if (!whole && table.at(-1)?.length === 0) break;
    table.at(-1)?.push(quoted === undefined ? bare : quoted.replaceAll('""', '"'));
    if (end === '\n') table.push([]);
    if (!end) break;
  }
  const names = (table[0] ?? []).map((name) => name.trim().toLowerCase());
  const named = names.includes('prompt');
  const at = (/** @type {string[]} */ row, /** @type {string} */ name, /** @type {number} */ place) =>
    row[named ? names.indexOf(name) : place];
  return table.slice(named ? 1 : 0).map((row) => ({
    prompt: at(row, 'prompt', 0), answer: at(row, 'answer', 1), match: at(row, 'match', 2),
    ticked: !['false', '0', 'no'].includes(String(at(row, 'ticked', 3)).trim().toLowerCase()),
  })); // prettier-ignore
}

/**
 * The text of a file with the rows.
 * @param {Row[]} rows
 * @param {string} kind txt, csv or jsonl
 */
export function written(rows, kind) {
  const flat = (/** @type {string} */ text) => text.replace(/\s*\n\s*/g, ' ');
  const line = ({ prompt, answer = '', match = '', ticked = true } = /** @type {Row} */ ({ id: '', prompt: '' })) => {
    if (kind === 'jsonl') return JSON.stringify({ prompt, answer, match, ticked });
    if (kind === 'csv') return [prompt, answer, match, String(ticked)].map((text) => `"${text.replaceAll('"', '""')}"`).join(',');
    return match ? `${flat(prompt)} ${match === 'within' ? '~>' : '=>'} ${flat(answer)}` : flat(prompt);
  };
  return `${[...(kind === 'csv' ? ['prompt,answer,match,ticked'] : []), ...rows.map(line)].join('\n')}\n`;
}
