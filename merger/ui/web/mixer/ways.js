// Which way each bar helps the rows, as Find works it out while nobody moves anything: words in a lane's head, triangles on its layers.

import { isDark, ink } from '../shared/colours.js';
import { el, titled } from '../shared/dom.js';
import { wordsOf } from '../shared/ways.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */
/** @typedef {import('./kinds.js').Lane} Lane */

/**
 * @param {Mixer} m
 * @param {Lane} lane
 */
const wayOf = (m, lane) => m.ways[lane.path.split('#')[0]];

/** @param {Mixer} m */
export function hearWays(m) {
  window.addEventListener('merge-explorer-ways', (event) => {
    m.ways = /** @type {CustomEvent} */ (event).detail.bars ?? {};
    drawWays(m);
    m.markAll();
  });
  window.addEventListener('merge-explorer-locks', (event) => {
    Object.assign(/** @type {CustomEvent} */ (event).detail, { lanes: [...m.s.frozen], columns: [...m.s.held] });
  });
}

/**
 * The bars have moved: what helped then is not known of now.
 * @param {Mixer} m
 */
export function forgetWays(m) {
  m.ways = {};
  drawWays(m);
}

/** @param {Mixer} m */
export function drawWays(m) {
  for (const { lane, help } of m.banks) {
    const found = wayOf(m, lane);
    help.hidden = !found;
    const [sign, ...words] = found ? wordsOf(found.way).split(' ') : [''];
    help.replaceChildren(el('span', '', sign), el('span', '', words.join(' ')));
    titled(help, found ? `For the ticked prompts: ${wordsOf(found.way)}` : '');
  }
}

/**
 * What a layer's triangle says, for screen readers.
 * @param {Mixer} m
 * @param {Lane} lane
 * @param {number} column
 */
export function wayAt(m, lane, column) {
  const way = wayOf(m, lane)?.layers?.[m.s.board.columns[column]?.layer ?? -1];
  return way ? `, ${wordsOf(way).slice(2)}` : '';
}

/**
 * @param {Mixer} m
 * @param {Lane} lane
 * @param {CanvasRenderingContext2D} g
 * @param {(column: number) => [x: number, y: number, wide: number]} place the middle of a bar's top
 */
export function drawTriangles(m, lane, g, place) {
  const layers = wayOf(m, lane)?.layers ?? [];
  m.boxes.forEach((box, i) => {
    const way = layers[m.s.board.columns[i].layer ?? -1];
    if (!way || box.hidden || m.s.isOff(lane, i)) return;
    const [x, y, wide] = place(i);
    const size = Math.min(5, wide / 2);
    g.beginPath();
    g.moveTo(x - size, y);
    g.lineTo(x + size, y);
    g.lineTo(x, y - way * size * 1.5);
    g.closePath();
    g.fillStyle = way > 0 ? ink(0.85) : isDark() ? 'black' : 'white';
    g.fill();
    g.lineWidth = 1;
    g.strokeStyle = ink(0.85);
    g.stroke();
  });
}
