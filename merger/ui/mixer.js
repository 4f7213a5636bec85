// The Mixer. Gradio runs this once per mount with `element, trigger, props, watch, server`; `CSS` and sketch.js are put before it.
//
// props.value  {lanes: {path: [number per column]}, seq, move, split, picked?}    the only thing that goes back to Python
//              move: "edit", "undo" or "redo" (what made these numbers); split: whether the lanes are halves, or should be
// props.board  {columns: [{label, kind: encoder|vision|audio|projector|embed|layer|more|norm|head, layer}], params: [{name, label, help}],
//               lanes: [{path, model, param, slot, low, high, view: [lo, hi], step, default, name, note,
//                        part?: "attention" or "MLP", off?: [columns where it has no tensors]}],
//               initial?: {path: [...]}, locked?: bool, note?: why it is locked,
//               split?, can_split?: one lane may be two, can_keep?: zero in a column leaves the base there,
//               can_undo?, can_redo?: whether the page has steps of its own (also in stats), seed?: of "Surprise me",
//               law?: how the strip follows the lanes without Python (sketch.js): {still: true}, it does not change; or
//               one with `sketch`, the word that `server.sample_of` wants}
// props.stats  {rows: [{label, values}], summary, note, lanes: {path: remark}, can_undo?, can_redo?, seq?: of which value};
//              or {kept: true, can_undo, can_redo, seq}: the strip that was drawn here stays
// board and stats may also come as JSON text, and should: Gradio copies every leaf of every prop at each update,
// a third of the main thread at 3 x 80.
// events       input    while editing, about 25 a second, the last always leaves; with a law that can be followed, never
//              release  an edit is complete: pointer up, button, or 300 ms after the last key
//              select   a cell of the strip was chosen: value.picked = {column, row}, evt.index = [column, row]
//              edit     lanes are to be split or joined: value.split says which; answer with a new value and board
//              undo     there is nothing left to take back here, and can_undo: take back a step of the page
//              retry    the same for redo
//
// Two histories, one Undo: the lanes' own steps come first. Once can_undo is known, every board that says something new and
// every value that Python sends ends the lanes' own history, for the page then remembers what was before it.
//
// Names and labels are hostile: text enters only through textContent, setAttribute and the canvas.

const root = element.querySelector('.mixer');
const style = document.createElement('style');
style.textContent = CSS;
element.append(style);

// ---------------------------------------------------------------- constants

const SEND_MS = 40;
const SOON_MS = 8; // a move this close to its turn is sent at once: the next would come only after it
const KEY_MS = 300;
const DOUBLE_MS = 350;
const UNDO_STEPS = 200;
const COARSE = matchMedia('(pointer: coarse)').matches; // fingers
const GAP = COARSE ? 22 : 18; // between layer columns and the edge columns; the ramp handles live here
const KNOB = COARSE ? 9 : 6;
const AXIS = 34; // left gutter: scale of the faders, row labels of the strip
const STEPS = [1, 2, 4, 10]; // layers that move as one
const RANGES = [[0, 1], [0, 2], [0, 4], [-1, 1], [-2, 2]];
const EDGE_LABEL = {
  encoder: 'enc', vision: 'see', audio: 'hear', projector: 'proj', embed: 'emb', more: 'more', norm: 'norm', head: 'head',
};
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
const frozen = {}; // path -> true: nothing moves this lane
const held = new Set(); // columns that nothing moves
let solo = null; // {slot, saved: {path: numbers}}: who alone is heard
let stride = 1; // layers that move as one
let zoom = null; // [first, last] column in view, or null for all
let more = false; // the second row of tools is open
let asked = false; // the page was asked to take a step back
let cause = 'edit'; // what made the numbers
let random = null; // the seeded sequence of "Surprise me"
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
const inView = (i) => !zoom || (i >= zoom[0] && i <= zoom[1]);
const isOff = (lane, i) => lane.off?.includes(i) ?? false;
const fixed = (lane, i) => Boolean(frozen[lane.path]) || held.has(i) || isOff(lane, i);
// What shapes and the dice work on: the layers in view that the lane has.
const reachable = (lane) => layerColumns().filter((i) => inView(i) && !isOff(lane, i));
const weightLanes = () => board.lanes.filter((lane) => lane.param === board.params[0]?.name && lane.low <= 0);
const page = {}; // can_undo and can_redo, as board or stats said last
const fromPage = (way) => page[way];
const hear = ({ can_undo: undoable = page.can_undo, can_redo: redoable = page.can_redo }) => {
  [page.can_undo, page.can_redo] = [undoable, redoable];
};

// The columns in view that move with column i: [first, last].
function span(i) {
  const columns = layerColumns();
  const k = columns.indexOf(i);
  if (k < 0 || stride < 2) return [i, i];
  const start = k - (k % stride);
  const [a, b] = [columns[start], columns[Math.min(columns.length, start + stride) - 1]];
  return inView(i) && zoom ? [Math.max(a, zoom[0]), Math.min(b, zoom[1])] : [a, b];
}

function label(i) {
  const [a, b] = span(i);
  const [from, to] = [board.columns[a], board.columns[b]];
  if (a === b || !from || !to) return board.columns[i]?.label ?? '';
  const total = layerColumns().length;
  return `layers ${(from.layer ?? a) + 1} to ${(to.layer ?? b) + 1} of ${total}`;
}
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
let meter = null; // (lanes) => stats, where the page can follow a drag by itself
let own = null; // its numbers, until Python's for the same lanes are there
const sketches = new Map(); // word -> a promise of a sample: the last few
const SKETCHES = 4;
const WARM_MS = 12; // at a time

const idle = (work) => (window.requestIdleCallback ? requestIdleCallback(work) : setTimeout(work, 16));

// A board came: can its strip be followed here?
async function takeLaw() {
  const { law } = board;
  [meter, own] = [null, null];
  if (!law?.sketch) return;
  const word = law.sketch;
  if (!sketches.has(word)) sketches.set(word, server.sample_of(word).then((sample) => (sample ? sketchOf(sample) : null)));
  for (const old of sketches.keys()) if (sketches.size > SKETCHES) sketches.delete(old);
  const sketch = await sketches.get(word).catch(() => null);
  if (!sketch) sketches.delete(word);
  if (!sketch || board.law !== law) return; // not there any more: Python is asked, as without a law
  const made = meterOf(sketch, law);
  meter = made;
  const warm = () => { // so that the first move finds all measured
    if (meter === made && made.warm(lanes, performance.now() + WARM_MS) === false) idle(warm);
  };
  idle(warm);
}

function message(extra = {}) {
  const value = { lanes, seq, move: cause, split: Boolean(board.split), followed: Boolean(meter), ...extra };
  if (picked) value.picked = picked;
  return structuredClone(value);
}

function hand() {
  clearTimeout(timer);
  timer = 0;
  waiting = false;
  seq += 1;
  props.value = message();
}

function post() {
  sent = performance.now();
  hand();
  trigger('input');
}

function postSoon() {
  const rest = SEND_MS - (performance.now() - sent);
  if (rest <= SOON_MS) post();
  else timer ||= setTimeout(post, rest);
}

function send() {
  waiting = true;
  if (meter) mark('stats');
  else if (!board.law?.still) postSoon();
}

function release() {
  if (waiting && (meter || board.law?.still)) hand();
  else if (waiting) post();
  trigger('release');
}

// The strip of the lanes as they are, worked out here.
function follow() {
  own = meter?.(lanes) ?? null;
  if (own) drawTexts();
  else if (waiting) postSoon(); // numbers that Python refuses, in words
}

// ---------------------------------------------------------------- edits and history

// Locked lanes and columns keep their numbers, whoever asks; `force` is for mute and solo, which give them back.
function put(path, numbers, force = false) {
  const lane = laneOf(path);
  const now = lanes[path];
  lanes = { ...lanes, [path]: force ? numbers : numbers.map((x, i) => (fixed(lane, i) ? now[i] : x)) };
  mark(path);
}

function remember(before) {
  history.undo.push(before);
  if (history.undo.length > UNDO_STEPS) history.undo.shift();
  history.redo = [];
  [asked, cause] = [false, 'edit'];
  drawButtons();
}

// One complete edit: `change` alters lanes; undo step, input and release follow if anything moved.
function edit(change) {
  if (board.locked) return;
  finishTyping();
  const before = lanes;
  change();
  drawHeads();
  if (!differ(before, lanes)) return;
  remember(before);
  widen();
  send();
  release();
  drawButtons();
}

function step(from, to, name) {
  const target = from.pop();
  if (!target || board.locked) return;
  to.push(lanes);
  lanes = target;
  cause = name;
  widen();
  markAll();
  send();
  release();
  drawButtons();
}
// The lanes' own steps first; below them lie the page's: method, preset, models.
function undo() {
  finishTyping();
  if (history.undo.length) step(history.undo, history.redo, 'undo');
  else if (fromPage('can_undo')) ask('undo');
}
function redo() {
  finishTyping();
  if (history.redo.length) step(history.redo, history.undo, 'redo');
  else if (fromPage('can_redo')) ask('retry');
}
function ask(event) {
  asked = true;
  trigger(event);
}

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

// Lanes that share a sum of 1 with this one: those of the same part.
const partners = (lane) => shown().filter((other) => other.path !== lane.path && other.part === lane.part);

// New numbers for one lane; with Link on, the other lanes share what is left of 1 in their old proportion. Locked ones keep
// theirs, so this lane can take no more than they leave.
function assign(lane, numbers, start = lanes) {
  if (!linked[param]) return put(lane.path, numbers);
  const others = partners(lane);
  const next = others.map((other) => [...lanes[other.path]]);
  const mine = numbers.map((x, i) => {
    if (fixed(lane, i)) return lanes[lane.path][i];
    if (x === start[lane.path][i]) { // untouched
      others.forEach((o, k) => { next[k][i] = start[o.path][i]; });
      return x;
    }
    const free = others.map((o, k) => k).filter((k) => !fixed(others[k], i));
    const kept = others.reduce((sum, o) => sum + (fixed(o, i) ? Math.max(0, lanes[o.path][i]) : 0), 0);
    if (!free.length) return others.length ? snap(lane, Math.max(0, 1 - kept)) : x;
    const taken = kept > 0 ? Math.min(x, snap(lane, Math.max(0, 1 - kept))) : x;
    const parts = share(Math.max(0, 1 - taken - kept), free.map((k) => Math.max(0, start[others[k].path][i])), lane);
    free.forEach((k, n) => { next[k][i] = parts[n]; });
    return taken;
  });
  put(lane.path, mine);
  others.forEach((o, k) => put(o.path, next[k]));
  return undefined;
}

function linkNow() {
  const parts = new Set(shown().map((lane) => lane.part));
  parts.forEach((part) => {
    const all = shown().filter((lane) => lane.part === part);
    const next = all.map((lane) => [...lanes[lane.path]]);
    board.columns.forEach((_, i) => {
      const free = all.map((_lane, k) => k).filter((k) => !fixed(all[k], i));
      const kept = all.reduce((sum, lane) => sum + (fixed(lane, i) ? Math.max(0, lanes[lane.path][i]) : 0), 0);
      const shares = share(Math.max(0, 1 - kept), free.map((k) => Math.max(0, lanes[all[k].path][i])), all[0]);
      free.forEach((k, n) => { next[k][i] = shares[n]; });
    });
    all.forEach((lane, k) => put(lane.path, next[k]));
  });
}

// Shapes run over the layers in view, between the lane's lowest and highest value there (or 0 and its highest).
const SHAPES = {
  Flat: null,
  Rise: (t) => t,
  Fall: (t) => 1 - t,
  Hill: (t) => Math.sin(Math.PI * t),
  Valley: (t) => 1 - Math.sin(Math.PI * t),
};

// Where each of some layer columns lies from 0 to 1; layers of one step lie together.
function fractions(columns) {
  const starts = columns.map((c) => span(c)[0]);
  const order = [...new Set(starts)];
  return starts.map((start) => (order.length > 1 ? order.indexOf(start) / (order.length - 1) : 0));
}

function onLayers(lane, fn) {
  const columns = reachable(lane);
  const old = columns.map((c) => lanes[lane.path][c]);
  const numbers = [...lanes[lane.path]];
  columns.forEach((c, k) => { numbers[c] = snap(lane, fn(old[k], k, old)); });
  assign(lane, numbers);
}

function shape(name) {
  const lane = selectedLane();
  if (!lane) return;
  edit(() => {
    const columns = reachable(lane);
    const old = columns.map((c) => lanes[lane.path][c]);
    const mean = old.reduce((a, b) => a + b, 0) / (old.length || 1);
    let [lo, hi] = [Math.min(...old), Math.max(...old)];
    if (hi - lo < 1e-9) [lo, hi] = hi === 0 ? [0, Math.min(1, lane.high)] : [Math.min(0, hi), Math.max(0, hi)];
    const curve = SHAPES[name];
    const at = fractions(columns);
    onLayers(lane, (_, k) => (curve ? lo + (hi - lo) * curve(at[k]) : mean));
  });
}

const mirror = (lane) => onLayers(lane, (_, k, old) => old[old.length - 1 - k]);
const invert = (lane) => onLayers(lane, (x) => view()[0] + view()[1] - x);
const smooth = (lane) => onLayers(lane, (x, k, old) => ((old[k - 1] ?? x) + 2 * x + (old[k + 1] ?? x)) / 4);
const lift = (lane, by) => assign(lane, lanes[lane.path].map((x) => snap(lane, x + by)));
const scale = (lane, times) => assign(lane, lanes[lane.path].map((x) => snap(lane, x * times)));
const copyTo = (lane, others) => others.forEach((other) => assign(other, lanes[lane.path].map((x) => snap(other, x))));

const silent = (path) => lanes[path].every((x) => x === 0);
const isMuted = (path) => Boolean(muted[path]) && silent(path);

// Mute and solo give back exactly what was there, so they pass Link and locks by.
function mute(lane) {
  edit(() => {
    if (isMuted(lane.path)) {
      put(lane.path, muted[lane.path], true);
      delete muted[lane.path];
    } else {
      muted[lane.path] = lanes[lane.path];
      put(lane.path, lanes[lane.path].map(() => 0), true);
    }
  });
}

const isSolo = (slot) => solo?.slot === slot && weightLanes().every((lane) => lane.slot === slot || silent(lane.path));

function hearOnly(lane) {
  edit(() => {
    const was = solo && isSolo(solo.slot) ? solo : null;
    Object.entries(was?.saved ?? {}).forEach(([path, numbers]) => put(path, numbers, true));
    solo = null;
    if (was?.slot === lane.slot) return;
    solo = { slot: lane.slot, saved: {} };
    for (const other of weightLanes()) {
      const { path } = other;
      if (other.slot !== lane.slot) {
        solo.saved[path] = lanes[path];
        put(path, lanes[path].map(() => 0), true);
      } else if (isMuted(path)) {
        solo.saved[path] = lanes[path];
        put(path, muted[path], true);
      }
    }
  });
}

// Every model gives nothing outside columns a to b: what is heard is what these layers do.
function keepOnly(a, b) {
  if (board.can_keep === false) return;
  edit(() => weightLanes().forEach((lane) => {
    put(lane.path, lanes[lane.path].map((x, i) => (i >= a && i <= b ? x : 0)));
  }));
}

// A small generator with a seed (mulberry32): the same page deals the same steps.
function dealer(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

// One small step of a random walk: each lane in sight is bent by a slow wave, so that neighbours stay alike.
function surprise() {
  random ??= dealer(board.seed ?? 1);
  edit(() => {
    for (const lane of shown()) {
      const [size, turns, phase, tilt] = [random(), random(), random(), random()];
      const [lo, hi] = view();
      const columns = reachable(lane);
      const at = fractions(columns);
      const numbers = [...lanes[lane.path]];
      columns.forEach((c, k) => {
        const wave = Math.cos(2 * Math.PI * (phase + at[k] * (0.25 + 1.25 * turns))) + 0.6 * (tilt - 0.5);
        const x = numbers[c] + 0.2 * (0.4 + 0.6 * size) * (hi - lo) * wave;
        numbers[c] = snap(lane, clamp(x, Math.min(lo, numbers[c]), Math.max(hi, numbers[c])));
      });
      put(lane.path, numbers);
    }
    if (linked[param]) linkNow();
  });
  if (shown().every((lane) => frozen[lane.path])) say('Every lane is locked.');
}

function lockLane(lane) {
  if (frozen[lane.path]) delete frozen[lane.path];
  else frozen[lane.path] = true;
  drawHeads();
  mark(lane.path);
}

function lockColumns(a, b) {
  const all = [];
  for (let i = a; i <= b; i += 1) all.push(i);
  const on = !all.every((i) => held.has(i));
  all.forEach((i) => (on ? held.add(i) : held.delete(i)));
  say(`${rangeName(a, b)} ${on ? 'locked' : 'unlocked'}.`);
  drawHeads();
  markAll();
}

function unlockAll() {
  held.clear();
  Object.keys(frozen).forEach((path) => delete frozen[path]);
  say('Nothing is locked.');
  drawHeads();
  markAll();
}

function rangeName(a, b) {
  const [from, to] = [board.columns[a], board.columns[b]];
  if (a === b) return (from?.label ?? '').replace(/ of \d+$/, '');
  if (from?.kind === 'layer' && to?.kind === 'layer') return `layers ${from.layer + 1} to ${to.layer + 1}`;
  return `${(from?.label ?? '').replace(/ of \d+$/, '')} to ${(to?.label ?? '').replace(/ of \d+$/, '')}`;
}

function say(text) {
  live.textContent = text;
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
  const seen = board.columns.map((_, i) => i).filter(inView);
  const columns = seen.map((i) => board.columns[i]);
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
  boxes = board.columns.map(() => ({ x: -1e4, w: 0, run: -1, hidden: true }));
  columns.forEach((_, i) => {
    if (i > 0 && inLayers[i] !== inLayers[i - 1]) {
      x += GAP;
      run += 1;
    }
    const box = { x, w: inLayers[i] ? wide : edge, run };
    x += box.w;
    boxes[seen[i]] = box;
  });
  const at = (i, side) => boxes[i].x + (side > 0 ? boxes[i].w : 0) + (side * GAP) / 2;
  ends = last > first ? { first: seen[first], last: seen[last], x: [at(seen[first], -1), at(seen[last], 1)] } : null;
}

function columnAt(x, run = null) {
  let best = -1;
  let near = Infinity;
  boxes.forEach((box, i) => {
    if (box.hidden || (run !== null && box.run !== run)) return;
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
  if (todo.has('stats')) follow();
  if (!width) return;
  // a recipe of other layers, before anything has measured it
  if (boxes.length !== board.columns.length) layout((banks[0]?.canvas ?? stripCanvas).clientWidth - AXIS - 2);
  for (const bank of banks) {
    if (todo.has(bank.lane.path) || (bank.ghost && todo.has(bank.ghost.path))) drawBank(bank);
  }
  if (todo.has('strip') || todo.has('stats')) drawStrip();
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

  const lit = span(here);
  boxes.forEach((box, i) => {
    if (box.hidden) return;
    const d = inset(box);
    const [a, b] = span(i); // bars of one step touch
    const x = x0 + box.x + (i === a || boxes[i - 1].hidden ? d : 0);
    const wide = x0 + box.x + box.w - (i === b || boxes[i + 1].hidden ? d : 0) - x;
    if (isOff(lane, i)) { // no such tensor here
      g.fillStyle = ink(0.12);
      g.fillRect(x, zero - 1, wide, 1);
      return;
    }
    const y = toY(numbers[i], h, range);
    const still = fixed(lane, i);
    g.fillStyle = alpha(c, isDark() ? 0.16 : 0.12);
    g.fillRect(x, pad, wide, h - 2 * pad);
    g.fillStyle = alpha(c, active && i >= lit[0] && i <= lit[1] ? 1 : still ? 0.5 : 0.78);
    const top = Math.min(y, zero);
    g.fillRect(x, top, wide, Math.max(1.5, Math.abs(zero - y)));
    if (still) hatch(g, x, pad, wide, h - 2 * pad);
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
      if (box.hidden || isOff(lane, i)) return;
      const y = toY(lanes[bank.ghost.path][i], h, other);
      (runs[box.run] ??= []).push([x0 + box.x, y], [x0 + box.x + box.w, y]);
    });
    dashed(g, [4, 3], () => runs.forEach((points) => line(g, points)));
  }

  if (ends && !board.locked && !frozen[lane.path]) {
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

// Locked: slanted lines, so that it does not hang on colour.
function hatch(g, x, y, w, h) {
  g.save();
  g.beginPath();
  g.rect(x, y, w, h);
  g.clip();
  g.strokeStyle = ink(0.35);
  g.lineWidth = 1;
  const first = Math.floor((x - h) / 6) * 6; // one pattern over all columns
  for (let from = first; from < x + w; from += 6) line(g, [[from, y + h], [from + h, y]]);
  g.restore();
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

// Words for a lane: read-out and slider value.
function describe(bank, here) {
  const { lane } = bank;
  const spot_ = bank.hover >= 0 ? here : cursor[lane.path] ?? here;
  const value = lanes[lane.path][spot_] ?? 0;
  const shownValue = isOff(lane, spot_) ? '–' : value.toFixed(2);
  setText(bank.readout, `${label(spot_).replace(/ of \d+$/, '')} · ${shownValue}`);
  const at = cursor[lane.path] ?? spot_;
  const now = lanes[lane.path][at] ?? 0;
  const set = (name, text) => {
    if (bank.pad.getAttribute(name) !== text) bank.pad.setAttribute(name, text);
  };
  set('aria-valuenow', String(now));
  set('aria-valuemin', String(view()[0]));
  set('aria-valuemax', String(view()[1]));
  const lockedHere = fixed(lane, at) && !isOff(lane, at) ? ', locked' : '';
  set('aria-valuetext', `${label(at)}, ${lane.param} ${now.toFixed(2)}${lockedHere}`);
  if (bank.mute) press(bank.mute, isMuted(lane.path));
  if (bank.solo) press(bank.solo, isSolo(lane.slot));
  if (lane.path === selected) drawHere();
}

const setText = (node, text) => { if (node.textContent !== text) node.textContent = text; };
const press = (node, on) => { if (node.getAttribute('aria-pressed') !== String(on)) node.setAttribute('aria-pressed', String(on)); };

// What depends on locks, mute and solo.
function drawHeads() {
  for (const bank of banks) {
    const { lane } = bank;
    bank.box.dataset.locked = String(Boolean(frozen[lane.path]));
    bank.lock.hidden = !frozen[lane.path];
    if (bank.mute) press(bank.mute, isMuted(lane.path));
    if (bank.solo) press(bank.solo, isSolo(lane.slot));
  }
  if (tools.unlock) tools.unlock.hidden = !held.size && !Object.keys(frozen).length;
  drawHere();
  drawZoom();
}

// The column that "keep only" and "lock" mean: where the focus of the selected lane is.
function focusedColumns() {
  const lane = selectedLane();
  const columns = layerColumns().filter(inView);
  const at = lane ? cursor[lane.path] ?? columns[0] ?? 0 : 0;
  return span(at);
}

function drawHere() {
  if (!tools.keep) return;
  const [a, b] = focusedColumns();
  setText(tools.keep, `Keep only ${rangeName(a, b)}`);
  const all = Array.from({ length: b - a + 1 }, (_, k) => a + k).every((i) => held.has(i));
  setText(tools.hold, `${all ? 'Unlock' : 'Lock'} ${rangeName(a, b)}`);
}

// The columns' names under the faders, as many as fit.
function drawScale() {
  const [g, , h] = sheet(scaleCanvas);
  g.fillStyle = ink(isDark() ? 0.62 : 0.6);
  g.textAlign = 'center';
  g.textBaseline = 'middle';
  const layers = layerColumns().filter(inView);
  const each = layers.length ? boxes[layers[0]].w : 1;
  const every = [1, 2, 4, 5, 8, 10, 16, 20].find((n) => n * each >= 22) ?? 40;
  board.columns.forEach((column, i) => {
    if (boxes[i]?.hidden) return;
    if (held.has(i)) hatch(g, AXIS + boxes[i].x + 0.5, 1, boxes[i].w - 1, 3);
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

const rows = () => (own ?? stats).rows ?? [];
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
      if (box.hidden) return;
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
  if (picked && mine >= 0) frameCell(g, picked.column, mine, tall, 3.5, 0.95, isDark() ? '#1c1d21' : '#fff');
  if (spot) frameCell(g, spot.column, spot.row, tall, 2, 0.95);
  if (brush) drawBrush(g, tall);
}

// The run of columns that is being chosen for a closer look.
function drawBrush(g, tall) {
  const [a, b] = brushed();
  const left = AXIS + boxes[a].x;
  const right = AXIS + boxes[b].x + boxes[b].w;
  g.fillStyle = ink(isDark() ? 0.45 : 0.35);
  g.fillRect(AXIS, 0, left - AXIS, 2 + tall * rows().length);
  g.fillRect(right, 0, stripCanvas.clientWidth - right, 2 + tall * rows().length);
  g.strokeStyle = ink(0.95);
  g.lineWidth = 2;
  g.strokeRect(left, 1, right - left, tall * rows().length);
}

// A frame around a cell; with `core`, a line of that colour inside the frame, which shows on any cell.
function frameCell(g, column, row, tall, wide, a, core = '') {
  const box = boxes[column];
  if (!box || box.hidden) return;
  for (const [style, width_] of [[ink(a), wide], ...(core ? [[core, wide / 3]] : [])]) {
    g.strokeStyle = style;
    g.lineWidth = width_;
    g.strokeRect(AXIS + box.x, 1 + row * tall, box.w, tall);
  }
}

function cellText({ column, row }) {
  const x = rows()[row]?.values?.[column];
  const amount = typeof x === 'number' ? percent(x) : 'nothing to compare';
  return `${board.columns[column]?.label ?? ''} · ${rows()[row]?.label ?? ''} · ${amount}`;
}

function point(next, spoken = false) {
  spot = next && rows().length && boxes[next.column] && !boxes[next.column].hidden ? next : null;
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
  props.value = message();
  say(`Chosen: ${cellText(spot)}`);
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

// ---------------------------------------------------------------- a closer look: a run of columns fills the width

let brush = null; // {from, to} columns
let brushing = false; // the next drag over the strip chooses a run

const brushed = () => [Math.min(brush.from, brush.to), Math.max(brush.from, brush.to)];

function zoomTo(a, b) {
  zoom = b > a && b - a + 1 < board.columns.length ? [a, b] : null;
  brush = null;
  setBrushing(false);
  for (const path of Object.keys(cursor)) if (!inView(cursor[path])) delete cursor[path];
  spot = null;
  tip.hidden = true;
  resize();
  drawHeads();
  say(zoom ? `Only ${rangeName(...zoom)} are shown.` : 'All layers are shown.');
}

function setBrushing(on) {
  brushing = on;
  stripCanvas.dataset.brushing = String(on);
  if (tools.zoom) press(tools.zoom, on);
}

function dropBrush() {
  brush = null;
  setBrushing(false);
  mark('strip');
}

function drawZoom() {
  root.dataset.zoomed = String(Boolean(zoom));
  zoomBar.hidden = !zoom;
  if (!zoom) return;
  const [a, b] = zoom;
  setText(zoomName, rangeName(a, b));
  const all = Array.from({ length: b - a + 1 }, (_, k) => a + k).every((i) => held.has(i));
  setText(zoomLock, all ? 'Unlock these' : 'Lock these');
  zoomKeep.hidden = board.can_keep === false || !weightLanes().length;
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
  if (!ends || frozen[bank.lane.path]) return -1;
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
  cause = 'edit';
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
  if (ends) gesture.at = fractions(Array.from({ length: ends.last - ends.first + 1 }, (_, k) => ends.first + k));
  if (again) { // the second tap of two: undo what the first one painted, and put the default there
    if (lastTap.kept) history.undo.pop();
    lanes = lastTap.before;
    Object.assign(gesture, { before: lanes, done: true });
    const [a, b] = span(column);
    assign(lane, [...lanes[lane.path]].fill(snap(lane, lane.default ?? 0), a, b + 1));
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
      const still = board.locked || fixed(bank.lane, hover);
      bank.pad.style.cursor = still ? 'not-allowed' : side >= 0 ? 'ns-resize' : 'crosshair';
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
      numbers[i] = snap(lane, from + (to - from) * gesture.at[i - ends.first]);
    }
    cursor[lane.path] = gesture.side === 0 ? ends.first : ends.last;
  } else {
    numbers = [...lanes[lane.path]];
    const column = hover;
    const last = gesture.last ?? { column, value };
    const target = event.shiftKey ? gesture.level : value;
    const from = event.shiftKey ? gesture.level : last.value;
    const far = Math.abs(column - last.column);
    const way = Math.sign(column - last.column);
    for (let k = 0; k <= far; k += 1) { // a fast pointer skips columns: draw the line between
      const [a, b] = span(last.column + way * k);
      numbers.fill(snap(lane, far ? from + ((target - from) * k) / far : target), a, b + 1);
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
  const seen = board.columns.map((_, i) => i).filter((i) => inView(i) && !isOff(lane, i));
  const at = clamp(cursor[lane.path] ?? ends?.first ?? 0, seen[0] ?? 0, seen[seen.length - 1] ?? 0);
  const [first, last] = span(at);
  const go = (column) => {
    if (column !== undefined) cursor[lane.path] = column;
    bank.hover = -1;
    mark(lane.path);
  };
  const fine = lane.step || 0.01;
  let value = null;
  let change = null;
  let whole = null;
  if (event.ctrlKey || event.metaKey) return;
  switch (event.key) {
    case 'ArrowLeft': go(seen.filter((i) => i < first).map((i) => span(i)[0]).filter((i) => seen.includes(i)).pop()); break;
    case 'ArrowRight': go(seen.find((i) => i > last)); break;
    case 'ArrowUp': if (event.altKey) whole = 0.05; else change = event.shiftKey ? 0.1 : fine; break;
    case 'ArrowDown': if (event.altKey) whole = -0.05; else change = event.shiftKey ? -0.1 : -fine; break;
    case 'PageUp': change = 0.1; break;
    case 'PageDown': change = -0.1; break;
    case 'o': event.preventDefault(); keepOnly(first, last); return;
    case 'l': event.preventDefault(); lockColumns(first, last); return;
    case 'L': event.preventDefault(); lockLane(lane); return;
    case 'm': event.preventDefault(); if (bank.mute) mute(lane); return;
    case 's': event.preventDefault(); if (bank.solo) hearOnly(lane); return;
    case 'r': event.preventDefault(); surprise(); return;
    case 'Escape': if (zoom) zoomTo(0, 0); return;
    case 'Home': [value] = view(); break;
    case 'End': [, value] = view(); break;
    case ']': whole = 0.05; break;
    case '[': whole = -0.05; break;
    default:
      if (!/^[0-9]$/.test(event.key)) return;
      value = Number(event.key) / 10;
  }
  event.preventDefault();
  if ((value === null && change === null && whole === null) || board.locked) return;
  typing ??= { before: lanes, timer: 0 };
  bank.hover = -1;
  cursor[lane.path] = at;
  if (whole !== null) lift(lane, whole);
  else {
    const numbers = [...lanes[lane.path]];
    for (let i = first; i <= last; i += 1) numbers[i] = snap(lane, value ?? numbers[i] + change);
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
const drawer = el('div', 'mx-drawer');
const keysText = el('p', 'mx-keys');
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
const zoomBar = el('span', 'mx-zoom');
const zoomName = el('strong');
const zoomLock = button('Lock these', () => lockColumns(...zoom));
const zoomKeep = button('Keep only these', () => keepOnly(...zoom));
const zoomOut = button('Show all', () => { zoomTo(0, 0); stripCanvas.focus({ preventScroll: true }); });
const legend = el('span', 'mx-legend');
tip.hidden = true;
tip.setAttribute('role', 'tooltip');
live.setAttribute('aria-live', 'polite');
scaleCanvas.setAttribute('aria-hidden', 'true');
legend.setAttribute('aria-hidden', 'true');
legend.append('agree', el('i'), 'clash');
stripCanvas.setAttribute('role', 'img');
stripCanvas.tabIndex = 0;
drawer.id = `mx-drawer-${Math.random().toString(36).slice(2)}`;
zoomBar.setAttribute('role', 'group');
zoomBar.setAttribute('aria-label', 'The layers in view');
zoomLock.title = 'Nothing moves these layers: no hand, shape, link or dice';
zoomKeep.title = 'Weight 0 everywhere else: hear what these layers do';
zoomOut.title = 'Escape';
zoomBar.append(zoomName, zoomLock, zoomKeep, zoomOut);
stripHead.append(stripTitle, stripNote, zoomBar, legend, stripSummary);
stripBox.append(stripHead, stripCanvas);
foot.append(scaleCanvas, hint);
root.append(toolbar, drawer, keysText, stripBox, lanesBox, foot, tip, live);

stripCanvas.addEventListener('pointerdown', (event) => {
  if (event.button !== 0 || !(brushing || event.shiftKey)) return;
  event.preventDefault();
  stripCanvas.setPointerCapture(event.pointerId);
  const { column } = cellAt(event);
  brush = { from: column, to: column, hand: true };
  point(null);
});
stripCanvas.addEventListener('pointermove', (event) => {
  if (!brush?.hand) return point(cellAt(event));
  brush.to = cellAt(event).column;
  return mark('strip');
});
stripCanvas.addEventListener('pointerup', () => {
  if (!brush?.hand) return;
  const [a, b] = brushed();
  if (b > a) zoomTo(a, b);
  else dropBrush();
  brushedAt = performance.now(); // the click that follows chooses no cell
});
stripCanvas.addEventListener('pointercancel', () => { if (brush?.hand) dropBrush(); });
stripCanvas.addEventListener('pointerleave', () => point(null));
stripCanvas.addEventListener('blur', () => { point(null); if (brush && !brush.hand) dropBrush(); });
stripCanvas.addEventListener('click', (event) => {
  if (performance.now() - brushedAt < 100) return;
  point(cellAt(event));
  pick();
});
let brushedAt = -1e4;
stripCanvas.addEventListener('keydown', (event) => {
  const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  const way = moves[event.key];
  const seen = board.columns.map((_, i) => i).filter(inView);
  const [lowest, highest] = [seen[0] ?? 0, seen[seen.length - 1] ?? 0];
  if (way && (event.shiftKey || brushing) && way[0]) {
    brush ??= { from: spot?.column ?? lowest, to: spot?.column ?? lowest };
    brush.to = clamp(brush.to + way[0], lowest, highest);
    point(null);
    mark('strip');
    say(`${rangeName(...brushed())}, Enter zooms in`);
  } else if (way) {
    const from = spot ?? { column: way[0] > 0 ? lowest - 1 : lowest, row: way[1] > 0 ? -1 : 0 };
    point({
      column: clamp(from.column + way[0], lowest, highest),
      row: clamp(from.row + way[1], 0, rows().length - 1),
    }, true);
  } else if (event.key === 'Enter' && brush) {
    zoomTo(...brushed());
  } else if (event.key === 'Enter' || event.key === ' ') pick();
  else if (event.key === 'Escape') {
    if (brush || brushing) dropBrush();
    else if (zoom) zoomTo(0, 0);
    point(null);
  } else return;
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

function titled(node, title) {
  node.title = title;
  return node;
}

function choice(name, title, act) {
  const node = titled(el('select', 'mx-select'), title);
  node.setAttribute('aria-label', name);
  node.addEventListener('change', () => act(node.selectedIndex));
  return node;
}

// The first row is for everybody; what takes a sentence to explain waits behind More.
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
  tools.dice = titled(button('Surprise me', surprise), 'A small random step of every lane that is not locked (key R on a lane)');
  tools.undo = titled(button('Undo', undo), 'Ctrl+Z');
  tools.redo = titled(button('Redo', redo), 'Ctrl+Shift+Z');
  tools.reset = titled(button('Reset', resetAll), 'Back to the preset');
  tools.more = titled(button('More', () => { more = !more; drawMore(); }), 'Tools for single layers and for experts');
  tools.more.setAttribute('aria-controls', drawer.id);
  tools.more.classList.add('mx-more');
  const past = group('History', tools.undo, tools.redo, tools.reset);
  past.classList.add('mx-history');
  toolbar.append(tools.shapes, group('Chance', tools.dice), past, group('Tools', tools.more));
  buildDrawer();
  drawRange();
  drawButtons();
  drawMore();
}

function buildDrawer() {
  const onSelected = (fn) => () => { const lane = selectedLane(); if (lane) edit(() => fn(lane)); };
  const change = [
    titled(button('Mirror', onSelected(mirror)), 'First layer becomes last'),
    titled(button('Invert', onSelected(invert)), 'High becomes low'),
    titled(button('Smooth', onSelected(smooth)), 'Even out neighbours'),
  ];
  tools.link = titled(button('Link', () => {
    linked[param] = !linked[param];
    if (linked[param]) edit(linkNow);
    drawButtons();
  }), 'Keep every column at a sum of 1: raising one model lowers the others');
  if (shown().length > 1) change.push(tools.link);
  tools.split = titled(button('Attention / MLP', () => {
    finishTyping();
    props.value = message({ split: !board.split });
    trigger('edit');
  }), 'Two lanes for each model: one for the attention of every layer, one for the rest of it (in the recipe: filter)');
  tools.split.setAttribute('aria-pressed', String(Boolean(board.split)));
  tools.zoom = titled(button('Zoom', () => {
    setBrushing(!brushing);
    if (brushing) say('Drag over the strip, or choose with the arrow keys and Enter.');
    if (brushing) stripCanvas.focus({ preventScroll: true });
  }), 'Then drag over the strip to see some layers closely (or drag with Shift)');
  tools.hold = titled(button('Lock', () => lockColumns(...focusedColumns())), 'Nothing moves these layers: no hand, shape, link or dice (key L)');
  tools.keep = titled(button('Keep only', () => keepOnly(...focusedColumns())), 'Weight 0 everywhere else: hear what this layer does (key O)');
  tools.unlock = titled(button('Unlock all', unlockAll), 'Every lane and layer can be moved again');
  tools.keep.hidden = board.can_keep === false || !weightLanes().length;
  const layers = layerColumns().length;
  const steps = STEPS.filter((n) => n === 1 || 2 * n <= layers);
  tools.step = choice('Layers at a time', 'How many layers one stroke moves', (i) => {
    stride = steps[i];
    drawHint();
    drawHeads();
    markAll();
  });
  tools.step.append(...steps.map((n) => el('option', '', n === 1 ? 'each layer' : `${n} layers at a time`)));
  tools.step.selectedIndex = Math.max(0, steps.indexOf(stride));
  tools.step.hidden = steps.length < 2;
  tools.range = choice('Range', 'What the height of the bars covers; changes no number', (i) => {
    views[param] = ranges()[i];
    widen();
    drawRange();
    markAll();
  });
  const look = [tools.zoom];
  if (board.can_split) look.push(tools.split);
  drawer.replaceChildren(
    group('Change', ...change), group('Look closer', ...look), tools.step,
    group('This layer', tools.keep, tools.hold, tools.unlock), tools.range,
  );
}

function drawMore() {
  tools.more.setAttribute('aria-expanded', String(more));
  drawer.hidden = !more || Boolean(board.locked);
  keysText.hidden = drawer.hidden || COARSE;
  keysText.textContent = 'Keys on a lane: ← → choose a layer, ↑ ↓ change it, 0–9 set tenths, [ ] move the whole lane, '
    + `S solo, M mute, L lock the layer, Shift+L the lane, ${board.can_keep === false ? '' : 'O keep only this layer, '}R surprise.`;
}

function drawRange() {
  const list = ranges();
  const text = (x) => String(x).replace('-', '−');
  tools.range.replaceChildren(...list.map(([lo, hi]) => el('option', '', `${text(lo)} to ${text(hi)}`)));
  tools.range.selectedIndex = list.findIndex((range) => sameNumbers(range, view()));
  tools.range.hidden = list.length < 2;
}

function drawButtons() {
  if (!tools.undo) return;
  const locked = Boolean(board.locked);
  const always = [tools.undo, tools.redo, tools.more];
  root.querySelectorAll('.mx-button:not([data-param])').forEach((b) => { b.disabled = locked && !always.includes(b); });
  // aria-disabled keeps the focus where it is when the last step is taken back
  tools.undo.setAttribute('aria-disabled', String(!history.undo.length && !fromPage('can_undo')));
  tools.redo.setAttribute('aria-disabled', String(!history.redo.length && !fromPage('can_redo')));
  tools.link.setAttribute('aria-pressed', String(Boolean(linked[param])));
  toolbar.hidden = locked && !fromPage('can_undo') && !fromPage('can_redo');
}

function selectLane(path) {
  selected = path;
  banks.forEach((bank) => { bank.box.dataset.selected = String(bank.lane.path === path); });
  const lane = selectedLane();
  tools.shapes?.setAttribute('aria-label', `Shape of ${lane?.name ?? ''}`);
  if (tools.shapes) tools.shapes.title = `Shapes act on ${lane?.name ?? ''}`;
  drawHere();
}

// A lane's menu: what is too much for its head. One is open at a time.
let menu = null;

function closeMenu(back = false) {
  if (!menu) return;
  const { node, from } = menu;
  menu = null;
  node.remove();
  from.setAttribute('aria-expanded', 'false');
  if (back) from.focus({ preventScroll: true });
}

function openMenu(bank, from) {
  const again = menu?.from === from;
  closeMenu();
  if (again) return;
  const { lane } = bank;
  const node = el('div', 'mx-menu');
  node.setAttribute('role', 'group');
  node.setAttribute('aria-label', `More for ${lane.name}`);
  const item = (text, act, name = '') => {
    const b = button(text, () => { closeMenu(true); act(); }, name);
    node.append(b);
    return b;
  };
  const times = el('div', 'mx-times');
  times.setAttribute('role', 'group');
  times.setAttribute('aria-label', 'Multiply the whole lane');
  for (const [text, factor, words] of [['× .5', 0.5, 'a half'], ['× .8', 0.8, '0.8'], ['× 1.25', 1.25, '1.25'], ['× 2', 2, '2']]) {
    times.append(titled(button(text, () => {
      selectLane(lane.path);
      edit(() => scale(lane, factor));
    }, `Multiply ${lane.name} by ${words}`), 'Scales every bar of this lane'));
  }
  const nudges = el('div', 'mx-times mx-nudges');
  nudges.setAttribute('role', 'group');
  nudges.setAttribute('aria-label', 'Move the whole lane');
  for (const [text, amount, words] of [['− .05', -0.05, 'Lower'], ['+ .05', 0.05, 'Raise']]) {
    nudges.append(button(text, () => edit(() => lift(lane, amount)), `${words} ${lane.name} by .05`));
  }
  node.append(nudges, times);
  const lock = item(frozen[lane.path] ? 'Unlock this lane' : 'Lock this lane', () => lockLane(lane));
  lock.title = 'Nothing moves a locked lane: no hand, shape, link or dice';
  const others = partners(lane);
  others.forEach((other) => item(`Copy to ${other.model}`, () => edit(() => copyTo(lane, [other]))));
  if (others.length > 1) item('Copy to all', () => edit(() => copyTo(lane, others)));
  node.addEventListener('keydown', (event) => {
    const all = [...node.querySelectorAll('button')].filter((b) => b.offsetParent);
    const at = all.indexOf(document.activeElement);
    const next = { ArrowDown: at + 1, ArrowRight: at + 1, ArrowUp: at - 1, ArrowLeft: at - 1, Home: 0, End: -1 }[event.key];
    if (event.key === 'Escape') closeMenu(true);
    else if (next !== undefined) all.at(next % all.length).focus();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  node.addEventListener('focusout', (event) => {
    if (event.relatedTarget && !node.contains(event.relatedTarget) && event.relatedTarget !== from) closeMenu();
  });
  from.after(node);
  from.setAttribute('aria-expanded', 'true');
  menu = { node, from };
  // above the button where the page's box would cut it off below
  const below = root.getBoundingClientRect().bottom - from.getBoundingClientRect().bottom;
  node.dataset.up = String(below < node.offsetHeight + 8);
  [...node.querySelectorAll('button')].find((b) => b.offsetParent)?.focus({ preventScroll: true });
}

function outside(event) {
  if (!root.isConnected) document.removeEventListener('pointerdown', outside);
  else if (menu && !menu.node.contains(event.target) && !menu.from.contains(event.target)) closeMenu();
}
document.addEventListener('pointerdown', outside);

function buildLane(lane) {
  const box = el('section', 'mx-lane');
  box.dataset.path = lane.path;
  const head = el('div', 'mx-head');
  const name = el('span', 'mx-name', lane.model);
  name.title = lane.model;
  const part = el('span', 'mx-part', lane.part ?? '');
  part.hidden = !lane.part;
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
  lower.classList.add('mx-nudge'); // on a phone they stand in the menu
  raise.classList.add('mx-nudge');
  const buttons = [lower, raise];
  if (lane.low <= 0 && lane.param === board.params[0]?.name && Number.isInteger(lane.slot)) {
    const whose = lane.part ? `${lane.model} ${lane.part}` : lane.model;
    if (new Set(weightLanes().map((other) => other.slot)).size > 1) {
      bank.solo = short('Solo', 'S', () => { selectLane(lane.path); hearOnly(lane); }, `Hear only ${lane.model}`);
      buttons.push(bank.solo);
    }
    bank.mute = short('Mute', 'M', () => { selectLane(lane.path); mute(lane); }, `Mute ${whose}`);
    buttons.push(bank.mute);
  }
  buttons.push(short('Reset', '↺', () => {
    selectLane(lane.path);
    edit(() => assign(lane, resetTo(lane)));
  }, `Reset ${lane.name}`));
  const dots = button('⋯', () => { selectLane(lane.path); openMenu(bank, dots); }, `More for ${lane.name}`);
  dots.title = 'Multiply, lock, copy to another model';
  dots.setAttribute('aria-expanded', 'false');
  buttons.push(dots);
  bank.lock = titled(button('Locked', () => lockLane(lane), `Unlock ${lane.name}`), 'Nothing moves this lane; press to unlock it');
  bank.lock.classList.add('mx-lock');
  bank.lock.hidden = true;
  const controls = el('div', 'mx-controls');
  controls.append(...buttons);
  head.append(el('i', 'mx-dot'), name, part, bank.lock, remark, readout, controls);

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

function drawHint() {
  const other = board.params.find((p) => p.name !== param);
  const ghost = other && banks.some((bank) => bank.ghost) ? ` · dashed line: ${other.label || other.name}` : '';
  const how = COARSE ? 'Drag to paint · the round ends pull a ramp · tap twice to reset'
    : 'Drag to paint · Shift keeps a level · the round ends pull a ramp · double-click resets';
  const steps = stride > 1 ? ` · moves ${stride} layers at a time (More)` : '';
  hint.textContent = board.locked ? board.note ?? '' : `${how}${ghost}${steps}`;
}

// Everything that depends on the board and the parameter shown.
function build() {
  if (!board.params.some((p) => p.name === param)) param = board.params[0]?.name ?? board.lanes[0]?.param ?? '';
  for (const lane of board.lanes) views[lane.param] ??= lane.view ?? [0, 1];
  gesture = null;
  menu = null;
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
  drawHint();
  root.dataset.locked = String(Boolean(board.locked));
  root.dataset.split = String(Boolean(board.split));
  drawHeads();
  resize();
  drawTexts();
  drawColours();
  if (focused) banks.find((bank) => bank.lane.path === focused)?.pad.focus({ preventScroll: true });
  if (keepParam) [...toolbar.querySelectorAll('[data-param]')].find((b) => b.dataset.param === param)?.focus();
}

function drawTexts() {
  stripBox.hidden = !rows().length;
  const { summary, lanes: remarks } = own ?? stats;
  setText(stripSummary, summary ?? '');
  stripNote.textContent = stats.note ?? '';
  stripNote.title = stats.note ?? '';
  stripCanvas.setAttribute('aria-label', summary || 'Where the models disagree');
  stripCanvas.setAttribute('aria-description', 'Arrow keys choose a cell, Enter opens it; Shift and arrows choose layers to zoom in on');
  stripCanvas.style.height = `${2 + rows().length * clamp(84 / (rows().length || 1), 11, 18)}px`;
  for (const bank of banks) {
    const text = remarks?.[bank.lane.path] ?? remarks?.[bank.lane.path.split('#')[0]] ?? '';
    setText(bank.remark, text);
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

const pageRemembers = () => fromPage('can_undo') !== undefined;

function forget() {
  [history.undo, history.redo] = [[], []];
}

function adopt(value) {
  own = null;
  const next = readLanes(value?.lanes);
  const complete = hasAll(value?.lanes);
  if (adopted && complete && differ(lanes, next)) {
    if (asked || pageRemembers()) forget(); // the page has this step in its own history
    else remember(lanes); // a preset is one step that can be undone
  }
  asked = false;
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

let known = ''; // the board without what the page remembers

function takeBoard() {
  const paths = (b) => b.lanes.map((lane) => lane.path).join('\n') + b.columns.length;
  const base = (lane) => lane.path.split('#')[0];
  const bases = (b) => [...new Set(b.lanes.map(base))].join('\n') + b.columns.length;
  const old = board;
  board = { columns: [], params: [], lanes: [], ...read(props.board) };
  hear(board);
  const { can_undo: _undo, can_redo: _redo, ...rest } = board;
  const text = JSON.stringify(rest);
  if (text === known) return drawButtons(); // nothing but the page's history: a drag goes on
  if (known && pageRemembers()) forget();
  known = text;
  takeLaw();
  if (paths(board) !== paths(old)) { // other lanes: the history means nothing any more
    if (typing) clearTimeout(typing.timer);
    [typing, gesture, lastTap, picked, adopted, solo] = [null, null, null, null, false, null];
    forget();
    const same = bases(board) === bases(old); // split or joined: look and locks stay
    const still = same ? board.lanes.filter((lane) => old.lanes.some((o) => base(o) === base(lane) && frozen[o.path])) : [];
    for (const store of [muted, cursor, frozen, ...(same ? [] : [views, linked])]) for (const k of Object.keys(store)) delete store[k];
    still.forEach((lane) => { frozen[lane.path] = true; });
    if (!same) {
      held.clear();
      [zoom, brush, brushing, random] = [null, null, false, null];
      // fingers are wide: many layers start in steps
      const layers = layerColumns().length;
      stride = COARSE && layers > 32 ? STEPS.find((n) => layers / n <= 24) ?? STEPS[STEPS.length - 1] : 1;
    }
    adopt(props.value);
  }
  return build();
}

watch('board', takeBoard);
watch('value', () => { if (!gesture && !typing) adopt(structuredClone(props.value)); });
watch('stats', () => {
  const told = read(props.stats);
  if (told.kept) stats = { ...stats, can_undo: told.can_undo, can_redo: told.can_redo, seq: told.seq }; // the strip stays
  else {
    stats = told;
    if (!(stats.seq < seq)) own = null; // of the lanes as they are now, as far as Python has been told
  }
  hear(stats);
  drawTexts();
  drawButtons();
  mark('strip');
});

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
hear(stats);
takeBoard();
