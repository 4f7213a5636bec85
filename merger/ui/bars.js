// Bars. Gradio runs this once per mount with `element, props, watch`; `CSS` is put before it.
//
// props.data   JSON text: {state: idle|busy|done|stopped, bars: [[name, done, size, words]]}; the first bar is the whole, the others
//              are its files. A size of 0: nobody knows yet how much it is.
//
// Names of files are hostile: text enters only through textContent and setAttribute.

const root = element.querySelector('.bars');
const style = document.createElement('style');
style.textContent = CSS;
element.append(style);

const rows = [];
const row = () => {
  const box = document.createElement('div');
  const name = document.createElement('span');
  const words = document.createElement('span');
  const bar = document.createElement('progress');
  box.className = 'bars-row';
  name.className = 'bars-name';
  words.className = 'bars-words';
  bar.max = 1;
  box.append(name, words, bar);
  root.append(box);
  rows.push({ box, name, words, bar });
};

const draw = () => {
  let told;
  try {
    told = JSON.parse(props.data);
  } catch {
    return;
  }
  root.dataset.state = told.state;
  root.hidden = told.state === 'idle' || told.bars.length === 0;
  while (rows.length < told.bars.length) row();
  rows.splice(told.bars.length).forEach((gone) => gone.box.remove());
  told.bars.forEach(([name, done, size, words], i) => {
    const one = rows[i];
    one.name.textContent = name;
    one.words.textContent = words;
    if (size > 0) one.bar.value = Math.min(1, done / size);
    else one.bar.removeAttribute('value');
    one.bar.setAttribute('aria-label', name);
    one.bar.setAttribute('aria-valuetext', words);
  });
};

watch('data', draw);
draw();
