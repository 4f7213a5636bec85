import css from './mixer.css';
import { rootOf } from '../shared/dom.js';
import { read } from '../shared/host.js';
import { takeBoard, takeStats, takeValue } from './building.js';
import { Mixer } from './mixer.js';

// the very arithmetic that is shipped, for tests/test_sketch.py
export { meterOf } from '../law/meter.js';
export { sketchOf } from '../law/sample.js';

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const m = new Mixer(host, rootOf(host.element, '.mixer', css));
  host.watch('board', () => takeBoard(m));
  host.watch('value', () => takeValue(m));
  host.watch('stats', () => takeStats(m));
  m.stats = read(host.props.stats);
  m.s.hear(m.stats);
  takeBoard(m);
}
