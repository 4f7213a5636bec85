// Improve at work: how far it is, a line for each skill and one for all, and what came of it.
//
// Run {words, share, busy, skills: [{name, ink}], curve: [[-log P of each skill, the best so far], …], kept: [[name, before, after, …]], told: [text]}

import { el, setText, svg } from '../shared/dom.js';
import { table } from './table.js';

const [WIDE, HIGH] = [360, 110];

/**
 * @param {{skills: {name: string, ink: number | null}[], curve: number[][]}} run
 */
function chart({ skills, curve }) {
  const most = Math.max(...curve.flat(), 1e-9);
  const box = el('figure');
  const drawing = svg('svg', { viewBox: `0 0 ${WIDE} ${HIGH}`, role: 'img' });
  const mean = curve.map((now) => now.reduce((a, b) => a + b, 0) / now.length);
  const first = mean[0].toFixed(2);
  drawing.setAttribute('aria-label', `−log P of the wanted answers, from ${first} to ${mean[mean.length - 1].toFixed(2)} in all`);
  const legend = el('figcaption');
  const draw = (
    /** @type {number[]} */ values,
    /** @type {string} */ name,
    /** @type {string} */ stroke,
    /** @type {number} */ i,
  ) => {
    const points = values.map((v, x) => `${(x * WIDE) / Math.max(1, values.length - 1)},${HIGH - 2 - (v / most) * (HIGH - 6)}`);
    const line = svg('polyline', { points: points.join(' '), 'stroke-dasharray': ['', '6 3', '2 3', '9 3 2 3'][i % 4] });
    line.style.stroke = stroke;
    if (i < 0) line.style.strokeWidth = '3';
    drawing.append(line);
    const item = el('span', '', `${name} ${values[values.length - 1].toFixed(2)}`);
    item.style.borderColor = stroke;
    legend.append(item);
  };
  skills.forEach(({ name, ink }, s) =>
    draw(
      curve.map((now) => now[s]),
      name,
      `var(--me-slot-${ink ?? s % 8})`,
      s,
    ),
  );
  if (skills.length > 1) draw(mean, 'all', 'currentColor', -1);
  box.append(drawing, legend, el('small', '', 'The best so far on what decides: −log P of the wanted answers, lower is better.'));
  return box;
}

/**
 * @param {import('../shared/host.js').Host} _
 * @param {HTMLElement} root
 */
export function run(_, root) {
  const [status, bar, body] = [el('p', 'im-status'), el('progress'), el('div', 'im-body')];
  status.setAttribute('role', 'status');
  bar.setAttribute('aria-label', 'Steps done');
  root.append(status, bar, body);
  return (/** @type {any} */ { words: now = '', busy, share = 0, skills = [], curve = [], kept = [], told = [] }) => {
    setText(status, now);
    bar.hidden = !busy;
    bar.value = share;
    const words = el('div');
    if (kept.length) words.append(table(['What decides', 'right', '−log P'], kept));
    words.append(...told.map((/** @type {string} */ text) => el('p', '', text)));
    body.replaceChildren(...(curve.length > 1 ? [chart({ skills, curve })] : []), words);
  };
}
