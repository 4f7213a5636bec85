// The Mixer's tools. One row is for everybody; what takes a sentence to explain waits in a box below it.

import { el, press, titled } from '../shared/dom.js';
import { icon, iconed } from '../shared/icons.js';
import { signed } from '../shared/numbers.js';
import { setBrushing } from './closer.js';
import { SHAPES, invert, mirror, resetAll, shape, smooth } from './edits.js';
import { STEPS } from './kinds.js';
import { linkNow } from './link.js';
import { COARSE, group, tool } from './parts.js';
import { sameNumbers } from './state.js';

/** @typedef {import('./mixer.js').Mixer} Mixer */
/** @typedef {ReturnType<typeof makeTools>} Tools those whose state changes */

/** @type {Record<string, string>} words for one row of tools; the whole name is the tooltip */
const SHORT = { weight: 'Amount', density: 'Kept' };

/**
 * @param {string} name
 * @param {string} title
 * @param {(i: number) => void} act
 */
function choice(name, title, act) {
  const node = titled(el('select', 'mx-select'), title);
  node.setAttribute('aria-label', name);
  node.addEventListener('change', () => act(node.selectedIndex));
  return node;
}

/** @param {Mixer} m */
function makeTools(m) {
  const { s } = m;
  return {
    shapes: group(
      'Shape',
      ...Object.keys(SHAPES).map((name) => iconed(tool(name, () => m.editSelected((lane) => shape(s, lane, name))), name)), // prettier-ignore
    ),
    dice: titled(tool('Surprise me', () => m.surprise()), 'A small random step of every lane that is not locked (key R on a lane)'), // prettier-ignore
    undo: iconed(
      titled(
        tool('Undo', () => m.step('undo')),
        'Undo (Ctrl+Z)',
      ),
      'undo',
    ),
    redo: iconed(
      titled(
        tool('Redo', () => m.step('redo')),
        'Redo (Ctrl+Shift+Z)',
      ),
      'redo',
    ),
    reset: titled(
      tool('Reset', () => m.edit(() => resetAll(s))),
      'All lanes back to the preset',
    ),
    more: iconed(titled(tool('Tools', () => toggleMore(m)), 'Tools for single layers and for experts'), 'tools'), // prettier-ignore
    link: titled(tool('Link', () => toggleLink(m)), 'Keep every column at a sum of 1: raising one model lowers the others'), // prettier-ignore
    split: titled(tool('Attention / MLP', () => m.split()),
      'Two lanes for each model: one for the attention of every layer, one for the rest of it (in the recipe: filter)'), // prettier-ignore
    zoom: titled(tool('Zoom', () => toggleBrush(m)), 'Then drag over the line below to see some layers closely (or drag with Shift)'), // prettier-ignore
    hold: titled(tool('Lock', () => m.lockColumns(...s.focusedColumns())),
      'Nothing moves these layers: no hand, shape, link or dice (key L)'), // prettier-ignore
    keep: titled(tool('Keep only', () => m.keepOnly(...s.focusedColumns())),
      'Weight 0 everywhere else: hear what this layer does (key O)'), // prettier-ignore
    unlock: titled(tool('Unlock all', () => m.unlockAll()), 'Every lane and layer can be moved again'), // prettier-ignore
    step: makeStep(m),
    range: choice('Range', 'What the height of the bars covers; changes no number', (i) => {
      s.views[s.param] = s.ranges()[i];
      s.widen();
      drawRange(m);
      m.markAll();
    }),
  };
}

/** @param {Mixer} m */
function makeStep(m) {
  const layers = m.s.layerColumns().length;
  const steps = STEPS.filter((n) => n === 1 || 2 * n <= layers);
  const node = choice('Layers at a time', 'How many layers one stroke moves', (i) => {
    m.s.stride = steps[i];
    m.drawHint();
    m.drawHeads();
    m.markAll();
  });
  node.append(...steps.map((n) => el('option', '', n === 1 ? 'each layer' : `${n} layers at a time`)));
  node.selectedIndex = Math.max(0, steps.indexOf(m.s.stride));
  node.hidden = steps.length < 2;
  return node;
}

/** @param {Mixer} m */
function toggleMore(m) {
  openTools(m, !m.more);
  if (m.more) m.parts.drawer.querySelector('button')?.focus({ preventScroll: true });
}

/**
 * @param {Mixer} m
 * @param {boolean} open
 */
function openTools(m, open) {
  m.more = open;
  drawMore(m);
}

/**
 * The box of tools closes by a press elsewhere, and by Escape, which gives the focus back.
 * @param {Mixer} m
 */
export function wireTools(m) {
  const { drawer } = m.parts;
  const outside = (/** @type {PointerEvent} */ { target }) => {
    if (!m.root.isConnected) document.removeEventListener('pointerdown', outside);
    else if (m.more && target instanceof Node && !drawer.contains(target) && !m.tools?.more.contains(target)) openTools(m, false);
  };
  document.addEventListener('pointerdown', outside);
  for (const node of [drawer, m.parts.toolbar]) {
    node.addEventListener('keydown', (event) => {
      if (event.key !== 'Escape' || !m.more) return;
      event.preventDefault();
      event.stopPropagation();
      openTools(m, false);
      m.tools?.more.focus({ preventScroll: true });
    });
  }
}

/** @param {Mixer} m */
function toggleLink(m) {
  const { linked, param } = m.s;
  linked[param] = !linked[param];
  if (linked[param]) m.edit(() => linkNow(m.s));
  m.drawButtons();
}

/** @param {Mixer} m */
function toggleBrush(m) {
  setBrushing(m, !m.brushing);
  if (!m.brushing) return;
  openTools(m, false);
  m.say('Drag over the line below, or choose with the arrow keys and Enter.');
  m.parts.stripCanvas.focus({ preventScroll: true });
}

/** @param {Mixer} m */
function paramGroup(m) {
  const buttons = m.s.board.params.map((p) => {
    const label = p.label || p.name;
    const node = titled(tool(SHORT[p.name] ?? label, () => m.showParam(p.name)), p.help ? `${label}: ${p.help}` : label); // prettier-ignore
    node.dataset.param = p.name;
    press(node, p.name === m.s.param);
    return node;
  });
  return group('What the bars show', ...buttons);
}

/** @param {Mixer} m */
export function buildToolbar(m) {
  const tools = makeTools(m);
  m.tools = tools;
  const { toolbar, drawer } = m.parts;
  tools.more.setAttribute('aria-controls', drawer.id);
  tools.dice.setAttribute('aria-label', 'Surprise me');
  tools.dice.replaceChildren(icon('dice'), el('span', 'mx-word', 'Surprise me'));
  const past = group('History', tools.undo, tools.redo);
  past.classList.add('mx-history');
  toolbar.replaceChildren(el('h2', 'mx-title', 'Models'), ...(m.s.board.params.length > 1 ? [paramGroup(m)] : []));
  toolbar.append(tools.shapes, group('Chance', tools.dice), past, group('Tools', tools.more));
  press(tools.split, Boolean(m.s.board.split));
  tools.keep.hidden = m.s.board.can_keep === false || !m.s.weightLanes().length;
  const change = [
    titled(tool('Mirror', () => m.editSelected((lane) => mirror(m.s, lane))), 'First layer becomes last'), // prettier-ignore
    titled(tool('Invert', () => m.editSelected((lane) => invert(m.s, lane))), 'High becomes low'), // prettier-ignore
    titled(tool('Smooth', () => m.editSelected((lane) => smooth(m.s, lane))), 'Even out neighbours'), // prettier-ignore
  ];
  if (m.s.shown().length > 1) change.push(tools.link);
  change.push(tools.reset);
  drawer.replaceChildren(
    group('Change', ...change),
    group('Look closer', tools.zoom, ...(m.s.board.can_split ? [tools.split] : [])),
    tools.step,
    group('This layer', tools.keep, tools.hold, tools.unlock),
    tools.range,
    m.parts.keys,
  );
  drawRange(m);
  m.drawButtons();
  drawMore(m);
}

/** @param {Mixer} m */
function drawMore(m) {
  const { drawer, keys } = m.parts;
  m.tools?.more.setAttribute('aria-expanded', String(m.more));
  drawer.hidden = !m.more || Boolean(m.s.board.locked);
  keys.hidden = COARSE;
  const only = m.s.board.can_keep === false ? '' : 'O keep only this layer, ';
  keys.textContent =
    'Keys on a lane: ← → choose a layer, ↑ ↓ change it, 0–9 set tenths, [ ] move the whole lane, ' +
    `S solo, M mute, L lock the layer, Shift+L the lane, ${only}R surprise.`;
}

/** @param {Mixer} m */
export function drawRange(m) {
  if (!m.tools) return;
  const { range } = m.tools;
  const list = m.s.ranges();
  range.replaceChildren(...list.map(([low, high]) => el('option', '', `${signed(low)} to ${signed(high)}`)));
  range.selectedIndex = list.findIndex((one) => sameNumbers(one, m.s.view()));
  range.hidden = list.length < 2;
}
