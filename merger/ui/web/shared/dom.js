// Elements of the page. Names, labels and answers are hostile: here and everywhere, text enters only through textContent,
// setAttribute and the canvas.

const SVG = 'http://www.w3.org/2000/svg';

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {string} [className]
 * @param {string} [text]
 * @returns {HTMLElementTagNameMap[Tag]}
 */
export function el(tag, className = '', text = '') {
  const node = document.createElement(tag);
  if (className) node.className = className;
  if (text !== '') node.textContent = text;
  return node;
}

/**
 * @template {keyof SVGElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string | number>} attributes
 * @param {string} [text]
 * @returns {SVGElementTagNameMap[Tag]}
 */
export function svg(tag, attributes, text = '') {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, String(value));
  if (text) node.textContent = text;
  return node;
}

/**
 * @param {string} className
 * @param {string} text
 * @param {() => void} act
 * @param {string} [name] for screen readers, where the text does not say it
 */
export function button(className, text, act, name = '') {
  const node = el('button', className, text);
  node.type = 'button';
  if (name) node.setAttribute('aria-label', name);
  node.addEventListener('click', act);
  return node;
}

/**
 * @template {HTMLElement} Node
 * @param {Node} node
 * @param {string} title
 */
export function titled(node, title) {
  node.title = title;
  return node;
}

/**
 * Controls that belong together, under a name.
 * @template {HTMLElement} Node
 * @param {Node} node
 * @param {string} name
 */
export function grouped(node, name) {
  node.setAttribute('role', 'group');
  node.setAttribute('aria-label', name);
  return node;
}

// What is set again unchanged is a change to whoever watches the page.
/**
 * @param {Element} node
 * @param {string} name
 * @param {string} text
 */
export function setAttribute(node, name, text) {
  if (node.getAttribute(name) !== text) node.setAttribute(name, text);
}

/**
 * @param {Element} node
 * @param {string} text
 */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/**
 * @param {Element} node
 * @param {boolean} on
 */
export const press = (node, on) => setAttribute(node, 'aria-pressed', String(on));

/**
 * The part's own element, dressed; the style leaves with it.
 * @param {HTMLElement} element
 * @param {string} selector
 * @param {string} css
 * @returns {HTMLElement}
 */
export function rootOf(element, selector, css) {
  const root = element.querySelector(selector);
  if (!(root instanceof HTMLElement)) throw new Error(`no ${selector} here`);
  element.append(el('style', '', css)); // the colours' names are in the page's own style
  return root;
}

/**
 * The element an event came from, or the one around it that a selector names.
 * @param {Event} event
 * @param {string} selector
 */
export function within(event, selector) {
  const found = event.target instanceof Element ? event.target.closest(selector) : null;
  return found instanceof HTMLElement ? found : null;
}

/**
 * @param {HTMLElement} root
 * @param {() => void} then
 */
export function onTheme(root, then) {
  const watching = new MutationObserver(() => {
    if (!root.isConnected) watching.disconnect();
    else then();
  });
  watching.observe(document.body, { attributes: true, attributeFilter: ['class'] });
}

/**
 * @param {HTMLElement} root
 * @param {() => void} then
 */
export function onResize(root, then) {
  const watching = new ResizeObserver(() => {
    if (!root.isConnected) watching.disconnect();
    else then();
  });
  watching.observe(root);
}

/**
 * The page around a part, which says what is open on it for the style sheets: with `:has()` there all of it is styled anew in every
 * frame of a drag.
 * @param {HTMLElement} root
 */
export const deskOf = (root) => /** @type {HTMLElement} */ (root.closest('#desk') ?? root);
