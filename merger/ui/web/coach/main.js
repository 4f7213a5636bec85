// The first visit. Gradio gives:
//
// props.marks  JSON text of {run, marks: [true|false|null]}: whether the merge was right, by row, when all of them had answered
// props.value  what goes back: {act: 'begin'}, with `select`: the game's recipe and rows, please
import css from './coach.css';
import { button, deskOf, el, rootOf, setText } from '../shared/dom.js';
import { readOrNull } from '../shared/host.js';
import { END, STEPS, after } from './steps.js';

const SEEN = 'merge-explorer-first-visit'; // localStorage: the game was played, or left

const seen = () => {
  try {
    return Boolean(localStorage.getItem(SEEN));
  } catch {
    return true; // a browser that keeps nothing would show it at every visit
  }
};

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const root = rootOf(host.element, '.coach', css);
  const asked = new URLSearchParams(location.search);
  const fresh = !['r', 'p', 'view'].some((key) => asked.has(key)) && !seen();
  let step = -1;
  let run = -1;
  const discs = el('span', 'co-discs');
  const words = el('p', 'co-words');
  words.setAttribute('aria-live', 'polite');
  const leave = button('co-leave', 'Skip', () => finish());
  root.append(discs, words, leave);
  root.hidden = true;

  const finish = () => {
    try {
      localStorage.setItem(SEEN, '1');
    } catch {
      // then it comes again
    }
    root.hidden = true;
    delete deskOf(root).dataset.step;
    step = -1;
  };
  const draw = () => {
    const now = STEPS[step];
    deskOf(root).dataset.step = String(step); // the lane that is meant has a frame
    discs.replaceChildren(
      ...STEPS.map((_, i) => Object.assign(el('i', 'co-disc', i < step ? '✓' : String(i + 1)), { ariaHidden: 'true' })),
    );
    [...discs.children].forEach((disc, i) => disc.toggleAttribute('data-now', i === step));
    if (now) words.replaceChildren(now.text[0], el('strong', '', now.text[1]), now.text[2]);
    else setText(words, END);
    setText(leave, now ? 'Skip' : 'Done');
    root.hidden = false;
  };
  const begin = () => {
    step = 0;
    draw();
    host.props.value = { act: 'begin', seq: Number(host.props.value?.seq ?? 0) + 1 };
    host.trigger('select');
  };
  host.watch('marks', () => {
    const told = readOrNull(host.props.marks);
    if (step < 0 || !told || told.run === run || !Array.isArray(told.marks)) return;
    run = told.run;
    const next = after(step, told.stroke ? told.marks : []);
    if (next !== step) {
      step = next;
      draw();
    }
  });
  const again = () => {
    if (root.isConnected) begin();
    else window.removeEventListener('merge-explorer-play', again);
  };
  window.addEventListener('merge-explorer-play', again);
  if (fresh) setTimeout(begin, 0);
}
