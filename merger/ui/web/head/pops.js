// Boxes of the page that open below the head line, one at a time: a press outside, Escape or a choice closes them, and the focus
// goes back to what opened them.

const FIRST = '[aria-checked=true], input:not([disabled]), button:not([disabled]), a[href]';

export class Pops {
  /** @param {HTMLElement} root of the head line; what is bound to the document ends with it */
  constructor(root) {
    this.root = root;
    this.key = '';
    /** @type {HTMLElement | null} */
    this.box = null;
    /** @type {HTMLElement | null} */
    this.by = null;
    const listen = (/** @type {string} */ name, /** @type {(event: any) => void} */ act) => {
      const heard = (/** @type {Event} */ event) => {
        if (root.isConnected) act(event);
        else document.removeEventListener(name, heard, true);
      };
      document.addEventListener(name, heard, true);
    };
    listen('pointerdown', ({ target }) => {
      const floating = target instanceof Element && target.closest('.options, [role=listbox]'); // gradio's own lists
      if (!floating && !this.box?.contains(target) && !this.by?.contains(target)) this.close(false);
    });
    listen('keydown', (event) => {
      if (event.key !== 'Escape' || !this.box) return;
      event.preventDefault();
      event.stopPropagation();
      this.close(true);
    });
    listen('click', ({ target }) => {
      if (this.box?.contains(target) && target instanceof Element && target.closest('[data-closes], .closes')) this.close(true);
    });
    listen('focusin', ({ target }) => {
      if (this.box && target !== document.body && !this.box.contains(target) && !root.contains(target)) this.close(false);
    });
  }

  /**
   * @template {HTMLElement} Node
   * @param {Node} node
   * @param {string} key
   */
  opener(node, key) {
    node.setAttribute('aria-haspopup', 'dialog');
    node.setAttribute('aria-expanded', 'false');
    node.dataset.pop = key;
    return node;
  }

  /**
   * @param {string} key
   * @param {HTMLElement} by
   * @param {string} [name] where it is another than the opener's
   */
  toggle(key, by, name = by.getAttribute('aria-label') ?? by.textContent ?? '') {
    const was = this.box && this.key;
    this.close(false);
    if (was === key) return;
    this.key = key;
    const box = document.getElementById(`pop-${key}`);
    if (!box) return;
    [this.box, this.by] = [box, by];
    box.setAttribute('role', 'dialog');
    box.setAttribute('aria-label', name);
    box.dataset.open = 'true';
    by.setAttribute('aria-expanded', 'true');
    const at = by.getBoundingClientRect();
    box.style.top = `${Math.round(at.bottom + 4)}px`;
    box.style.left = `${Math.max(8, Math.min(at.left, innerWidth - box.offsetWidth - 8))}px`;
    const first = /** @type {HTMLElement | null} */ (box.querySelector(FIRST));
    box.tabIndex = -1;
    (first ?? box).focus({ preventScroll: false });
  }

  /** @param {boolean} back whether the focus goes back */
  close(back) {
    const { box, by } = this;
    [this.box, this.by] = [null, null];
    if (box) delete box.dataset.open;
    by?.setAttribute('aria-expanded', 'false');
    if (back) by?.focus();
  }
}
