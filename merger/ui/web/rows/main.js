import css from './rows.css';
import answers from '../answers/answers.css';
import { onTheme, rootOf } from '../shared/dom.js';
import { Table } from './table.js';

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const root = rootOf(host.element, '.rows', css + answers);
  const table = new Table(host, root);
  host.watch('value', () => table.build());
  host.watch('board', () => table.takeBoard());
  host.watch('feed', () => table.takeProp());
  host.watch('manner', () => table.drawAll());
  onTheme(root, () => {
    table.drawHead();
    table.drawAll();
  });
  table.takeBoard(); // whose rows they are, before they are drawn
  table.build();
  table.takeProp();
}
