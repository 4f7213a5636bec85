import css from './explore.css';
import { rootOf } from '../shared/dom.js';
import { readOrNull } from '../shared/host.js';
import { Sheet } from './sheet.js';

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const sheet = new Sheet(host, rootOf(host.element, '.explore', css));
  const take = () => sheet.take(readOrNull(host.props.data));
  host.watch('data', take);
  take();
}
