// The facts of one tensor. Gradio runs this once per mount with `element, props, watch`; `CSS` is put before it.
//
// props.value  {empty: text} or {title, sentence, note, facts: [[term, text]], models: {head, rows, slots} | null,
//               cosines: {names, rows} | null, method: {name, sentences}, steps: {head, rows, note} | null}
//
// Names are hostile: text enters only through textContent.

const root = element.querySelector('.inspect');
const style = document.createElement('style');
style.textContent = CSS;
element.append(style);

const el = (tag, className = '', text = '') => {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== '') node.textContent = text;
  return node;
};

const table = (caption, head, rows, slots = []) => {
  const box = el('div', 'in-scroll');
  box.tabIndex = 0; // wide tables are scrolled by keys too
  box.setAttribute('role', 'region');
  box.setAttribute('aria-label', caption);
  const grid = el('table');
  grid.append(el('caption', '', caption));
  const top = grid.createTHead().insertRow();
  for (const text of head) {
    const cell = el('th', '', text);
    cell.scope = 'col';
    top.append(cell);
  }
  const body = grid.createTBody();
  rows.forEach((row, i) => {
    const line = body.insertRow();
    row.forEach((text, j) => {
      const cell = el(j ? 'td' : 'th', '', text);
      if (!j) cell.scope = 'row';
      if (!j && i in slots) {
        const dot = el('span', 'in-dot');
        dot.style.background = slots[i] === null ? 'var(--in-grey)' : `var(--in-slot-${slots[i] % 8})`;
        cell.prepend(dot);
      }
      line.append(cell);
    });
  });
  box.append(grid);
  return box;
};

let opened = false; // the numbers of the picture stay open from tensor to tensor

const draw = () => {
  const v = props.value ?? {};
  root.replaceChildren();
  if (v.empty !== undefined || !v.title) {
    root.append(el('p', 'in-empty', v.empty ?? ''));
    return;
  }
  root.append(el('h3', '', v.title), el('p', 'in-sentence', v.sentence));
  if (v.note) root.append(el('p', 'in-note', v.note));
  const list = el('dl');
  for (const [term, text] of v.facts ?? []) {
    const pair = el('div');
    pair.append(el('dt', '', term), el('dd', '', text));
    list.append(pair);
  }
  root.append(list);
  if (v.models) root.append(table('What each model did here', v.models.head, v.models.rows, v.models.slots));
  if (v.cosines) {
    const rows = v.cosines.rows.map((row, i) => [v.cosines.names[i], ...row]);
    root.append(table('How alike the changes are (cosine)', ['', ...v.cosines.names], rows));
  }
  const how = el('section', 'in-how');
  how.append(el('h4', '', `How ${v.method.name} works here`));
  for (const text of v.method.sentences) how.append(el('p', '', text));
  root.append(how);
  if (v.steps) {
    const more = el('details');
    more.open = opened;
    more.addEventListener('toggle', () => { opened = more.open; });
    more.append(el('summary', '', 'The picture’s numbers'));
    more.append(table(v.steps.note, v.steps.head, v.steps.rows));
    root.append(more);
  }
};

watch('value', draw);
draw();
