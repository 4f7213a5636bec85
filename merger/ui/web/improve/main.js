// Improve: bars that move by themselves, which way each of them helps, and figures against the parents. Names are hostile: text.
//
// props.data   JSON text: of `run` a Run, of `follow` Ways, of `judge` a Judged (run.js, ways.js, judge.js tell them)
// props.value  of `judge` the chosen questions; of `follow` {seq}, which goes back with `submit` when nobody speaks any more
//
// There are four of it. `follow` is never seen and always there: drawers are not, while they are closed. Through the window it hears
// of the rows that all have spoken, and tells the Mixer and `ways`, the list in Find, what it is told.

import css from './improve.css';
import { rootOf } from '../shared/dom.js';
import { readOrNull } from '../shared/host.js';
import { judge } from './judge.js';
import { follow, ways } from './ways.js';
import { run } from './run.js';

const PARTS = { run, ways, judge, follow };

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const root = rootOf(host.element, '.improve', css);
  const draw = PARTS[/** @type {keyof typeof PARTS} */ (root.dataset.part)](host, root);
  const take = () => {
    const data = readOrNull(host.props.data);
    if (data) draw(data);
  };
  host.watch('data', take);
  take();
}
