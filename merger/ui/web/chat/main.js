import css from './chat.css';
import { rootOf } from '../shared/dom.js';
import { Chat } from './chat.js';

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const chat = new Chat(host, rootOf(host.element, '.chat', css));
  host.watch('board', () => chat.takeBoard());
  host.watch('manner', () => chat.takeManner());
  host.watch('recipe', () => chat.takeRecipe());
  host.watch('feed', () => chat.takeFeed());
  chat.takeManner();
  chat.takeBoard();
  chat.takeRecipe();
}
