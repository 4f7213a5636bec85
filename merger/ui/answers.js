// The answers. Gradio runs this once per mount with `element, trigger, props, watch`; `CSS` is put before it.
//
// props.value  {columns: [{key, name, slot, lead?, base?, words?}], blind?: id, vote?}    who answers; changes with the models.
//              words: which chat template the model is asked in. blind: the columns are two recipes without their names.
// props.feed   {run, seq, start, prompt, add: [[key, text, prob, [[alt, p], ...], parent key or null, why or ''], ...],
//               full: {key: [[text, prob, alts, parent, why], ...]}, done: [key], note, reveal: {key: {id, name}},
//               state: {key: busy|waiting|cached|done|stopped|failed}, error: {key or '': message}}
// event        submit    a vote in a blind test: value.vote = a key, tie or bad; Python answers with a feed that has `reveal`
//
// feed may also come as JSON text: cheaper for Gradio, which copies every leaf of an object.
// A feed of an older run, or of a sequence number already seen, is dropped. Gradio may deliver only the newest
// of several feeds; `full` then repairs a column (it replaces the tokens when their number differs).
//
// Tokens and names are hostile: text enters only through textContent and setAttribute.

const root = element.querySelector('.answers');
const style = document.createElement('style');
style.textContent = CSS;
element.append(style);

const FINAL = ['done', 'cached', 'stopped', 'failed'];
const TALLY = 'merge-explorer-tally'; // localStorage: recipes' ids -> {names, votes}; it never leaves this browser
const WORDS = { busy: 'writing…', waiting: 'waiting…', cached: 'from memory', done: 'done', stopped: 'stopped', failed: 'failed' };
const SLOTS = 8; // colours in answers.css

const el = (tag, className = '', text = '') => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text) node.textContent = text;
  return node;
};
const percent = (p) => (p > 0 && p < 0.005 ? '<1%' : `${Math.round(100 * p)}%`);
// A token as it is: quotes around it, blanks and line ends made visible.
const show = (text) => `“${String(text).replaceAll('\n', '⏎').replaceAll('\t', '⇥').replace(/^ | $/g, '␣')}”`;
const colour = (slot) => (Number.isInteger(slot) ? `var(--an-slot-${slot % SLOTS})` : 'var(--an-lead)');

// ---------------------------------------------------------------- page

let run = -Infinity;
let seq = -Infinity;
let announced = true;
let cards = new Map(); // key -> {column, box, body, badge, message, tokens, spans, state, cursor, visible}

const bar = el('div', 'an-bar');
const asked = el('p', 'an-asked');
const modes = el('div', 'an-modes');
const note = el('p', 'an-note');
const alarm = el('p', 'an-alarm');
const grid = el('div', 'an-grid');
const tip = el('div', 'an-tip');
const live = el('div', 'an-hidden');
tip.hidden = true;
tip.setAttribute('role', 'tooltip');
live.setAttribute('aria-live', 'polite');
note.setAttribute('role', 'status');
alarm.setAttribute('role', 'alert');
modes.setAttribute('role', 'group');
modes.setAttribute('aria-label', 'Colour by');
modes.append(el('span', 'an-label', 'Colour by'));
for (const [mode, text, title] of [
  ['sure', 'how sure', 'Coloured where the model gave the token a low probability'],
  ['parent', 'which parent agrees', 'Underlined in the colour of the parent that would have said the same'],
]) {
  const b = el('button', 'an-button', text);
  b.type = 'button';
  b.title = title;
  b.dataset.mode = mode;
  b.addEventListener('click', () => setMode(mode));
  modes.append(b);
}
const blind = el('div', 'an-blind');
bar.append(asked, modes);
root.append(bar, note, alarm, grid, blind, tip, live);

function setMode(mode) {
  root.dataset.mode = mode;
  modes.querySelectorAll('button').forEach((b) => b.setAttribute('aria-pressed', String(b.dataset.mode === mode)));
}

function say(node, text) {
  const words = text ?? '';
  if (node.textContent !== words) node.textContent = words;
  node.hidden = !words;
}

function build() {
  const old = cards;
  cards = new Map();
  for (const column of props.value?.columns ?? []) {
    const key = String(column.key);
    const card = old.get(key) ?? newCard();
    Object.assign(card, { column, key });
    const name = String(column.name ?? key);
    card.box.setAttribute('aria-label', `Answer of ${name}`);
    card.body.setAttribute('aria-label', `Words of ${name}, arrow keys step through them`);
    card.box.dataset.lead = String(Boolean(column.lead));
    card.box.style.setProperty('--an-colour', colour(column.lead ? null : column.slot ?? -1));
    card.box.dataset.plain = String(!column.lead && !Number.isInteger(column.slot));
    card.title.textContent = column.lead ? name.charAt(0).toUpperCase() + name.slice(1) : name;
    card.title.title = name;
    say(card.words, column.words ? String(column.words) : '');
    card.hold.hidden = !column.lead || !(props.value?.columns ?? []).some((c) => c.base);
    cards.set(key, card);
    refresh(card);
  }
  const order = [...cards.values()].sort((a, b) => Boolean(b.column.lead) - Boolean(a.column.lead));
  grid.replaceChildren(...order.map((card) => card.box));
  root.dataset.blind = String(Boolean(props.value?.blind));
  buildBlind();
}

// ---------------------------------------------------------------- bypass: as long as it is held, the base is heard

function bypass(on) {
  const base = [...cards.values()].find((card) => card.column.base);
  const lead = [...cards.values()].find((card) => card.column.lead);
  if (!base || !lead || (root.dataset.bypass === 'true') === on) return;
  root.dataset.bypass = String(on);
  hide();
  lead.hold.setAttribute('aria-pressed', String(on));
  lead.heard.textContent = on ? base.text.textContent || base.message.textContent : '';
  lead.badge.textContent = on ? `bypassed: ${base.column.name} alone` : WORDS[lead.state] ?? '';
  live.textContent = on ? `The base says: ${lead.heard.textContent}` : '';
}

function holder() {
  const b = el('button', 'an-button an-hold', 'Hold: base');
  b.type = 'button';
  b.title = 'As long as you hold it, you read what the base says without any of the changes';
  b.setAttribute('aria-pressed', 'false');
  b.addEventListener('pointerdown', (event) => { b.setPointerCapture(event.pointerId); bypass(true); });
  for (const end of ['pointerup', 'pointercancel', 'lostpointercapture', 'blur']) b.addEventListener(end, () => bypass(false));
  b.addEventListener('keydown', (event) => {
    if (event.key !== ' ' && event.key !== 'Enter') return;
    event.preventDefault();
    bypass(true);
  });
  b.addEventListener('keyup', () => bypass(false));
  b.addEventListener('contextmenu', (event) => event.preventDefault()); // a long press on a phone is the point here
  return b;
}

// ---------------------------------------------------------------- blind test

let revealed = null;

function tallies() {
  try { return JSON.parse(localStorage.getItem(TALLY) ?? '{}') ?? {}; } catch { return {}; }
}

function buildBlind() {
  revealed = null;
  const id = props.value?.blind;
  blind.hidden = !id;
  if (!id) return blind.replaceChildren();
  const choices = [...cards.values()].map((card) => [card.key, `${card.column.name} is better`]);
  const votes = el('div', 'an-votes');
  votes.setAttribute('role', 'group');
  votes.setAttribute('aria-label', 'Your vote');
  for (const [vote, text] of [...choices, ['tie', 'Equally good'], ['bad', 'Both bad']]) {
    const b = el('button', 'an-button an-vote', text);
    b.type = 'button';
    b.addEventListener('click', () => {
      if (revealed) return;
      votes.querySelectorAll('button').forEach((other) => { other.disabled = true; });
      b.setAttribute('aria-pressed', 'true');
      props.value = { ...structuredClone(props.value), vote };
      trigger('submit');
    });
    votes.append(b);
  }
  const result = el('p', 'an-result');
  result.setAttribute('role', 'status');
  return blind.replaceChildren(votes, result);
}

// {key: {id, name}} and the vote: show the names and count.
function reveal(found, vote) {
  if (revealed || !props.value?.blind) return;
  revealed = found;
  for (const [key, own] of Object.entries(found)) {
    const card = cards.get(key);
    if (card) card.title.textContent = `${card.column.name} was ${own.name}`;
  }
  const all = tallies();
  const key = Object.values(found).map((own) => own.id).sort().join(' ');
  const own = all[key] ?? { votes: {} };
  const winner = found[vote]?.id ?? vote;
  own.votes[winner] = (own.votes[winner] ?? 0) + 1;
  all[key] = own;
  try { localStorage.setItem(TALLY, JSON.stringify(Object.fromEntries(Object.entries(all).slice(-200)))); } catch { /* full */ }
  const parts = Object.values(found).map((f) => `${f.name} ${own.votes[f.id] ?? 0}`);
  parts.push(`equal ${own.votes.tie ?? 0}`, `both bad ${own.votes.bad ?? 0}`);
  const said = found[vote] ? `You chose ${found[vote].name}.` : vote === 'tie' ? 'You found them equal.' : 'You found both bad.';
  blind.querySelector('.an-result').textContent = `${said} So far, between these two: ${parts.join(', ')}.`;
}

function newCard() {
  const card = { tokens: [], spans: [], state: '', cursor: -1, visible: false, error: '' };
  card.box = el('section', 'an-card');
  card.box.setAttribute('role', 'region');
  const head = el('div', 'an-head');
  card.title = el('span', 'an-title');
  card.badge = el('span', 'an-badge');
  card.words = el('span', 'an-words');
  card.words.title = 'The chat template the prompt is put into for this model';
  card.hold = holder();
  head.append(el('i', 'an-dot'), card.title, card.badge, card.words, card.hold);
  card.body = el('div', 'an-body');
  card.body.tabIndex = 0;
  card.body.setAttribute('role', 'group');
  card.text = el('div', 'an-text');
  card.message = el('p', 'an-message');
  card.heard = el('div', 'an-heard'); // the base's words while bypassed
  card.why = el('p', 'an-why');
  card.why.hidden = true;
  card.body.append(card.text, card.message, card.heard);
  card.box.append(head, card.body, card.why);
  listen(card);
  return card;
}

// ---------------------------------------------------------------- text

function clear(card) {
  const tall = Math.min(card.body.clientHeight, 320);
  card.body.style.minHeight = card.tokens.length ? `${tall}px` : ''; // the page keeps its height while text returns
  Object.assign(card, { tokens: [], spans: [], state: '', cursor: -1, visible: false, error: '' });
  card.text.replaceChildren();
  say(card.why, '');
}

function append(card, tokens) {
  const page = document.createDocumentFragment();
  for (const token of tokens) {
    let text = String(token[0] ?? '');
    if (!card.visible) text = text.trimStart(); // the first token's leading blank is not shown
    card.visible ||= text !== '';
    // The blank before a word stays outside its span: colour then covers words, not gaps and line ends.
    const blank = /^\s+(?=\S)/.exec(text)?.[0] ?? '';
    if (blank) page.append(blank);
    const span = el('span', 'an-token', text.slice(blank.length));
    const prob = typeof token[1] === 'number' ? Math.min(1, Math.max(0, token[1])) : 1;
    span.style.setProperty('--u', String(Math.round(55 * (1 - prob))));
    ascribe(span, token);
    span.dataset.i = String(card.tokens.length);
    card.tokens.push(token);
    card.spans.push(span);
    page.append(span);
  }
  const low = card.body.scrollHeight - card.body.scrollTop - card.body.clientHeight < 24;
  card.text.append(page);
  if (low && card.state === 'busy') card.body.scrollTop = card.body.scrollHeight;
}

// The line under a token that a parent would have said too.
function ascribe(span, token) {
  const parent = cards.get(String(token[3] ?? ''));
  if (token[3] == null || !parent) return;
  span.style.setProperty('--an-parent', colour(parent.column.slot));
  span.dataset.line = String((parent.column.slot ?? 0) % 4);
}

function refresh(card) {
  const { state } = card;
  const busy = state === 'busy';
  card.box.dataset.state = state || 'empty';
  card.box.setAttribute('aria-busy', String(busy));
  card.badge.textContent = WORDS[state] ?? '';
  let message = card.error;
  if (!message && state === 'failed') message = 'This answer failed.';
  if (!message && state === 'stopped') message = card.tokens.length ? 'Stopped before the end.' : 'Stopped before the first word.';
  if (!message && busy && !card.tokens.length) message = 'Thinking…';
  if (!message && state === 'waiting') message = 'Waiting for its turn…';
  if (!message && !card.tokens.length && ['done', 'cached'].includes(state)) message = 'The model ended without a word.';
  if (!message && !state && !card.tokens.length) {
    message = card.column.lead ? 'No answer yet. Write a prompt and press Ask.' : 'No answer yet.';
  }
  say(card.message, message);
  if (FINAL.includes(state)) card.body.style.minHeight = '';
}

// ---------------------------------------------------------------- feeds

function take(feed) {
  if (!feed || typeof feed.run !== 'number') return;
  const order = typeof feed.seq === 'number' ? feed.seq : seq + 1;
  if (feed.run < run || (feed.run === run && order <= seq)) return; // stale
  const fresh = feed.run > run;
  [run, seq] = [feed.run, order];
  if (fresh || feed.start) {
    hide();
    bypass(false);
    announced = false;
    cards.forEach(clear);
    say(alarm, '');
    say(note, '');
  }
  if (fresh || feed.start || feed.prompt) {
    const prompt = String(feed.prompt ?? '');
    asked.textContent = prompt ? `Asked: ${prompt}` : '';
    asked.title = prompt;
  }
  if ('note' in feed) say(note, feed.note);

  for (const [key, state] of Object.entries(feed.state ?? {})) {
    const card = cards.get(key);
    if (card) card.state = String(state);
  }
  const added = new Map();
  for (const [key, ...token] of feed.add ?? []) {
    if (!added.has(key)) added.set(key, []);
    added.get(key).push(token);
  }
  added.forEach((tokens, key) => {
    const card = cards.get(String(key));
    if (!card) return;
    card.state ||= 'busy';
    append(card, tokens);
  });
  for (const [key, tokens] of Object.entries(feed.full ?? {})) {
    const card = cards.get(key);
    if (!card || !Array.isArray(tokens)) continue;
    if (card.tokens.length === tokens.length) { // the same words, now with what the parents say of them
      card.tokens = tokens;
      tokens.forEach((token, i) => ascribe(card.spans[i], token));
      continue;
    }
    const { state, error } = card;
    clear(card);
    Object.assign(card, { state, error });
    append(card, tokens);
  }
  for (const key of feed.done ?? []) {
    const card = cards.get(String(key));
    if (card && !FINAL.includes(card.state)) card.state = 'done';
  }
  for (const [key, message] of Object.entries(feed.error ?? {})) {
    const card = cards.get(key);
    if (!card) say(alarm, String(message));
    else Object.assign(card, { error: String(message), state: card.state === 'stopped' ? 'stopped' : 'failed' });
  }
  if (feed.reveal) reveal(feed.reveal, String(feed.vote ?? ''));
  cards.forEach(refresh);
  if (!announced && cards.size && [...cards.values()].every((card) => FINAL.includes(card.state))) {
    announced = true;
    live.textContent = 'Answers finished.';
  } else if (!announced) live.textContent = '';
}

// ---------------------------------------------------------------- one tooltip for all tokens

let lit = null;

function hide() {
  lit?.classList.remove('an-lit');
  lit = null;
  tip.hidden = true;
}

function explain(card, i, spoken = false) {
  const span = card.spans[i];
  const token = card.tokens[i];
  if (!span || !token) return hide();
  if (span === lit) return undefined;
  hide();
  lit = span;
  span.classList.add('an-lit');
  const [text, prob, alternatives, parent] = token;
  tip.replaceChildren();
  const first = el('div', 'an-tip-token', show(text));
  if (typeof prob === 'number') first.append(el('b', '', percent(prob)));
  tip.append(first);
  for (const [alt, p] of (alternatives ?? []).slice(0, 5)) {
    const row = el('div', 'an-tip-row', show(alt));
    row.append(el('span', '', typeof p === 'number' ? percent(p) : ''));
    tip.append(row);
  }
  const why = token[4] ? String(token[4]) : '';
  const agrees = parent == null ? null : cards.get(String(parent))?.column.name;
  if (why || agrees) tip.append(el('div', 'an-tip-note', why || `${agrees} would say the same`));
  tip.hidden = false;
  const here = span.getClientRects()[0] ?? span.getBoundingClientRect();
  const frame = root.getBoundingClientRect();
  const left = here.left - frame.left + here.width / 2 - tip.offsetWidth / 2;
  tip.style.left = `${Math.min(Math.max(0, left), Math.max(0, frame.width - tip.offsetWidth))}px`;
  tip.style.top = `${here.bottom - frame.top + 6}px`;
  if (spoken) live.textContent = [...tip.children].map((row) => [...row.childNodes].map((n) => n.textContent).join(' ')).join(', ');
  return undefined;
}

// The chosen token's reasons stay below the answer until another is chosen.
function pin(card) {
  const token = card.tokens[card.cursor];
  const why = token?.[4] ? String(token[4]) : '';
  say(card.why, token && why ? `${show(token[0])} ${percent(token[1])}: ${why}` : '');
}

function listen(card) {
  const at = (event) => {
    const span = event.target.closest?.('.an-token');
    return span ? Number(span.dataset.i) : -1;
  };
  card.body.addEventListener('pointerover', (event) => { if (event.pointerType !== 'touch') explain(card, at(event)); });
  card.body.addEventListener('pointerleave', (event) => { if (event.pointerType !== 'touch') hide(); });
  card.body.addEventListener('click', (event) => {
    card.cursor = at(event);
    explain(card, card.cursor);
    pin(card);
  });
  card.body.addEventListener('scroll', hide, { passive: true });
  card.body.addEventListener('blur', hide);
  card.body.addEventListener('keydown', (event) => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (event.key === 'Escape') return hide();
    if (!by || event.ctrlKey || event.metaKey || event.altKey) return undefined;
    event.preventDefault();
    card.cursor = Math.min(Math.max(0, card.cursor + by), card.tokens.length - 1);
    const span = card.spans[card.cursor];
    const low = span && span.offsetTop + span.offsetHeight - card.body.clientHeight;
    if (span && (span.offsetTop < card.body.scrollTop || low > card.body.scrollTop)) card.body.scrollTop = Math.max(0, low);
    pin(card);
    return explain(card, card.cursor, true);
  });
}

// ---------------------------------------------------------------- from Python

watch('value', build);
const read = (given) => (typeof given === 'string' ? JSON.parse(given || '{}') : given);
watch('feed', () => take(read(props.feed)));
setMode('sure');
say(note, '');
say(alarm, '');
build();
take(read(props.feed));
