// The recipes tried so far. Gradio runs this once per mount with `element, trigger, props, watch`; `CSS` is put before it.
//
// props.entry  JSON text of {yaml, title, lanes: [{slot, numbers}], prompt, answer}    a merge that has just answered
// props.value  {act: restore|slot, slot: 0|1, yaml, seq}                               what goes back to Python, with `select`
//
// There are two of it: the recorder, always on the page and never seen, takes entries; the list is there while its tab is open.
//
// Everything is kept in this browser's localStorage and nowhere else: it survives a reload and nobody else sees it.
// Texts come from models and strangers' recipes: they enter only through textContent and the canvas.

const root = element.querySelector('.history');
const style = document.createElement('style');
style.textContent = CSS;
element.append(style);

const KEY = 'merge-explorer-history';
const MOST = 120; // entries; stars are never dropped for new ones
const LONG = 600; // characters kept of an answer
const SLOTS = [
  ['#e8590c', '#ff8f4d'], ['#1971c2', '#64adf0'], ['#2f9e44', '#5cc872'], ['#9c36b5', '#d58ce8'],
  ['#0c8599', '#3fc4d8'], ['#c2255c', '#f487ae'], ['#8f6a00', '#dcb33c'], ['#5c677d', '#a9b4c6'],
];
const LEAD = ['#7048e8', '#a48cf5'];

const el = (tag, className = '', text = '') => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
};
const button = (text, name, act) => {
  const node = el('button', 'hi-button', text);
  node.type = 'button';
  node.setAttribute('aria-label', name);
  node.title = name;
  node.addEventListener('click', act);
  return node;
};
const isDark = () => document.body.classList.contains('dark');

let entries = load();
let starsOnly = false;
let seq = 0;
let broken = false; // no storage here: the list lasts as long as the page

function load() {
  try {
    const found = JSON.parse(localStorage.getItem(KEY) ?? '[]');
    return Array.isArray(found) ? found.filter((e) => e && typeof e.yaml === 'string') : [];
  } catch { return []; }
}

function save() {
  for (;;) {
    try {
      localStorage.setItem(KEY, JSON.stringify(entries));
      broken = false;
      return;
    } catch {
      const last = entries.findLastIndex((e) => !e.star);
      if (last < 0 || entries.length < 2) { broken = true; return; }
      entries.splice(last, 1); // full: the oldest without a star goes
    }
  }
}

function add(entry) {
  if (!entry || typeof entry.yaml !== 'string' || !entry.yaml) return;
  entries = load(); // another tab may have added some
  const same = entries.find((e) => e.yaml === entry.yaml && e.prompt === entry.prompt);
  const kept = {
    id: same?.id ?? crypto.getRandomValues(new Uint32Array(1))[0], star: same?.star ?? false, time: Date.now(), yaml: entry.yaml,
    title: String(entry.title ?? ''), prompt: String(entry.prompt ?? ''), answer: String(entry.answer ?? '').slice(0, LONG),
    lanes: Array.isArray(entry.lanes) ? entry.lanes.slice(0, 12) : [],
  };
  entries = [kept, ...entries.filter((e) => e !== same)];
  while (entries.length > MOST) {
    const last = entries.findLastIndex((e) => !e.star);
    if (last < 0) break;
    entries.splice(last, 1);
  }
  save();
  window.dispatchEvent(new Event(KEY));
}

function tell(act, entry, more = {}) {
  seq += 1;
  props.value = { act, yaml: entry.yaml, prompt: entry.prompt, seq, ...more };
  trigger('select');
}

function change(fn) {
  entries = load();
  fn();
  save();
  draw();
}

// ---------------------------------------------------------------- page

const bar = el('div', 'hi-bar');
const count = el('span', 'hi-count');
const filter = button('★ only', 'Show only starred recipes', () => { starsOnly = !starsOnly; draw(); });
const clear = button('Forget all without a star', 'Forget all recipes without a star', () => {
  change(() => { entries = entries.filter((e) => e.star); });
});
const list = el('ol', 'hi-list');
const live = el('div', 'hi-hidden');
live.setAttribute('aria-live', 'polite');
bar.append(count, filter, clear);
root.append(bar, list, live);

const when = (time) => {
  const minutes = Math.floor((Date.now() - time) / 60000);
  if (minutes < 1) return 'just now';
  if (minutes < 60) return `${minutes} min ago`;
  if (minutes < 60 * 24) return `${Math.floor(minutes / 60)} h ago`;
  return new Date(time).toLocaleDateString();
};

// The curves as they stand on the faders, one line per lane.
function thumbnail(lanes) {
  const canvas = el('canvas', 'hi-thumb');
  canvas.setAttribute('aria-hidden', 'true');
  const [w, h, scale] = [96, 40, window.devicePixelRatio || 1];
  [canvas.width, canvas.height] = [w * scale, h * scale];
  const g = canvas.getContext('2d');
  g.scale(scale, scale);
  const all = lanes.flatMap((lane) => lane.numbers ?? []).filter(Number.isFinite);
  const [lo, hi] = [Math.min(0, ...all), Math.max(1, ...all)];
  for (const lane of lanes) {
    const numbers = lane.numbers ?? [];
    g.strokeStyle = (Number.isInteger(lane.slot) ? SLOTS[lane.slot % SLOTS.length] : LEAD)[isDark() ? 1 : 0];
    g.lineWidth = 1.6;
    g.beginPath();
    numbers.forEach((x, i) => {
      const at = [2 + ((w - 4) * i) / Math.max(1, numbers.length - 1), 3 + (h - 6) * (1 - (x - lo) / (hi - lo))];
      if (i) g.lineTo(...at); else g.moveTo(...at);
    });
    g.stroke();
  }
  return canvas;
}

function row(entry, i) {
  const item = el('li', 'hi-item');
  item.dataset.star = String(Boolean(entry.star));
  const name = entry.title || `recipe ${i + 1}`;
  const words = el('div', 'hi-words');
  const head = el('div', 'hi-head');
  head.append(el('span', 'hi-title', name), el('span', 'hi-time', when(entry.time)));
  words.append(head);
  if (entry.prompt) words.append(el('div', 'hi-prompt', `“${entry.prompt}”`));
  words.append(el('div', 'hi-answer', entry.answer || '(no word)'));
  const star = button(entry.star ? '★' : '☆', entry.star ? `Take the star off: ${name}` : `Star: ${name}`, () => {
    change(() => { const own = entries.find((e) => e.id === entry.id); if (own) own.star = !own.star; });
    list.children[i]?.querySelector('[data-star-button]')?.focus();
  });
  star.dataset.starButton = '';
  star.setAttribute('aria-pressed', String(Boolean(entry.star)));
  const actions = el('div', 'hi-actions');
  actions.append(
    star,
    button('Restore', `Restore: ${name}`, () => { tell('restore', entry); live.textContent = `Restored ${name}.`; }),
    button('as A', `Keep as A: ${name}`, () => { tell('slot', entry, { slot: 0 }); live.textContent = `Kept as A: ${name}.`; }),
    button('as B', `Keep as B: ${name}`, () => { tell('slot', entry, { slot: 1 }); live.textContent = `Kept as B: ${name}.`; }),
    button('✕', `Forget: ${name}`, () => {
      change(() => { entries = entries.filter((e) => e.id !== entry.id); });
      (list.children[Math.min(i, list.children.length - 1)]?.querySelector('button') ?? filter).focus();
    }),
  );
  item.append(thumbnail(entry.lanes ?? []), words, actions);
  return item;
}

function draw() {
  const shown = starsOnly ? entries.filter((e) => e.star) : entries;
  list.replaceChildren(...shown.map(row));
  if (!shown.length) {
    list.append(el('li', 'hi-empty', starsOnly ? 'No starred recipe yet: press ☆ at one to keep it on top of all others.'
      : 'Nothing tried yet. Every blend that has answered is kept here, in this browser only.'));
  }
  const stars = entries.filter((e) => e.star).length;
  count.textContent = `${entries.length} tried${stars ? `, ${stars} starred` : ''}${broken ? '; this browser stores nothing, so they go with the page' : ''}`;
  filter.setAttribute('aria-pressed', String(starsOnly));
  clear.disabled = entries.length === stars;
}

if (root.dataset.part === 'recorder') {
  root.replaceChildren();
  watch('entry', () => { try { add(JSON.parse(props.entry || 'null')); } catch { /* half a message */ } });
} else {
  const fresh = (event) => {
    if (!root.isConnected) return window.removeEventListener(event.type, fresh);
    if (event.type === KEY || event.key === KEY) { entries = load(); draw(); }
    return undefined;
  };
  window.addEventListener('storage', fresh); // another tab's
  window.addEventListener(KEY, fresh); // the recorder's
  const theme = new MutationObserver(() => { if (!root.isConnected) theme.disconnect(); else draw(); });
  theme.observe(document.body, { attributes: true, attributeFilter: ['class'] });
  draw();
}
