// The Mixer's own elements, made once.

import { button, el, grouped, titled } from '../shared/dom.js';
import { oneStop } from '../shared/keyboard.js';

/** Fingers: everything is larger. */
export const COARSE = matchMedia('(pointer: coarse)').matches;
export const GAP = COARSE ? 22 : 18;
export const KNOB = COARSE ? 9 : 6;

/**
 * A lane on the screen.
 * @typedef {object} Bank
 * @property {import('./kinds.js').Lane} lane
 * @property {HTMLElement} box
 * @property {HTMLElement} share its part of the mix, never cut
 * @property {HTMLElement} remark what gives way
 * @property {HTMLElement} readout
 * @property {HTMLElement} help which way it helps
 * @property {HTMLCanvasElement} canvas
 * @property {HTMLElement} pad takes the pointer and the focus
 * @property {HTMLButtonElement} lock
 * @property {HTMLButtonElement} [mute]
 * @property {HTMLButtonElement} [solo]
 * @property {number} hover the column under the pointer, or -1
 * @property {number} grip the ramp handle under it, or -1
 * @property {import('./kinds.js').Lane} [ghost] the same model's other parameter
 */

/**
 * @param {string} text
 * @param {() => void} act
 * @param {string} [name]
 */
export const tool = (text, act, name = '') => button('mx-button', text, act, name);

/**
 * @param {string} name
 * @param {...Node} children
 */
export function group(name, ...children) {
  const box = grouped(el('div', 'mx-group'), name);
  box.append(...children);
  return box;
}

/** @typedef {ReturnType<typeof makeParts>} Parts */

/**
 * @param {HTMLElement} root
 * @param {{lock: () => void, keep: () => void, out: () => void, inside: () => void}} zoom what its buttons do
 */
export function makeParts(root, zoom) {
  const parts = {
    toolbar: oneStop(el('div', 'mx-toolbar')),
    drawer: el('div', 'mx-drawer'),
    keys: el('p', 'mx-keys'),
    strip: el('div', 'mx-strip'),
    lanes: el('div', 'mx-lanes'),
    scale: el('canvas', 'mx-scale'),
    hint: el('p', 'mx-hint'),
    tip: el('div', 'mx-tip'),
    live: el('div', 'mx-hidden'),
    stripSummary: el('strong', 'mx-strip-summary'),
    stripCanvas: el('canvas', 'mx-strip-canvas'),
    zoom: grouped(el('span', 'mx-zoom'), 'The layers in view'),
    zoomName: el('strong'),
    zoomLock: titled(tool('Lock these', zoom.lock), 'Nothing moves these layers: no hand, shape, link or dice'),
    zoomKeep: titled(tool('Keep only these', zoom.keep), 'Weight 0 everywhere else: hear what these layers do'),
    inside: titled(tool('Look inside', zoom.inside), 'Where they pull against each other most'),
    zoomOut: titled(tool('Show all', zoom.out), 'Escape'),
  };
  parts.tip.hidden = true;
  parts.tip.setAttribute('role', 'tooltip');
  parts.live.setAttribute('aria-live', 'polite');
  parts.scale.setAttribute('aria-hidden', 'true');
  parts.stripCanvas.setAttribute('role', 'img');
  parts.stripCanvas.tabIndex = 0;
  const keys = 'Arrow keys choose a layer, Enter opens it; Shift and arrows choose layers to zoom in on';
  parts.stripCanvas.setAttribute('aria-description', keys);
  parts.drawer.id = `mx-drawer-${Math.random().toString(36).slice(2)}`;
  const head = el('div', 'mx-strip-head');
  const foot = el('div', 'mx-foot');
  parts.zoom.append(parts.zoomName, parts.zoomLock, parts.zoomKeep, parts.zoomOut);
  const title = el('span', 'mx-strip-title', 'Pull against each other: ');
  title.append(parts.stripSummary);
  head.append(title, parts.zoom, parts.inside);
  parts.strip.append(head, parts.stripCanvas);
  foot.append(parts.scale, parts.hint);
  root.append(parts.toolbar, parts.drawer, parts.strip, parts.lanes, foot, parts.tip, parts.live);
  return parts;
}
