// Explore. Gradio runs this once per mount with `element, trigger, props, watch`; `CSS` is put before it.
//
// props.data   JSON text: {state: idle|waiting|busy|done|stopped|failed, error, total, left (seconds), prompt,
//               axes: [{label, values}] (one: a line, two: maps; missing: what was shown stays), skills: [name], best: index into points or null,
//               marks: [{name, scores}]           what each model does alone
//               points: [{at: [i] or [i, j], scores: [0..1 for each skill] or null, note, says: [[prompt, said, right]]}]}
// props.value  {picked: [i, j], seq}: written here when a point is clicked (event `select`)
//
// Names, prompts and answers are hostile: text enters only through textContent and setAttribute.

const root = element.querySelector('.explore');
const style = document.createElement('style');
style.textContent = CSS;
element.append(style);

const SLOTS = 8; // colours in explore.css
const SVG = 'http://www.w3.org/2000/svg';
const HEIGHT = 230;
const el = (tag, className = '', text = '') => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== '') node.textContent = text;
  return node;
};
const svg = (tag, attributes, text = '') => {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text) node.textContent = text;
  return node;
};
const percent = (share) => `${Math.round(100 * share)}%`;
const number = (n) => (typeof n === 'number' ? String(Number(n.toPrecision(4))) : String(n));
const mean = (scores) => scores.reduce((sum, s) => sum + s, 0) / (scores.length || 1);
const short = (name, most) => (name.length > most ? `${name.slice(0, most - 1)}…` : name);
const seconds = (s) => (s < 90 ? `${Math.max(1, Math.round(s))} s` : `${Math.round(s / 60)} min`);

// ---------------------------------------------------------------- page

let board = { state: 'idle', axes: [] };
let here = null; // the point that is looked at: "i" or "i,j"
let loaded = null;
let touched = false; // until then the best point is looked at
let seq = 0;
let buttons = new Map(); // point -> its buttons, one in each map
let shape = ''; // what the charts were built for

const status = el('p', 'ex-status');
const track = el('div', 'ex-track');
const fill = el('div', 'ex-fill');
const alarm = el('p', 'ex-alarm');
const legend = el('div', 'ex-legend');
const charts = el('div', 'ex-charts');
const hint = el('p', 'ex-hint');
const panel = el('div', 'ex-panel');
const numbers = el('details', 'ex-numbers');
const summary = el('summary', '', 'All numbers as a table');
const scroll = el('div', 'ex-scroll');
const live = el('div', 'ex-hidden');
live.setAttribute('aria-live', 'polite');
alarm.setAttribute('role', 'alert');
track.setAttribute('role', 'progressbar');
track.setAttribute('aria-label', 'Trials done');
track.append(fill);
numbers.append(summary, scroll);
root.append(status, track, alarm, legend, charts, hint, panel, numbers, live);

const key = (at) => at.join(',');
const points = () => new Map((board.points || []).map((p) => [key(p.at), p]));
const where = (at) => board.axes.map((axis, d) => `${axis.label} = ${number(axis.values[at[d]])}`).join(', ');
const told = (p) => (p.scores ? board.skills.map((s, i) => `${s} ${percent(p.scores[i])}`).join(', ') : p.note);

function words() {
  const done = (board.points || []).length;
  const of = `${done} of ${board.total}`;
  if (board.state === 'waiting') return 'Waiting for a free place… other people are exploring.';
  if (board.state === 'busy') return done ? `${of} tried, about ${seconds(board.left)} left` : 'Making ready…';
  if (board.state === 'stopped') return done ? `Stopped after ${of}; what was found stays.` : 'Stopped before the first was done.';
  if (board.state === 'failed') return '';
  if (board.state !== 'done') return 'Nothing tried yet. Choose what to vary and press “Try them all”.';
  if (board.best === null || board.best === undefined) return 'None of these could be merged.';
  const best = board.points[board.best];
  return `Best: ${where(best.at)} (${told(best)})`;
}

// ---------------------------------------------------------------- drawing

function draw() {
  status.textContent = words();
  alarm.textContent = board.error || '';
  alarm.hidden = !board.error;
  const busy = board.state === 'busy' || board.state === 'waiting';
  track.hidden = !busy;
  const done = (board.points || []).length;
  fill.style.width = board.total && board.state === 'busy' ? `${(100 * done) / board.total}%` : '0';
  track.setAttribute('aria-valuemin', '0');
  track.setAttribute('aria-valuemax', String(board.total || 1));
  track.setAttribute('aria-valuenow', String(done));
  const found = points();
  const now = JSON.stringify([board.axes, board.skills]);
  if (now !== shape) {
    shape = now;
    here = loaded = null;
    touched = false;
    build();
  }
  const empty = !board.axes.length;
  for (const part of [charts, legend, panel, numbers, hint]) part.hidden = empty || (part !== charts && !done);
  if (empty) return;
  const best = board.best === null || board.best === undefined ? '' : key(board.points[board.best].at);
  for (const [at, own] of buttons) paint(at, own, found.get(at), at === best);
  if (board.axes.length === 1) line(found, best);
  hint.textContent = 'Click a point, or press Enter on it, to load its recipe. Arrow keys move between points.';
  if (!touched && done) here = best || key(board.points[0].at);
  look();
  table(found, best);
}

function build() {
  charts.replaceChildren();
  legend.replaceChildren();
  buttons = new Map();
  charts.classList.toggle('ex-line', board.axes.length === 1);
  if (board.axes.length === 1) buildLine();
  if (board.axes.length === 2) buildMaps();
}

function button(at) {
  const node = el('button', 'ex-point');
  node.type = 'button';
  node.tabIndex = -1;
  node.dataset.at = at;
  buttons.set(at, [...(buttons.get(at) || []), node]);
  return node;
}

function paint(at, own, point, best) {
  for (const node of own) {
    const map = node.dataset.skill === undefined ? null : Number(node.dataset.skill);
    const told_ = point ? told(point) : 'not tried yet';
    const state = `${best ? 'Best. ' : ''}${at === loaded ? 'Loaded. ' : ''}`;
    node.setAttribute('aria-label', `${state}${where(at.split(',').map(Number))}: ${told_}`);
    node.classList.toggle('ex-best', best);
    node.classList.toggle('ex-loaded', at === loaded);
    node.classList.toggle('ex-tried', Boolean(point));
    node.setAttribute('aria-disabled', String(!point || !point.scores));
    if (map === null) continue;
    const share = point && point.scores ? (map < 0 ? mean(point.scores) : point.scores[map]) : null;
    node.style.setProperty('--v', share === null ? 0 : Math.round(100 * share));
    node.classList.toggle('ex-over', share !== null && share > 0.62); // where dark type reads better on the dark ramp
    node.classList.toggle('ex-strong', share !== null && share > 0.77); // and light type on the light one
    node.classList.toggle('ex-failed', Boolean(point && !point.scores));
    node.querySelector('span').textContent = share === null ? (point ? '×' : '') : String(Math.round(100 * share));
  }
}

// One line for each skill; a column of the whole height is each step's button.
let drawing = null;
function buildLine() {
  const box = el('div', 'ex-box');
  drawing = svg('svg', { class: 'ex-svg', 'aria-hidden': 'true' });
  const row = el('div', 'ex-steps');
  row.setAttribute('role', 'group');
  row.setAttribute('aria-label', `Steps of ${board.axes[0].label}`);
  board.axes[0].values.forEach((_, i) => row.append(button(String(i))));
  box.append(drawing, row);
  charts.append(box);
  board.skills.forEach((skill, i) => {
    const item = el('span', 'ex-item');
    const sample = svg('svg', { width: 26, height: 12, 'aria-hidden': 'true' });
    sample.append(svg('line', { x1: 0, x2: 26, y1: 6, y2: 6, class: `ex-stroke ex-slot-${i % SLOTS} ex-dash-${i % 4}` }), mark(13, 6, i));
    item.append(sample, el('span', '', skill));
    legend.append(item);
  });
}

function mark(x, y, i) {
  const shapes = [
    `M${x - 4},${y}a4,4 0 1,0 8,0a4,4 0 1,0 -8,0`,
    `M${x - 4},${y - 4}h8v8h-8z`,
    `M${x},${y - 5}l5,9h-10z`,
    `M${x},${y - 5}l5,5l-5,5l-5,-5z`,
  ];
  return svg('path', { d: shapes[i % 4], class: `ex-fillmark ex-slot-${i % SLOTS}` });
}

function line(found, best) {
  const width = Math.max(240, charts.clientWidth || 600);
  const values = board.axes[0].values;
  const right = board.marks.length ? Math.min(165, width * 0.34) : 14;
  const [left, top, bottom] = [40, 18, 30];
  const step = values.length > 1 ? (width - left - right - 16) / (values.length - 1) : 0;
  const x = (i) => left + 8 + i * step;
  const y = (share) => top + (1 - share) * (HEIGHT - top - bottom);
  drawing.setAttribute('viewBox', `0 0 ${width} ${HEIGHT}`);
  drawing.setAttribute('width', width);
  drawing.setAttribute('height', HEIGHT);
  drawing.replaceChildren();
  for (const share of [0, 0.5, 1]) {
    drawing.append(svg('line', { x1: left, x2: width - right, y1: y(share), y2: y(share), class: 'ex-grid' }));
    drawing.append(svg('text', { x: left - 6, y: y(share) + 4, class: 'ex-tick', 'text-anchor': 'end' }, percent(share)));
  }
  const every = Math.ceil(44 / (step || 44));
  values.forEach((value, i) => {
    if (i % every && i !== values.length - 1) return;
    drawing.append(svg('text', { x: x(i), y: HEIGHT - 12, class: 'ex-tick', 'text-anchor': 'middle' }, number(value)));
  });
  if (best) {
    drawing.append(svg('text', { x: x(Number(best)), y: 12, class: 'ex-star', 'text-anchor': 'middle' }, '★ best'));
  }
  const tried = values.map((_, i) => found.get(String(i)));
  board.skills.forEach((_, s) => {
    const done = tried.map((p, i) => (p && p.scores ? [x(i), y(p.scores[s])] : null)).filter(Boolean);
    const path = done.map(([a, b], i) => `${i ? 'L' : 'M'}${a},${b}`).join('');
    drawing.append(svg('path', { d: path, class: `ex-stroke ex-slot-${s % SLOTS} ex-dash-${s % 4}` }));
    done.forEach(([a, b]) => drawing.append(mark(a, b, s)));
  });
  tried.forEach((p, i) => {
    if (p && !p.scores) drawing.append(svg('text', { x: x(i), y: y(0) - 4, class: 'ex-cross', 'text-anchor': 'middle' }, '×'));
  });
  if (right > 20) {
    drawing.append(svg('text', { x: width - right + 12, y: HEIGHT - 12, class: 'ex-tick' }, 'alone'));
  }
  // What the models do alone: a tick at its level for each, the best of each skill with its name.
  const labels = [];
  const letters = Math.floor((right - 14) / 6.8);
  const alone_ = letters > 18 ? ' alone' : '';
  board.skills.forEach((_, s) => {
    let most = null;
    for (const alone of board.marks) {
      drawing.append(svg('line', { x1: width - right, x2: width - right + 8, y1: y(alone.scores[s]), y2: y(alone.scores[s]), class: `ex-stroke ex-slot-${s % SLOTS}` }));
      if (!most || alone.scores[s] > most.scores[s]) most = alone;
    }
    if (most) labels.push({ s, at: y(most.scores[s]), text: `${short(most.name, letters - alone_.length - 5)}${alone_} ${percent(most.scores[s])}` });
  });
  labels.sort((a, b) => a.at - b.at);
  labels.forEach((label, i) => {
    label.at = Math.max(label.at, i ? labels[i - 1].at + 14 : 0);
    drawing.append(svg('text', { x: width - right + 12, y: label.at + 4, class: `ex-mark ex-slot-${label.s % SLOTS}` }, label.text));
  });
  for (const [at, [node]] of buttons) {
    const wide = Math.max(20, step || 40);
    node.style.left = `${x(Number(at)) - wide / 2}px`;
    node.style.width = `${wide}px`;
  }
}

// One map for each skill, and before them one of their mean; the second slider goes up.
function buildMaps() {
  const [across, up] = board.axes.map((axis) => axis.values);
  const maps = board.skills.length > 1 ? [-1, ...board.skills.keys()] : [0];
  for (const s of maps) {
    const figure = el('figure', 'ex-map');
    figure.append(el('figcaption', '', s < 0 ? 'all together (mean)' : board.skills[s]));
    const grid = el('div', 'ex-cells');
    grid.setAttribute('role', 'group');
    grid.setAttribute('aria-label', `${s < 0 ? 'Mean of all skills' : board.skills[s]}, percent right`);
    grid.style.gridTemplateColumns = `auto repeat(${across.length}, minmax(0, 1fr))`;
    for (let j = up.length - 1; j >= 0; j -= 1) {
      grid.append(el('span', 'ex-side', number(up[j])));
      across.forEach((_, i) => {
        const node = button(`${i},${j}`);
        node.dataset.skill = s;
        node.append(el('span'));
        grid.append(node);
      });
    }
    grid.append(el('span'));
    const every = Math.ceil(across.length / 6);
    across.forEach((value, i) => grid.append(el('span', 'ex-foot', i % every && i !== across.length - 1 ? '' : number(value))));
    figure.append(grid);
    charts.append(figure);
  }
  legend.append(el('span', 'ex-item', `→ ${board.axes[0].label}`), el('span', 'ex-item', `↑ ${board.axes[1].label}`));
  const ramp = el('span', 'ex-item');
  ramp.append(el('span', '', '0%'), el('span', 'ex-ramp'), el('span', '', '100% right'));
  legend.append(ramp);
}

// The point that is looked at: its numbers and what was said there.
function look() {
  for (const [at, own] of buttons) {
    for (const node of own) {
      node.tabIndex = -1;
      node.classList.toggle('ex-here', at === here);
    }
  }
  const own = buttons.get(here);
  if (own) for (const node of own) node.tabIndex = 0;
  panel.replaceChildren();
  const point = points().get(here);
  if (!point) return;
  panel.append(el('h4', 'ex-title', where(point.at)));
  panel.append(el('p', point.scores ? 'ex-told' : 'ex-note', `${told(point)}${here === loaded ? ' · loaded' : ''}`));
  const list = el('dl', 'ex-says');
  for (const [prompt, said, right] of point.says || []) {
    const verdict = right === null ? '' : right ? '✓ ' : '✗ ';
    list.append(el('dt', '', prompt));
    const answer = el('dd', right === false ? 'ex-wrong' : '', `${verdict}${said || '(nothing)'}`);
    if (right !== null) answer.setAttribute('aria-label', `${right ? 'right' : 'wrong'}: ${said}`);
    list.append(answer);
  }
  panel.append(list);
}

function table(found, best) {
  const grid = el('table', 'ex-table');
  const head = el('tr');
  const ask = board.axes.length === 1 && board.prompt;
  for (const axis of board.axes) head.append(el('th', '', axis.label));
  for (const skill of board.skills) head.append(el('th', '', skill));
  if (ask) head.append(el('th', 'ex-ask', `“${short(board.prompt, 60)}”`));
  const body = el('tbody');
  const rows = [...found.values()].sort((a, b) => a.at[0] - b.at[0] || (a.at[1] || 0) - (b.at[1] || 0));
  for (const point of rows) {
    const row = el('tr', key(point.at) === best ? 'ex-best' : '');
    board.axes.forEach((axis, d) => {
      const cell = el(d ? 'td' : 'th', '', `${number(axis.values[point.at[d]])}${!d && key(point.at) === best ? ' ★' : ''}`);
      row.append(cell);
    });
    board.skills.forEach((_, s) => row.append(el('td', '', point.scores ? percent(point.scores[s]) : '–')));
    if (ask) row.append(el('td', 'ex-text', point.scores ? ((point.says || []).find((a) => a[2] === null) || ['', ''])[1] : point.note));
    body.append(row);
  }
  for (const alone of board.marks) {
    const row = el('tr', 'ex-alone');
    const name = el('th', '', `${alone.name} alone`);
    name.colSpan = board.axes.length;
    row.append(name);
    board.skills.forEach((_, s) => row.append(el('td', '', percent(alone.scores[s]))));
    if (ask) row.append(el('td'));
    body.append(row);
  }
  const top = el('thead');
  top.append(head);
  grid.append(top, body);
  grid.querySelectorAll('thead th').forEach((cell) => cell.setAttribute('scope', 'col'));
  grid.querySelectorAll('tbody th').forEach((cell) => cell.setAttribute('scope', 'row'));
  scroll.replaceChildren(grid);
}

// ---------------------------------------------------------------- hands

const pointOf = (event) => event.target.closest && event.target.closest('.ex-point');

charts.addEventListener('pointerover', (event) => {
  const node = pointOf(event);
  if (node && node.classList.contains('ex-tried') && node.dataset.at !== here) {
    touched = true;
    here = node.dataset.at;
    look();
  }
});
charts.addEventListener('focusin', (event) => {
  const node = pointOf(event);
  touched = touched || Boolean(node);
  if (node && node.dataset.at !== here) {
    here = node.dataset.at;
    look();
  }
});
charts.addEventListener('click', (event) => {
  const node = pointOf(event);
  const point = node && points().get(node.dataset.at);
  if (!point || !point.scores) return;
  here = loaded = node.dataset.at;
  draw();
  seq += 1;
  props.value = { picked: [...point.at], seq };
  trigger('select');
  live.textContent = `Loaded: ${where(point.at)}`;
});
charts.addEventListener('keydown', (event) => {
  const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  const node = pointOf(event);
  if (!node || (!move && event.key !== 'Home' && event.key !== 'End')) return;
  event.preventDefault();
  const at = node.dataset.at.split(',').map(Number);
  const sizes = board.axes.map((axis) => axis.values.length);
  if (move && board.axes.length === 1) at[0] += move[0] || move[1];
  else if (move) [at[0], at[1]] = [at[0] + move[0], at[1] + move[1]];
  else at[0] = event.key === 'Home' ? 0 : sizes[0] - 1;
  if (at.some((i, d) => i < 0 || i >= sizes[d])) return;
  const next = buttons.get(key(at)).find((other) => other.dataset.skill === node.dataset.skill);
  here = key(at);
  look();
  next.focus();
});

// ---------------------------------------------------------------- life

let last = '';
function take() {
  let fresh;
  try {
    fresh = typeof props.data === 'string' ? JSON.parse(props.data) : props.data;
  } catch {
    return;
  }
  if (!fresh || typeof fresh !== 'object') return;
  const before = board.state;
  board = { ...(fresh.axes ? { points: [], marks: [], skills: [], best: null } : board), error: '', ...fresh };
  draw();
  if (before !== 'busy' && board.state === 'busy') numbers.open = board.axes.length === 1;
  if (board.state !== before && ['done', 'stopped', 'waiting'].includes(board.state)) live.textContent = words();
}
watch('data', take);
new ResizeObserver(() => {
  const width = String(charts.clientWidth);
  if (width !== last && board.axes.length === 1) {
    last = width;
    line(points(), board.best === null || board.best === undefined ? '' : key(board.points[board.best].at));
  }
}).observe(charts);
take();
