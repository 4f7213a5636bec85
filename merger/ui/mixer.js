// The Mixer. Gradio runs this once per mount with `element, trigger, props, watch`; `CSS` is put before it.
//
// props.value  {lanes: {path: [number per column]}, seq, picked?}    the only thing that goes back to Python
// props.board  {columns: [{label, kind: embed|layer|norm|head, layer}], params: [{name, label, help}],
//               lanes: [{path, model, param, slot, low, high, view: [lo, hi], step, default, name, note}],
//               initial?: {path: [...]}, locked?: bool, note?: why it is locked}
// props.stats  {rows: [{label, values}], summary, note, lanes: {path: remark}}
// board and stats may also come as JSON text, and should: Gradio copies every leaf of every prop at each update,
// a third of the main thread at 3 x 80.
// events       input    while editing, at most one per 40 ms, the last always leaves
//              release  an edit is complete: pointer up, button, or 300 ms after the last key
//              select   a cell of the strip was chosen: value.picked = {column, row}, evt.index = [column, row]
//
// Names and labels are hostile: text enters only through textContent, setAttribute and the canvas.

const root = element.querySelector('.mixer');
const style = document.createElement('style');
style.textContent = CSS;
element.append(style);

// ---------------------------------------------------------------- constants

const SEND_MS = 40;
const KEY_MS = 300;
const DOUBLE_MS = 350;
const UNDO_STEPS = 200;
const COARSE = matchMedia('(pointer: coarse)').matches; // fingers
const GAP = COARSE ? 22 : 18; // between layer columns and the edge columns; the ramp handles live here
const KNOB = COARSE ? 9 : 6;
const AXIS = 34; // left gutter: scale of the faders, row labels of the strip
const RANGES = [[0, 1], [0, 2], [0, 4], [-1, 1], [-2, 2]];
const EDGE_LABEL = { embed: 'emb', norm: 'norm', head: 'head' };
const FONT = '10px system-ui, -apple-system, "Segoe UI", sans-serif';
// One colour per model slot, [light, dark]; the same list stands in answers.css.
const SLOTS = [
  ['#e8590c', '#ff8f4d'], ['#1971c2', '#64adf0'], ['#2f9e44', '#5cc872'], ['#9c36b5', '#d58ce8'],
  ['#0c8599', '#3fc4d8'], ['#c2255c', '#f487ae'], ['#8f6a00', '#dcb33c'], ['#5c677d', '#a9b4c6'],
];
const LEAD = ['#7048e8', '#a48cf5'];
const RAMP = [['#f1f3f5', '#a63a00'], ['#262a33', '#ff922b']]; // conflict 0 to 1, light and dark

const clamp = (x, lo, hi) => Math.min(hi, Math.max(lo, x));
const el = (tag, className = '', text = '') => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
};
const button = (text, act, name = '') => {
  const node = el('button', 'mx-button', text);
  node.type = 'button';
  if (name) node.setAttribute('aria-label', name);
  node.addEventListener('click', act);
  return node;
};
const sameNumbers = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
const isDark = () => document.body.classList.contains('dark');
const read = (given) => (typeof given === 'string' ? JSON.parse(given || '{}') : structuredClone(given ?? {}));
const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));
const alpha = (hex, a) => `rgba(${rgb(hex).join(',')},${a})`;
const mixHex = (a, b, t) => `rgb(${rgb(a).map((x, i) => Math.round(x + (rgb(b)[i] - x) * t)).join(',')})`;
const percent = (x) => `${Math.round(100 * x)}%`;

// ---------------------------------------------------------------- state

let board = { columns: [], params: [], lanes: [] };
let lanes = {}; // path -> numbers; an edit replaces the array, so a shallow copy is a snapshot
let seq = 0;
let picked = null;
let stats = {};
let param = ''; // the parameter shown
let selected = ''; // path of the lane that shapes act on
let baseline = {}; // what Python sent last: Reset without board.initial
let adopted = false; // false while the lanes hold defaults only
const views = {}; // param -> [lo, hi]
const linked = {}; // param -> columns sum to 1
const muted = {}; // path -> numbers before muting
const cursor = {}; // path -> focused column
const history = { undo: [], redo: [] };
let gesture = null; // a drag in progress
let typing = null; // a burst of keys in progress: {before, timer}
let lastTap = null;
let banks = []; // the lanes on screen
let width = 0;

const laneOf = (path) => board.lanes.find((lane) => lane.path === path);
const shown = () => board.lanes.filter((lane) => lane.param === param);
const selectedLane = () => shown().find((lane) => lane.path === selected) ?? shown()[0];
const layerColumns = () => board.columns.map((c, i) => (c.kind === 'layer' ? i : -1)).filter((i) => i >= 0);
const colour = (slot) => (Number.isInteger(slot) ? SLOTS[slot % SLOTS.length] : LEAD)[isDark() ? 1 : 0];
const snap = (lane, x) => {
  const step = lane.step || 0.01;
  return Number(clamp(Math.round(x / step) * step, lane.low, lane.high).toFixed(4));
};
const defaults = (lane) => board.columns.map(() => lane.default ?? 0);

function readLanes(source) {
  const out = {};
  for (const lane of board.lanes) {
    const given = source?.[lane.path];
    const fallback = lane.default ?? 0;
    out[lane.path] = board.columns.map((_, i) => {
      const x = given?.[i];
      return typeof x === 'number' && Number.isFinite(x) ? x : fallback;
    });
  }
  return out;
}

const hasAll = (source) => board.lanes.every((lane) => Array.isArray(source?.[lane.path]));
const differ = (a, b) => board.lanes.some(({ path }) => !sameNumbers(a[path] ?? [], b[path] ?? []));

// ---------------------------------------------------------------- to Python

let sent = 0;
let timer = 0;
let waiting = false;

function post() {
  clearTimeout(timer);
  timer = 0;
  waiting = false;
  sent = performance.now();
  seq += 1;
  props.value = structuredClone(picked ? { lanes, seq, picked } : { lanes, seq });
  trigger('input');
}

function send() {
  waiting = true;
  if (timer) return;
  const rest = SEND_MS - (performance.now() - sent);
  if (rest <= 0) post();
  else timer = setTimeout(post, rest);
}

function release() {
  if (waiting) post();
  trigger('release');
}

// ---------------------------------------------------------------- edits and history

function put(path, numbers) {
  lanes = { ...lanes, [path]: numbers };
  mark(path);
}

function remember(before) {
  history.undo.push(before);
  if (history.undo.length > UNDO_STEPS) history.undo.shift();
  history.redo = [];
  drawButtons();
}

// One complete edit: `change` alters lanes; undo step, input and release follow if anything moved.
function edit(change) {
  if (board.locked) return;
  finishTyping();
  const before = lanes;
  change();
  if (!differ(before, lanes)) return;
  remember(before);
  widen();
  send();
  release();
  drawButtons();
}

function step(from, to) {
  const target = from.pop();
  if (!target || board.locked) return;
  to.push(lanes);
  lanes = target;
  widen();
  markAll();
  send();
  release();
  drawButtons();
}
const undo = () => { finishTyping(); step(history.undo, history.redo); };
const redo = () => { finishTyping(); step(history.redo, history.undo); };

// `total` split in the proportion of `sizes` (evenly if all are 0), rounded so that the sum is still exact.
function share(total, sizes, lane) {
  const sum = sizes.reduce((a, b) => a + b, 0);
  let exact = 0;
  let given = 0;
  return sizes.map((size) => {
    exact += sum > 0 ? (total * size) / sum : total / sizes.length;
    const part = snap(lane, exact - given);
    given += part;
    return part;
  });
}

// New numbers for one lane; with Link on, the other lanes share what is left of 1 in their old proportion.
function assign(lane, numbers, start = lanes) {
  put(lane.path, numbers);
  if (!linked[param]) return;
  const others = shown().filter((other) => other.path !== lane.path);
  const next = others.map((other) => [...lanes[other.path]]);
  numbers.forEach((x, i) => {
    if (x === start[lane.path][i]) return others.forEach((o, k) => { next[k][i] = start[o.path][i]; }); // untouched
    const parts = share(Math.max(0, 1 - x), others.map((o) => Math.max(0, start[o.path][i])), lane);
    parts.forEach((part, k) => { next[k][i] = part; });
    return undefined;
  });
  others.forEach((o, k) => put(o.path, next[k]));
}

function linkNow() {
  const all = shown();
  const next = all.map((lane) => [...lanes[lane.path]]);
  board.columns.forEach((_, i) => {
    const parts = share(1, all.map((lane) => Math.max(0, lanes[lane.path][i])), all[0]);
    parts.forEach((part, k) => { next[k][i] = part; });
  });
  all.forEach((lane, k) => put(lane.path, next[k]));
}

// Shapes run over the layer columns, between the lane's lowest and highest value (or 0 and its highest).
const SHAPES = {
  Flat: null,
  Rise: (t) => t,
  Fall: (t) => 1 - t,
  Hill: (t) => Math.sin(Math.PI * t),
  Valley: (t) => 1 - Math.sin(Math.PI * t),
};

function onLayers(lane, fn) {
  const columns = layerColumns();
  const old = columns.map((c) => lanes[lane.path][c]);
  const numbers = [...lanes[lane.path]];
  columns.forEach((c, k) => { numbers[c] = snap(lane, fn(old[k], k, old)); });
  assign(lane, numbers);
}

function shape(name) {
  const lane = selectedLane();
  if (!lane) return;
  edit(() => {
    const old = layerColumns().map((c) => lanes[lane.path][c]);
    const mean = old.reduce((a, b) => a + b, 0) / (old.length || 1);
    let [lo, hi] = [Math.min(...old), Math.max(...old)];
    if (hi - lo < 1e-9) [lo, hi] = hi === 0 ? [0, Math.min(1, lane.high)] : [Math.min(0, hi), Math.max(0, hi)];
    const curve = SHAPES[name];
    onLayers(lane, (_, k) => (curve ? lo + (hi - lo) * curve(old.length > 1 ? k / (old.length - 1) : 0) : mean));
  });
}

const mirror = (lane) => onLayers(lane, (_, k, old) => old[old.length - 1 - k]);
const invert = (lane) => onLayers(lane, (x) => view()[0] + view()[1] - x);
const smooth = (lane) => onLayers(lane, (x, k, old) => ((old[k - 1] ?? x) + 2 * x + (old[k + 1] ?? x)) / 4);
const lift = (lane, by) => assign(lane, lanes[lane.path].map((x) => snap(lane, x + by)));

function isMuted(path) {
  return Boolean(muted[path]) && lanes[path].every((x) => x === 0);
}

function mute(lane) {
  edit(() => {
    if (isMuted(lane.path)) {
      assign(lane, muted[lane.path]);
      delete muted[lane.path];
    } else {
      muted[lane.path] = lanes[lane.path];
      assign(lane, lanes[lane.path].map(() => 0));
    }
  });
}

const resetTo = (lane) => readLanes({ ...baseline, ...board.initial })[lane.path];
const resetAll = () => edit(() => board.lanes.forEach((lane) => put(lane.path, resetTo(lane))));

// ---------------------------------------------------------------- view range

const view = () => views[param] ?? [0, 1];

function ranges() {
  const all = shown();
  const inside = ([lo, hi]) => all.every((lane) => lo >= lane.low && hi <= lane.high);
  const list = RANGES.filter(inside);
  const own = [...all.map((lane) => lane.view), views[param]].filter(Boolean);
  for (const range of own) if (!list.some((other) => sameNumbers(other, range))) list.push(range);
  return list;
}

// The view grows when a value lies outside of it; it never hides a number.
function widen() {
  const all = shown();
  if (!all.length) return;
  const numbers = all.flatMap((lane) => lanes[lane.path]);
  const [lo, hi] = [Math.min(...numbers), Math.max(...numbers)];
  const now = view();
  if (lo >= now[0] && hi <= now[1]) return;
  const holds = (range) => range[0] <= Math.min(lo, now[0]) && range[1] >= Math.max(hi, now[1]);
  views[param] = RANGES.find(holds) ?? [Math.floor(Math.min(lo, now[0])), Math.ceil(Math.max(hi, now[1]))];
  drawRange();
  markAll();
}

// ---------------------------------------------------------------- geometry, shared by strip, faders and scale

// Column boxes [{x, w, run}] and the layer run's end positions. A run is a group of like columns:
// painting stays in the run it began in, so an overshoot at the last layer does not touch the head.
let boxes = [];
let ends = null;

function layout(total) {
  const columns = board.columns;
  const inLayers = columns.map((c) => c.kind === 'layer');
  const edges = inLayers.filter((x) => !x).length;
  const cuts = inLayers.filter((x, i) => i > 0 && x !== inLayers[i - 1]).length;
  const first = inLayers.indexOf(true);
  const last = inLayers.lastIndexOf(true);
  // Half a gap where the layers touch the border, so that a handle always has its place.
  const lead = first === 0 ? GAP / 2 + 2 : 0;
  const tail = last === columns.length - 1 && last >= 0 ? GAP / 2 + 2 : 0;
  const space = total - cuts * GAP - lead - tail;
  const edge = edges && edges < columns.length ? clamp(space / columns.length, 10, 32) : space / (edges || 1);
  const wide = (space - edges * edge) / Math.max(1, columns.length - edges);
  let x = lead;
  let run = 0;
  boxes = columns.map((_, i) => {
    if (i > 0 && inLayers[i] !== inLayers[i - 1]) {
      x += GAP;
      run += 1;
    }
    const box = { x, w: inLayers[i] ? wide : edge, run };
    x += box.w;
    return box;
  });
  const at = (i, side) => boxes[i].x + (side > 0 ? boxes[i].w : 0) + (side * GAP) / 2;
  ends = last > first ? { first, last, x: [at(first, -1), at(last, 1)] } : null;
}

function columnAt(x, run = null) {
  let best = -1;
  let near = Infinity;
  boxes.forEach((box, i) => {
    if (run !== null && box.run !== run) return;
    const far = x < box.x ? box.x - x : Math.max(0, x - box.x - box.w);
    if (far < near) [best, near] = [i, far];
  });
  return best;
}

// ---------------------------------------------------------------- drawing, once per frame and only what changed

const dirty = new Set();
let frame = 0;

function mark(what) {
  dirty.add(what);
  if (!frame) frame = requestAnimationFrame(paint);
}
const markAll = () => { banks.forEach((bank) => mark(bank.lane.path)); mark('strip'); mark('scale'); };

function paint() {
  frame = 0;
  const todo = new Set(dirty);
  dirty.clear();
  if (!width) return;
  for (const bank of banks) {
    if (todo.has(bank.lane.path) || (bank.ghost && todo.has(bank.ghost.path))) drawBank(bank);
  }
  if (todo.has('strip')) drawStrip();
  if (todo.has('scale')) drawScale();
}

// A canvas cleared and scaled for its size on screen and the display's pixels.
function sheet(canvas) {
  const scale = window.devicePixelRatio || 1;
  const [w, h] = [canvas.clientWidth, canvas.clientHeight];
  const [pw, ph] = [Math.round(w * scale), Math.round(h * scale)];
  if (canvas.width !== pw || canvas.height !== ph) [canvas.width, canvas.height] = [pw, ph];
  const g = canvas.getContext('2d');
  g.setTransform(scale, 0, 0, scale, 0, 0);
  g.clearRect(0, 0, w, h);
  g.font = FONT;
  return [g, w, h];
}

const ink = (a) => (isDark() ? `rgba(255,255,255,${a})` : `rgba(0,0,0,${a})`);
const pad = 6; // above and below the scale, so that handles at the ends are whole
const toY = (x, h, [lo, hi]) => pad + (h - 2 * pad) * (1 - (clamp(x, lo, hi) - lo) / (hi - lo || 1));
const inset = (box) => (box.w > 14 ? 1.5 : box.w > 5 ? 0.75 : 0.25);

function drawBank(bank) {
  const { lane } = bank;
  const [g, w, h] = sheet(bank.canvas);
  const numbers = lanes[lane.path];
  const range = view();
  const c = colour(lane.slot);
  const x0 = AXIS;
  const zero = toY(0, h, range);
  const active = document.activeElement === bank.pad || bank.hover >= 0;
  const here = bank.hover >= 0 ? bank.hover : cursor[lane.path] ?? ends?.first ?? 0;

  boxes.forEach((box, i) => {
    const d = inset(box);
    const y = toY(numbers[i], h, range);
    g.fillStyle = alpha(c, isDark() ? 0.16 : 0.12);
    g.fillRect(x0 + box.x + d, pad, box.w - 2 * d, h - 2 * pad);
    g.fillStyle = alpha(c, active && i === here ? 1 : 0.78);
    const top = Math.min(y, zero);
    g.fillRect(x0 + box.x + d, top, box.w - 2 * d, Math.max(1.5, Math.abs(zero - y)));
  });

  // scale: the range's ends, and zero when it lies between
  g.fillStyle = ink(isDark() ? 0.62 : 0.6);
  g.textAlign = 'right';
  g.textBaseline = 'middle';
  const ticks = range[0] < 0 && range[1] > 0 ? [range[0], 0, range[1]] : range;
  for (const t of ticks) g.fillText(String(t), x0 - 10, clamp(toY(t, h, range), 6, h - 6));
  g.strokeStyle = ink(0.18);
  g.lineWidth = 1;
  if (range[0] < 0) line(g, [[x0, zero], [w, zero]]);
  if (range[1] > 1) dashed(g, [2, 3], () => line(g, [[x0, toY(1, h, range)], [w, toY(1, h, range)]]));

  if (bank.ghost) {
    const other = views[bank.ghost.param] ?? bank.ghost.view;
    g.strokeStyle = ink(0.55);
    g.lineWidth = 1.25;
    const runs = [];
    boxes.forEach((box, i) => {
      const y = toY(lanes[bank.ghost.path][i], h, other);
      (runs[box.run] ??= []).push([x0 + box.x, y], [x0 + box.x + box.w, y]);
    });
    dashed(g, [4, 3], () => runs.forEach((points) => line(g, points)));
  }

  if (ends && !board.locked) {
    [ends.first, ends.last].forEach((column, side) => {
      g.beginPath();
      g.arc(x0 + ends.x[side], toY(numbers[column], h, range), bank.grip === side ? KNOB + 1.5 : KNOB, 0, 2 * Math.PI);
      g.fillStyle = c;
      g.fill();
      g.lineWidth = 2;
      g.strokeStyle = isDark() ? '#1c1d21' : '#fff';
      g.stroke();
    });
  }
  describe(bank, here);
}

function line(g, points) {
  g.beginPath();
  points.forEach(([x, y], i) => (i ? g.lineTo(x, y) : g.moveTo(x, y)));
  g.stroke();
}

function dashed(g, pattern, draw) {
  g.setLineDash(pattern);
  draw();
  g.setLineDash([]);
}

// Words for a lane: read-out, slider value, mute button.
function describe(bank, here) {
  const { lane } = bank;
  const spot = bank.hover >= 0 ? here : cursor[lane.path] ?? here;
  const value = lanes[lane.path][spot] ?? 0;
  const label = board.columns[spot]?.label ?? '';
  bank.readout.textContent = `${label.replace(/ of \d+$/, '')} · ${value.toFixed(2)}`;
  const at = cursor[lane.path] ?? spot;
  const now = lanes[lane.path][at] ?? 0;
  const set = (name, text) => {
    if (bank.pad.getAttribute(name) !== text) bank.pad.setAttribute(name, text);
  };
  set('aria-valuenow', String(now));
  set('aria-valuemin', String(view()[0]));
  set('aria-valuemax', String(view()[1]));
  set('aria-valuetext', `${board.columns[at]?.label ?? ''}, ${lane.param} ${now.toFixed(2)}`);
  if (bank.mute) bank.mute.setAttribute('aria-pressed', String(isMuted(lane.path)));
}

// The columns' names under the faders, as many as fit.
function drawScale() {
  const [g, , h] = sheet(scaleCanvas);
  g.fillStyle = ink(isDark() ? 0.62 : 0.6);
  g.textAlign = 'center';
  g.textBaseline = 'middle';
  const layers = layerColumns();
  const each = layers.length ? boxes[layers[0]].w : 1;
  const every = [1, 2, 4, 5, 8, 10, 16, 20].find((n) => n * each >= 22) ?? 40;
  board.columns.forEach((column, i) => {
    const middle = AXIS + boxes[i].x + boxes[i].w / 2;
    if (column.kind === 'layer') {
      const n = column.layer ?? i;
      const last = i === layers[layers.length - 1];
      const room = (layers.length - 1 - layers.indexOf(i)) * each >= 22;
      if (last || (n % every === 0 && room)) g.fillText(String(n + 1), middle, h / 2);
    } else {
      const text = EDGE_LABEL[column.kind] ?? column.label;
      g.fillText(boxes[i].w >= 25 ? text : text[0].toUpperCase(), middle, h / 2);
    }
  });
}

// ---------------------------------------------------------------- the strip

let spot = null; // {column, row} under the pointer or the arrow keys

const rows = () => stats.rows ?? [];
const rowHeight = () => (stripCanvas.clientHeight - 2) / Math.max(1, rows().length);

function drawStrip() {
  const [g] = sheet(stripCanvas);
  const [lo, hi] = RAMP[isDark() ? 1 : 0];
  const tall = rowHeight();
  g.textAlign = 'right';
  g.textBaseline = 'middle';
  rows().forEach((row, r) => {
    const y = 1 + r * tall;
    g.fillStyle = ink(isDark() ? 0.7 : 0.65);
    g.fillText(String(row.label), AXIS - 10, y + tall / 2 + 0.5, AXIS - 12);
    boxes.forEach((box, i) => {
      const x = row.values?.[i];
      const d = box.w > 8 ? 0.5 : 0;
      if (typeof x === 'number' && Number.isFinite(x)) {
        g.fillStyle = mixHex(lo, hi, clamp(x, 0, 1));
        g.fillRect(AXIS + box.x + d, y + 0.5, box.w - 2 * d, tall - 1);
      } else {
        g.fillStyle = ink(0.05); // no such tensor here
        g.fillRect(AXIS + box.x + d, y + tall / 2 - 0.5, box.w - 2 * d, 1);
      }
    });
  });
  const mine = rows().findIndex((row) => row.label === picked?.row);
  if (picked && mine >= 0) frameCell(g, picked.column, mine, tall, 1.5, 0.8);
  if (spot) frameCell(g, spot.column, spot.row, tall, 2, 0.95);
}

function frameCell(g, column, row, tall, wide, a) {
  const box = boxes[column];
  if (!box) return;
  g.strokeStyle = ink(a);
  g.lineWidth = wide;
  g.strokeRect(AXIS + box.x, 1 + row * tall, box.w, tall);
}

function cellText({ column, row }) {
  const x = rows()[row]?.values?.[column];
  const amount = typeof x === 'number' ? percent(x) : 'nothing to compare';
  return `${board.columns[column]?.label ?? ''} · ${rows()[row]?.label ?? ''} · ${amount}`;
}

function point(next, spoken = false) {
  spot = next && rows().length && boxes.length ? next : null;
  mark('strip');
  tip.hidden = !spot;
  if (!spot) return;
  tip.textContent = cellText(spot);
  if (spoken) live.textContent = tip.textContent;
  const box = boxes[spot.column];
  const middle = stripCanvas.offsetLeft + AXIS + box.x + box.w / 2;
  tip.style.left = `${clamp(middle - tip.offsetWidth / 2, 0, Math.max(0, root.clientWidth - tip.offsetWidth))}px`;
  tip.style.top = `${stripCanvas.offsetTop + (spot.row + 1) * rowHeight() + 6}px`;
}

function pick() {
  if (!spot) return;
  const row = rows()[spot.row];
  picked = { column: spot.column, row: row.label };
  props.value = structuredClone({ lanes, seq, picked });
  const value = row.values?.[spot.column] ?? null;
  trigger('select', { index: [spot.column, row.label], value, ...picked });
  mark('strip');
}

function cellAt(event) {
  const box = stripCanvas.getBoundingClientRect();
  const column = columnAt(event.clientX - box.left - AXIS);
  const row = clamp(Math.floor((event.clientY - box.top - 1) / rowHeight()), 0, rows().length - 1);
  return { column, row };
}

// ---------------------------------------------------------------- pointer on a lane

function locate(bank, event) {
  const box = bank.canvas.getBoundingClientRect();
  const [lo, hi] = view();
  const x = event.clientX - box.left - AXIS;
  const y = event.clientY - box.top;
  return { x, y, h: box.height, value: hi - ((y - pad) / (box.height - 2 * pad)) * (hi - lo) };
}

// Which ramp handle lies under the pointer: 0, 1 or -1.
function gripAt(bank, at, touch) {
  if (!ends) return -1;
  const reach = touch ? 20 : 10;
  return [ends.first, ends.last].findIndex((column, side) => {
    const dy = at.y - toY(lanes[bank.lane.path][column], at.h, view());
    const dx = at.x - ends.x[side];
    return Math.abs(dx) <= GAP / 2 + 2 && Math.abs(dy) <= reach;
  });
}

function down(bank, event) {
  if (event.button !== 0 || board.locked || gesture) return;
  finishTyping();
  const at = locate(bank, event);
  const { lane } = bank;
  const touch = event.pointerType === 'touch';
  bank.pad.setPointerCapture(event.pointerId);
  const side = gripAt(bank, at, touch);
  const column = columnAt(at.x);
  const again = lastTap && lastTap.path === lane.path && lastTap.column === column && side < 0
    && event.timeStamp - lastTap.time < DOUBLE_MS;
  gesture = { bank, id: event.pointerId, before: lanes, side, run: boxes[column]?.run, column, moved: false };
  gesture.level = snap(lane, clamp(at.value, ...view()));
  if (again) { // the second tap of two: undo what the first one painted, and put the default there
    if (lastTap.kept) history.undo.pop();
    lanes = lastTap.before;
    Object.assign(gesture, { before: lanes, done: true });
    const numbers = [...lanes[lane.path]];
    numbers[column] = snap(lane, lane.default ?? 0);
    assign(lane, numbers);
    send();
  } else {
    move(bank, event);
  }
  bank.grip = side;
  selectLane(lane.path);
  event.preventDefault(); // no text selection; focus therefore by hand
  bank.pad.focus({ preventScroll: true });
}

function move(bank, event) {
  const at = locate(bank, event);
  const hover = columnAt(at.x, gesture?.run ?? null);
  if (!gesture) {
    const side = gripAt(bank, at, false);
    if (hover !== bank.hover || side !== bank.grip) {
      [bank.hover, bank.grip] = [hover, side];
      bank.pad.style.cursor = board.locked ? 'not-allowed' : side >= 0 ? 'ns-resize' : 'crosshair';
      mark(bank.lane.path);
    }
    return;
  }
  if (gesture.bank !== bank || gesture.id !== event.pointerId || gesture.done) return;
  const { lane } = bank;
  const value = snap(lane, clamp(at.value, ...view()));
  const start = gesture.before[lane.path];
  let numbers;
  if (gesture.side >= 0) {
    numbers = [...start];
    const from = gesture.side === 0 ? value : start[ends.first];
    const to = gesture.side === 1 ? value : start[ends.last];
    for (let i = ends.first; i <= ends.last; i += 1) {
      numbers[i] = snap(lane, from + ((to - from) * (i - ends.first)) / (ends.last - ends.first));
    }
    cursor[lane.path] = gesture.side === 0 ? ends.first : ends.last;
  } else {
    numbers = [...lanes[lane.path]];
    const column = hover;
    const last = gesture.last ?? { column, value };
    const target = event.shiftKey ? gesture.level : value;
    const from = event.shiftKey ? gesture.level : last.value;
    const span = Math.abs(column - last.column);
    const way = Math.sign(column - last.column);
    for (let k = 0; k <= span; k += 1) { // a fast pointer skips columns: draw the line between
      numbers[last.column + way * k] = snap(lane, span ? from + ((target - from) * k) / span : target);
    }
    if (gesture.last && column !== gesture.last.column) gesture.moved = true;
    gesture.last = { column, value: target };
    cursor[lane.path] = column;
  }
  bank.hover = cursor[lane.path];
  assign(lane, numbers, gesture.before);
  if (differ(gesture.sent ?? gesture.before, lanes)) {
    gesture.sent = lanes;
    send();
  }
}

function up(bank, event) {
  if (!gesture || gesture.bank !== bank || gesture.id !== event.pointerId) return;
  const { before, column, done, moved, side } = gesture;
  gesture = null;
  bank.grip = -1;
  const kept = differ(before, lanes);
  if (kept) remember(before);
  lastTap = done || moved || side >= 0 ? null : { path: bank.lane.path, column, before, kept, time: event.timeStamp };
  if (event.pointerType === 'touch') bank.hover = -1;
  mark(bank.lane.path);
  if (kept || done || waiting) release(); // `done`: the first tap's value was released already
}

// ---------------------------------------------------------------- keyboard on a lane

function finishTyping() {
  if (!typing) return;
  clearTimeout(typing.timer);
  const { before } = typing;
  typing = null;
  if (!differ(before, lanes)) return;
  remember(before);
  release();
}

function key(bank, event) {
  const { lane } = bank;
  const last = board.columns.length - 1;
  const at = clamp(cursor[lane.path] ?? ends?.first ?? 0, 0, last);
  const now = lanes[lane.path][at];
  const go = (column) => { cursor[lane.path] = clamp(column, 0, last); bank.hover = -1; mark(lane.path); };
  const fine = lane.step || 0.01;
  let value = null;
  let whole = null;
  if (event.ctrlKey || event.metaKey) return;
  switch (event.key) {
    case 'ArrowLeft': go(at - 1); break;
    case 'ArrowRight': go(at + 1); break;
    case 'ArrowUp': if (event.altKey) whole = 0.05; else value = now + (event.shiftKey ? 0.1 : fine); break;
    case 'ArrowDown': if (event.altKey) whole = -0.05; else value = now - (event.shiftKey ? 0.1 : fine); break;
    case 'PageUp': value = now + 0.1; break;
    case 'PageDown': value = now - 0.1; break;
    case 'Home': [value] = view(); break;
    case 'End': [, value] = view(); break;
    case ']': whole = 0.05; break;
    case '[': whole = -0.05; break;
    default:
      if (!/^[0-9]$/.test(event.key)) return;
      value = Number(event.key) / 10;
  }
  event.preventDefault();
  if ((value === null && whole === null) || board.locked) return;
  typing ??= { before: lanes, timer: 0 };
  bank.hover = -1;
  cursor[lane.path] = at;
  if (whole !== null) lift(lane, whole);
  else {
    const numbers = [...lanes[lane.path]];
    numbers[at] = snap(lane, value);
    assign(lane, numbers);
  }
  widen();
  send();
  clearTimeout(typing.timer);
  typing.timer = setTimeout(finishTyping, KEY_MS);
}

root.addEventListener('keydown', (event) => {
  if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
  const letter = event.key.toLowerCase();
  if (letter !== 'z' && letter !== 'y') return;
  event.preventDefault();
  if (letter === 'y' || event.shiftKey) redo();
  else undo();
});

// ---------------------------------------------------------------- the page

const toolbar = el('div', 'mx-toolbar');
const stripBox = el('div', 'mx-strip');
const lanesBox = el('div', 'mx-lanes');
const foot = el('div', 'mx-foot');
const scaleCanvas = el('canvas', 'mx-scale');
const hint = el('p', 'mx-hint');
const tip = el('div', 'mx-tip');
const live = el('div', 'mx-hidden');
const stripHead = el('div', 'mx-strip-head');
const stripTitle = el('span', 'mx-strip-title', 'Where they disagree');
const stripNote = el('span', 'mx-strip-note');
const stripSummary = el('span', 'mx-strip-summary');
const stripCanvas = el('canvas', 'mx-strip-canvas');
const legend = el('span', 'mx-legend');
tip.hidden = true;
tip.setAttribute('role', 'tooltip');
live.setAttribute('aria-live', 'polite');
scaleCanvas.setAttribute('aria-hidden', 'true');
legend.setAttribute('aria-hidden', 'true');
legend.append('agree', el('i'), 'clash');
stripCanvas.setAttribute('role', 'img');
stripCanvas.tabIndex = 0;
stripHead.append(stripTitle, stripNote, legend, stripSummary);
stripBox.append(stripHead, stripCanvas);
foot.append(scaleCanvas, hint);
root.append(toolbar, stripBox, lanesBox, foot, tip, live);

stripCanvas.addEventListener('pointermove', (event) => point(cellAt(event)));
stripCanvas.addEventListener('pointerleave', () => point(null));
stripCanvas.addEventListener('blur', () => point(null));
stripCanvas.addEventListener('click', (event) => { point(cellAt(event)); pick(); });
stripCanvas.addEventListener('keydown', (event) => {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const by = moves[event.key];
  if (by) {
    const from = spot ?? { column: by[0] > 0 ? -1 : 0, row: by[1] > 0 ? -1 : 0 };
    point({
      column: clamp(from.column + by[0], 0, board.columns.length - 1),
      row: clamp(from.row + by[1], 0, rows().length - 1),
    }, true);
  } else if (event.key === 'Enter' || event.key === ' ') pick();
  else if (event.key === 'Escape') point(null);
  else return;
  event.preventDefault();
});

const tools = {}; // buttons whose state changes: undo, redo, link, reset, shapes

function group(name, ...children) {
  const box = el('div', 'mx-group');
  box.setAttribute('role', 'group');
  box.setAttribute('aria-label', name);
  box.append(...children);
  return box;
}

function buildToolbar() {
  toolbar.replaceChildren();
  if (board.params.length > 1) {
    toolbar.append(group('What the bars show', ...board.params.map((p) => {
      const b = button(p.label || p.name, () => { finishTyping(); param = p.name; build(); });
      b.title = p.help ?? '';
      b.dataset.param = p.name;
      b.setAttribute('aria-pressed', String(p.name === param));
      return b;
    })));
  }
  tools.shapes = group('Shape', ...Object.keys(SHAPES).map((name) => button(name, () => shape(name))));
  const onSelected = (fn) => () => { const lane = selectedLane(); if (lane) edit(() => fn(lane)); };
  const change = [
    button('Mirror', onSelected(mirror)), button('Invert', onSelected(invert)), button('Smooth', onSelected(smooth)),
  ];
  change[0].title = 'First layer becomes last';
  change[1].title = 'High becomes low';
  change[2].title = 'Even out neighbours';
  tools.link = button('Link', () => {
    linked[param] = !linked[param];
    if (linked[param]) edit(linkNow);
    drawButtons();
  });
  tools.link.title = 'Keep every column at a sum of 1: raising one model lowers the others';
  if (shown().length > 1) change.push(tools.link);
  tools.undo = button('Undo', undo);
  tools.redo = button('Redo', redo);
  tools.reset = button('Reset', resetAll);
  tools.undo.title = 'Ctrl+Z';
  tools.redo.title = 'Ctrl+Shift+Z';
  tools.reset.title = 'Back to the preset';
  tools.range = el('select', 'mx-select');
  tools.range.setAttribute('aria-label', 'Range');
  tools.range.title = 'What the height of the bars covers; changes no number';
  tools.range.addEventListener('change', () => {
    views[param] = ranges()[tools.range.selectedIndex];
    widen();
    drawRange();
    markAll();
  });
  toolbar.append(
    tools.shapes, group('Change', ...change), group('History', tools.undo, tools.redo, tools.reset), tools.range,
  );
  drawRange();
  drawButtons();
}

function drawRange() {
  if (!tools.range) return;
  const list = ranges();
  const text = (x) => String(x).replace('-', '−');
  tools.range.replaceChildren(...list.map(([lo, hi]) => el('option', '', `${text(lo)} to ${text(hi)}`)));
  tools.range.selectedIndex = list.findIndex((range) => sameNumbers(range, view()));
  tools.range.hidden = list.length < 2;
}

function drawButtons() {
  if (!tools.undo) return;
  const locked = Boolean(board.locked);
  root.querySelectorAll('.mx-button:not([data-param])').forEach((b) => { b.disabled = locked; });
  // aria-disabled keeps the focus where it is when the last step is taken back
  tools.undo.setAttribute('aria-disabled', String(locked || !history.undo.length));
  tools.redo.setAttribute('aria-disabled', String(locked || !history.redo.length));
  tools.link.setAttribute('aria-pressed', String(Boolean(linked[param])));
}

function selectLane(path) {
  selected = path;
  banks.forEach((bank) => { bank.box.dataset.selected = String(bank.lane.path === path); });
  const lane = selectedLane();
  tools.shapes?.setAttribute('aria-label', `Shape of ${lane?.name ?? ''}`);
  if (tools.shapes) tools.shapes.title = `Shapes act on ${lane?.name ?? ''}`;
}

function buildLane(lane) {
  const box = el('section', 'mx-lane');
  box.dataset.path = lane.path;
  const head = el('div', 'mx-head');
  const name = el('span', 'mx-name', lane.model);
  name.title = lane.model;
  const remark = el('span', 'mx-remark');
  const readout = el('span', 'mx-readout');
  const bank = { lane, box, remark, readout, hover: -1, grip: -1, canvas: el('canvas', 'mx-canvas'), pad: el('div', 'mx-pad') };
  bank.ghost = board.lanes.find((other) => other.model === lane.model && other.slot === lane.slot && other.param !== param);
  const short = (text, small, act, label) => {
    const b = button('', act, label);
    b.append(el('span', 'mx-long', text), el('span', 'mx-short', small));
    b.title = label;
    return b;
  };
  const lower = button('−', () => { selectLane(lane.path); edit(() => lift(lane, -0.05)); }, `Lower ${lane.name}`);
  const raise = button('+', () => { selectLane(lane.path); edit(() => lift(lane, 0.05)); }, `Raise ${lane.name}`);
  lower.title = 'Whole lane down .05';
  raise.title = 'Whole lane up .05';
  const buttons = [lower, raise];
  if (lane.low <= 0 && lane.param === board.params[0]?.name && Number.isInteger(lane.slot)) {
    bank.mute = short('Mute', 'M', () => { selectLane(lane.path); mute(lane); }, `Mute ${lane.model}`);
    buttons.push(bank.mute);
  }
  buttons.push(short('Reset', '↺', () => {
    selectLane(lane.path);
    edit(() => assign(lane, resetTo(lane)));
  }, `Reset ${lane.name}`));
  const controls = el('div', 'mx-controls');
  controls.append(...buttons);
  head.append(el('i', 'mx-dot'), name, remark, readout, controls);

  bank.pad.tabIndex = 0;
  bank.pad.setAttribute('role', 'slider');
  bank.pad.setAttribute('aria-label', lane.name);
  bank.pad.setAttribute('aria-orientation', 'vertical');
  bank.pad.setAttribute('aria-disabled', String(Boolean(board.locked)));
  bank.canvas.setAttribute('aria-hidden', 'true');
  const track = el('div', 'mx-track');
  track.append(bank.canvas, bank.pad);
  box.append(head);
  if (lane.note) box.append(el('p', 'mx-note', lane.note));
  box.append(track);

  bank.pad.addEventListener('pointerdown', (event) => down(bank, event));
  bank.pad.addEventListener('pointermove', (event) => move(bank, event));
  bank.pad.addEventListener('pointerup', (event) => up(bank, event));
  bank.pad.addEventListener('pointercancel', (event) => up(bank, event));
  bank.pad.addEventListener('pointerleave', () => {
    if (gesture) return;
    [bank.hover, bank.grip] = [-1, -1];
    mark(lane.path);
  });
  bank.pad.addEventListener('keydown', (event) => key(bank, event));
  bank.pad.addEventListener('focus', () => { selectLane(lane.path); mark(lane.path); });
  bank.pad.addEventListener('blur', () => { finishTyping(); mark(lane.path); });
  return bank;
}

// Everything that depends on the board and the parameter shown.
function build() {
  if (!board.params.some((p) => p.name === param)) param = board.params[0]?.name ?? board.lanes[0]?.param ?? '';
  for (const lane of board.lanes) views[lane.param] ??= lane.view ?? [0, 1];
  gesture = null;
  const focused = banks.find((bank) => bank.pad === document.activeElement)?.lane.path;
  const keepParam = document.activeElement?.dataset?.param;
  banks = shown().map(buildLane);
  lanesBox.replaceChildren(...banks.map((bank) => bank.box));
  if (!laneOf(selected) || laneOf(selected).param !== param) {
    const model = laneOf(selected)?.model;
    selected = (shown().find((lane) => lane.model === model) ?? shown()[0])?.path ?? '';
  }
  buildToolbar();
  selectLane(selected);
  widen();
  const other = board.params.find((p) => p.name !== param);
  const ghost = other && banks.some((bank) => bank.ghost) ? ` · dashed line: ${other.label || other.name}` : '';
  hint.textContent = board.locked ? board.note ?? '' : `Drag to paint · Shift keeps a level · the round ends pull a ramp · double-click resets${ghost}`;
  root.dataset.locked = String(Boolean(board.locked));
  toolbar.hidden = Boolean(board.locked);
  resize();
  drawTexts();
  drawColours();
  if (focused) banks.find((bank) => bank.lane.path === focused)?.pad.focus({ preventScroll: true });
  if (keepParam) [...toolbar.querySelectorAll('[data-param]')].find((b) => b.dataset.param === param)?.focus();
}

function drawTexts() {
  stripBox.hidden = !rows().length;
  stripSummary.textContent = stats.summary ?? '';
  stripNote.textContent = stats.note ?? '';
  stripNote.title = stats.note ?? '';
  stripCanvas.setAttribute('aria-label', stats.summary || 'Where the models disagree');
  stripCanvas.setAttribute('aria-description', 'Arrow keys choose a cell, Enter opens it');
  stripCanvas.style.height = `${2 + rows().length * clamp(84 / (rows().length || 1), 11, 18)}px`;
  for (const bank of banks) {
    const text = stats.lanes?.[bank.lane.path] ?? '';
    bank.remark.textContent = text;
    bank.remark.title = text;
  }
  if (spot) point(spot.row < rows().length ? spot : null);
}

function drawColours() {
  root.style.setProperty('--mx-ramp', `linear-gradient(90deg, ${RAMP[isDark() ? 1 : 0].join(', ')})`);
  banks.forEach((bank) => bank.box.style.setProperty('--mx-colour', colour(bank.lane.slot)));
  markAll();
}

function resize() {
  width = lanesBox.clientWidth;
  if (!width || !banks.length) return;
  layout(banks[0].canvas.clientWidth - AXIS - 2);
  markAll();
}

// ---------------------------------------------------------------- from Python

function adopt(value) {
  const next = readLanes(value?.lanes);
  const complete = hasAll(value?.lanes);
  if (adopted && complete && differ(lanes, next)) remember(lanes); // a preset is one step that can be undone
  adopted = complete;
  lanes = next;
  if (complete) baseline = next;
  seq = Math.max(seq, Number(value?.seq) || 0);
  picked = value?.picked ?? null;
  for (const path of Object.keys(muted)) if (!isMuted(path)) delete muted[path];
  widen();
  markAll();
  drawButtons();
}

function takeBoard() {
  const paths = (b) => b.lanes.map((lane) => lane.path).join('\n') + b.columns.length;
  const old = paths(board);
  board = { columns: [], params: [], lanes: [], ...read(props.board) };
  if (paths(board) !== old) { // other lanes: the history means nothing any more
    if (typing) clearTimeout(typing.timer);
    [typing, gesture, lastTap, picked, adopted] = [null, null, null, null, false];
    [history.undo, history.redo] = [[], []];
    for (const store of [views, linked, muted, cursor]) for (const k of Object.keys(store)) delete store[k];
    adopt(props.value);
  }
  build();
}

watch('board', takeBoard);
watch('value', () => { if (!gesture && !typing) adopt(structuredClone(props.value)); });
watch('stats', () => { stats = read(props.stats); drawTexts(); mark('strip'); });

const sizes = new ResizeObserver(() => {
  if (!root.isConnected) sizes.disconnect();
  else resize();
});
sizes.observe(root);
const theme = new MutationObserver(() => {
  if (!root.isConnected) theme.disconnect();
  else drawColours();
});
theme.observe(document.body, { attributes: true, attributeFilter: ['class'] });

stats = read(props.stats);
takeBoard();
