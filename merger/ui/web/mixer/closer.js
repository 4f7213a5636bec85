// A closer look: a run of columns, chosen on the strip, fills the width. And the strip's pointer and keys.

import { press, setText } from '../shared/dom.js';
import { wayOf } from '../shared/keyboard.js';
import { clamp } from '../shared/numbers.js';
import { watchSize } from './canvas.js';
import { pick, point, spotAt } from './strip.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */

/**
 * @param {Mixer} m
 * @param {number} a
 * @param {number} b
 */
export function zoomTo(m, a, b) {
  m.s.zoom = b > a && b - a + 1 < m.s.board.columns.length ? [a, b] : null;
  m.brush = null;
  setBrushing(m, false);
  for (const path of Object.keys(m.s.cursor)) if (!m.s.inView(m.s.cursor[path])) delete m.s.cursor[path];
  m.spot = -1;
  m.parts.tip.hidden = true;
  m.resize();
  m.drawHeads();
  m.say(m.s.zoom ? `Only ${m.s.rangeName(...m.s.zoom)} are shown.` : 'All layers are shown.');
}

/**
 * The next drag over the strip chooses a run.
 * @param {Mixer} m
 * @param {boolean} on
 */
export function setBrushing(m, on) {
  m.brushing = on;
  m.parts.stripCanvas.dataset.brushing = String(on);
  if (m.tools) press(m.tools.zoom, on);
}

/** @param {Mixer} m */
function dropBrush(m) {
  m.brush = null;
  setBrushing(m, false);
  m.mark('strip');
}

/** @param {Mixer} m */
export function drawZoom(m) {
  const { zoom } = m.s;
  const { zoom: bar, zoomName, zoomLock, zoomKeep } = m.parts;
  m.root.dataset.zoomed = String(Boolean(zoom));
  bar.hidden = !zoom;
  if (!zoom) return;
  setText(zoomName, m.s.rangeName(...zoom));
  setText(zoomLock, m.s.allHeld(...zoom) ? 'Unlock these' : 'Lock these');
  zoomKeep.hidden = m.s.board.can_keep === false || !m.s.weightLanes().length;
}

/**
 * An arrow with Shift, or after Zoom: the run of columns grows.
 * @param {Mixer} m
 * @param {number} by
 */
function stretch(m, by) {
  const seen = m.s.seen();
  const from = m.spot >= 0 ? m.spot : (seen[0] ?? 0);
  m.brush ??= { from, to: from };
  m.brush.to = clamp(m.brush.to + by, seen[0] ?? 0, seen[seen.length - 1] ?? 0);
  point(m, -1);
  m.mark('strip');
  m.say(`${m.s.rangeName(...m.brushed())}, Enter zooms in`);
}

/**
 * @param {Mixer} m
 * @param {number} right
 */
function step(m, right) {
  const seen = m.s.seen();
  const [lowest, highest] = [seen[0] ?? 0, seen[seen.length - 1] ?? 0];
  const from = m.spot >= 0 ? m.spot : right > 0 ? lowest - 1 : lowest;
  point(m, clamp(from + right, lowest, highest), true);
}

/** @param {Mixer} m */
function leave(m) {
  if (m.brush || m.brushing) dropBrush(m);
  else if (m.s.zoom) zoomTo(m, 0, 0);
  point(m, -1);
}

/**
 * @param {Mixer} m
 * @param {KeyboardEvent} event
 */
function key(m, event) {
  const way = wayOf(event);
  if (way && way[0] && (event.shiftKey || m.brushing)) stretch(m, way[0]);
  else if (way) step(m, way[0]);
  else if (event.key === 'Enter' && m.brush) zoomTo(m, ...m.brushed());
  else if (event.key === 'Enter' || event.key === ' ') pick(m, m.spot);
  else if (event.key === 'Escape') leave(m);
  else return;
  event.preventDefault();
}

/** @param {Mixer} m */
export function wireStrip(m) {
  const canvas = m.parts.stripCanvas;
  watchSize(canvas, () => m.mark('strip'));
  watchSize(m.parts.scale, () => m.mark('scale'));
  let brushedAt = -1e4;
  canvas.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !(m.brushing || event.shiftKey)) return;
    event.preventDefault();
    canvas.setPointerCapture(event.pointerId);
    const column = spotAt(m, event);
    m.brush = { from: column, to: column, hand: true };
    point(m, -1);
  });
  canvas.addEventListener('pointermove', (event) => {
    if (!m.brush?.hand) return point(m, spotAt(m, event));
    m.brush.to = spotAt(m, event);
    return m.mark('strip');
  });
  canvas.addEventListener('pointerup', () => {
    if (!m.brush?.hand) return;
    const [a, b] = m.brushed();
    if (b > a) zoomTo(m, a, b);
    else dropBrush(m);
    brushedAt = performance.now(); // the click that follows chooses no column
  });
  canvas.addEventListener('pointercancel', () => {
    if (m.brush?.hand) dropBrush(m);
  });
  canvas.addEventListener('pointerleave', () => point(m, -1));
  canvas.addEventListener('blur', () => {
    point(m, -1);
    if (m.brush && !m.brush.hand) dropBrush(m);
  });
  canvas.addEventListener('click', (event) => {
    if (performance.now() - brushedAt < 100) return;
    point(m, spotAt(m, event));
    pick(m, m.spot);
  });
  canvas.addEventListener('keydown', (event) => key(m, event));
}
