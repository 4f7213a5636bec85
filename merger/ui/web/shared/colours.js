// Colours for what is drawn: ../looks.json has them all, and style sheets have the same as `var(--me-grey)`.
import looks from '../looks.json' with { type: 'json' };

/** @typedef {string | string[]} Both one colour, or a light and a dark page's */
/** @type {Record<string, Both>} */
const COLOURS = looks.colours;

export const SLOTS = looks.slots.length;

export const isDark = () => document.body.classList.contains('dark');

/** @param {Both} both */
const of = (both, dark = isDark()) => (typeof both === 'string' ? both : both[dark ? 1 : 0]);

/**
 * A colour by its name in looks.json.
 * @param {string} name
 */
export function colour(name, dark = isDark()) {
  if (!(name in COLOURS)) throw new Error(`no colour ${name}`);
  return of(COLOURS[name], dark);
}

/**
 * A model's colour; that of the merge where there is no slot.
 * @param {number | null | undefined} slot
 */
export const slotColour = (slot, dark = isDark()) =>
  typeof slot === 'number' && Number.isInteger(slot) ? of(looks.slots[slot % SLOTS], dark) : colour('lead', dark);

/** @param {string} hex */
export const rgb = (hex) => {
  const whole = hex.length === 4 ? hex.replace(/[^#]/g, '$&$&') : hex;
  return [1, 3, 5].map((i) => parseInt(whole.slice(i, i + 2), 16));
};

/**
 * @param {string} hex
 * @param {number} a
 */
export const alpha = (hex, a) => `rgba(${rgb(hex).join(',')},${a})`;

/**
 * @param {string} from
 * @param {string} to
 * @param {number} t 0 to 1
 */
export function blend(from, to, t) {
  const end = rgb(to);
  return `rgb(${rgb(from)
    .map((x, i) => Math.round(x + (end[i] - x) * t))
    .join(',')})`;
}

/**
 * What stands out from the page: black or white, more or less.
 * @param {number} a
 */
export const ink = (a) => (isDark() ? `rgba(255,255,255,${a})` : `rgba(0,0,0,${a})`);
