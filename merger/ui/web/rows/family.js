// Whose rows: each family of models has its own, in this page, in this browser, or as Python begins it.

/** @typedef {import('./kinds.js').Value} Value */
/** @typedef {import('./keep.js').Kept} Kept */

/**
 * The rows to show now that other models are here; null where what Python has given are theirs.
 * @param {string} was the family whose rows are shown; "" at first
 * @param {Value} begin what Python gives these models to begin with
 * @param {Value} given what it has given last, or was given back
 * @param {Kept | null} kept those they had here, or that this browser keeps
 * @returns {Kept | null}
 */
export function rowsFor(was, begin, given, kept) {
  const theirs = !given.family || given.family === begin.family;
  if (was ? given.family === begin.family : theirs && (!kept || alike(kept.rows, given.rows ?? []))) return null;
  return kept ?? { rows: begin.rows ?? [], open: begin.open ?? '' };
}

/**
 * Whether rows ask the same, and want the same.
 * @param {import('./kinds.js').Row[]} some
 * @param {import('./kinds.js').Row[]} others
 */
export function alike(some, others) {
  const told = (/** @type {import('./kinds.js').Row} */ row) => [
    row.prompt,
    row.answer ?? '',
    row.match ?? '',
    row.ticked !== false,
  ];
  return JSON.stringify(some.map(told)) === JSON.stringify(others.map(told));
}
