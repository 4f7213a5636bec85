import css from './answers.css';
import { rootOf } from '../shared/dom.js';
import { Panel } from './panel.js';

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const panel = new Panel(host, rootOf(host.element, '.answers', css));
  host.watch('value', () => panel.build());
  host.watch('feed', () => panel.takeProp());
  panel.build();
  panel.takeProp();
}
