// What the page does by itself, around its parts. Each function goes into an event of gradio's as its own text (`js=`): it may use
// nothing but its arguments and the browser. merger/ui/bundle.py gives them by name.

/** The page has come: what view of it, and a place for screen readers' lines. */
export function view() {
  const wanted = new URLSearchParams(location.search).get('view');
  if (wanted) document.body.dataset.view = wanted;
  const said = document.createElement('div');
  said.id = 'announcer';
  said.setAttribute('aria-live', 'polite');
  said.style.cssText = 'position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)';
  for (let i = 0; i < 3; i += 1) said.append(document.createElement('p'));
  document.querySelector('main')?.append(said);
  for (const [place, role, name] of [
    ['#top', 'banner', 'Head'],
    ['#painting', 'region', 'Models'],
    ['#hearing', 'region', 'Answers'],
    ['#below > .tab-wrapper', 'navigation', 'Drawers'],
  ]) {
    document.querySelector(place)?.setAttribute('role', role);
    document.querySelector(place)?.setAttribute('aria-label', name);
  }
  const below = document.querySelector('#below');
  const drawer = () => {
    const tabs = [...document.querySelectorAll('#below > .tab-wrapper [role=tab]')];
    const open = tabs.findIndex((tab) => tab.getAttribute('aria-selected') === 'true') > 0; // the first closes
    document.querySelector('#desk')?.toggleAttribute('data-drawer', open);
  };
  if (below) new MutationObserver(drawer).observe(below, { subtree: true, attributes: true, attributeFilter: ['aria-selected'] });
  drawer();
}

/**
 * For screen readers: a text box that changes by itself is silent.
 * @param {string | null} text
 * @param {number} i which of the lines
 */
export function announce(text, i) {
  const line = document.querySelectorAll('#announcer p')[i];
  if (line) line.textContent = text ?? '';
}

/** The chat takes the close-up's place. */
export function openChat() {
  document.querySelector('#chat .chat')?.dispatchEvent(new CustomEvent('chat'));
}

/** What speaks against the merge, in its drawer. */
export function openRemarks() {
  const tabs = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('#below > .tab-wrapper [role=tab]')]);
  const recipe = tabs.find((tab) => tab.textContent?.trim() === 'Recipe');
  if (recipe?.getAttribute('aria-selected') !== 'true') recipe?.click();
  setTimeout(() => document.querySelector('#warning')?.scrollIntoView({ block: 'nearest' }), 100);
}

/**
 * A link of gradio's footer, which is not shown.
 * @param {number} i
 */
export function footer(i) {
  const found = document.querySelectorAll(i ? 'footer .settings' : 'footer .show-api')[0];
  if (found instanceof HTMLElement) found.click();
}

/**
 * An event's inputs with what is locked in the Mixer in the last one's place.
 * @param {unknown[]} given
 */
export function withLocks(...given) {
  const detail = {};
  window.dispatchEvent(new CustomEvent('merge-explorer-locks', { detail }));
  return [...given.slice(0, -1), JSON.stringify(detail)];
}

export function saveFile() {
  setTimeout(() => /** @type {HTMLElement | null} */ (document.querySelector('#download-file'))?.click(), 300);
}

/**
 * The recipe in the address, so that a reload brings it back.
 * @param {string} packed
 */
export function address(packed) {
  const url = new URL(location.href);
  if (packed) url.searchParams.set('r', packed);
  else url.searchParams.delete('r');
  url.searchParams.delete('p');
  history.replaceState(history.state, '', url);
}

/**
 * @param {string} query
 * @returns {Promise<string>} the whole link
 */
export async function copyLink(query) {
  if (!query) return '';
  const whole = `${new URL(location.pathname, location.origin)}?${query}`;
  try {
    await navigator.clipboard.writeText(whole);
    window.dispatchEvent(new Event('merge-explorer-copied'));
  } catch {
    /* it is shown, and can be copied by hand */
  }
  return whole;
}

/**
 * The line of the recipe that a message names; the editor holds only the lines that are seen, and takes foreign classes off
 * whenever it draws one again.
 * @param {string | null} message
 */
export function markLine(message) {
  const editor = /** @type {(Element & {marking?: MutationObserver}) | null} */ (document.querySelector('#yaml .cm-content'));
  if (!editor) return;
  const wrong = Number(/line (\d+)/.exec(message ?? '')?.[1]);
  const mark = () => {
    /** @type {HTMLElement[]} */
    const numbers = [...document.querySelectorAll('#yaml .cm-lineNumbers .cm-gutterElement')].filter(
      (x) => x instanceof HTMLElement,
    );
    const first = Number(numbers.find((number) => number.style.visibility !== 'hidden')?.textContent ?? 1);
    editor.querySelectorAll('.cm-line').forEach((line, i) => {
      if (line.classList.contains('wrong') !== (first + i === wrong)) line.classList.toggle('wrong');
    });
  };
  editor.marking?.disconnect();
  editor.marking = new MutationObserver(mark);
  editor.marking.observe(editor, { subtree: true, childList: true, attributes: true, attributeFilter: ['class'] });
  mark();
}

/**
 * A recipe's file, dropped anywhere: it is taken as by "Open a YAML file". Without this the browser would leave the page for it, and
 * the editor write it between the lines that are there.
 */
export function dropping() {
  /** @param {DragEvent} event */
  const files = (event) => (event.dataTransfer?.types.includes('Files') ? event.dataTransfer.files : null);
  const take = { capture: true };
  window.addEventListener('dragover', (event) => files(event) && event.preventDefault(), take);
  window.addEventListener(
    'drop',
    (event) => {
      const dropped = files(event);
      if (!dropped) return;
      event.preventDefault();
      event.stopPropagation();
      const tabs = [...document.querySelectorAll('#below > .tab-wrapper [role=tab]')];
      const tab = tabs.find((one) => one.textContent?.trim() === 'Recipe');
      if (tab instanceof HTMLElement && tab.getAttribute('aria-selected') !== 'true') tab.click();
      let tries = 50; // the drawer draws its file's field when it opens
      const give = () => {
        const field = document.querySelector('#yaml-file')?.previousElementSibling;
        if (field instanceof HTMLInputElement) {
          field.files = dropped;
          field.dispatchEvent(new Event('change', { bubbles: true }));
        } else if ((tries -= 1)) setTimeout(give, 100);
      };
      give();
    },
    take,
  );
}

/**
 * Light or dark, or as the system has it; kept in the browser. An address that says which has the last word.
 * @param {string | null} wanted null: what was kept
 * @returns {string}
 */
export function appearance(wanted) {
  const place = 'merge-explorer-appearance';
  let look = wanted ?? 'As the system';
  try {
    if (wanted) localStorage.setItem(place, wanted);
    else look = localStorage.getItem(place) ?? look;
  } catch {
    /* a browser that keeps nothing */
  }
  if (!['As the system', 'Light', 'Dark'].includes(look)) look = 'As the system';
  const named = new URLSearchParams(location.search).has('__theme');
  const dark = look === 'Dark' || (look !== 'Light' && matchMedia('(prefers-color-scheme: dark)').matches);
  if (wanted || (!named && look !== 'As the system')) document.body.classList.toggle('dark', dark);
  return look;
}

/** The first steps begin again. */
export function play() {
  window.dispatchEvent(new Event('merge-explorer-play'));
}

/** The list of keys. */
export function keys() {
  window.dispatchEvent(new Event('merge-explorer-keys'));
}

/**
 * Drawers: a press on the tab that is open closes it, and so does Escape, then the chat; "/" goes to the ask field, "?" to the list
 * of keys, Alt and a digit to a drawer, F6 to the next region.
 */
export function drawers() {
  const tabs = () => /** @type {HTMLElement[]} */ ([...document.querySelectorAll('#below > .tab-wrapper [role=tab]')]);
  const shut = () => tabs()[0];
  const open = () => tabs().find((tab) => tab.getAttribute('aria-selected') === 'true' && tab !== shut());
  document.addEventListener(
    'click',
    (event) => {
      const tab = event.target instanceof Element ? event.target.closest('#below > .tab-wrapper [role=tab]') : null;
      if (!(tab instanceof HTMLElement) || tab !== open()) return;
      event.stopPropagation();
      event.preventDefault();
      shut()?.click();
    },
    { capture: true },
  );
  /** @param {KeyboardEvent} event */
  const leave = (event) => {
    const was = event.defaultPrevented ? undefined : open();
    if (was) shut()?.click();
    was?.focus();
    const chat = was || event.defaultPrevented ? null : document.querySelector('#chat .chat:not([hidden])');
    chat?.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', cancelable: true })); // as if it were pressed there
  };
  /** @param {boolean} back */
  const region = (back) => {
    const places = ['#top', '#painting', '#hearing', '#below'].map((place) => document.querySelector(place));
    const at = places.findIndex((place) => place?.contains(document.activeElement));
    for (let i = 1; i <= 4; i += 1) {
      const place = places[(Math.max(at, back ? 0 : -1) + (back ? 8 - i : i)) % 4];
      const stop = [...(place?.querySelectorAll('button, [role=slider], input, select, textarea') ?? [])].find(
        (node) => node instanceof HTMLElement && node.tabIndex >= 0 && node.offsetParent && !node.hasAttribute('disabled'),
      );
      if (!(stop instanceof HTMLElement)) continue;
      stop.focus();
      return;
    }
  };
  /** @param {KeyboardEvent} event */
  const numbered = (event) => {
    const tab = tabs()[Number(event.key)];
    if (!tab) return;
    event.preventDefault();
    (tab === open() ? shut() : tab)?.click();
  };
  document.addEventListener('keydown', (event) => {
    const at = event.target instanceof Element ? event.target : document.body;
    const typing = at.closest('input, textarea, select, [contenteditable=true], [role=listbox]');
    if (event.altKey && /^[1-9]$/.test(event.key)) numbered(event);
    else if (event.key === 'F6') {
      event.preventDefault();
      region(event.shiftKey);
    } else if (!typing && event.key === 'Escape') leave(event);
    else if (!typing && event.key === '?') window.dispatchEvent(new Event('merge-explorer-keys'));
    else if (!typing && event.key === '/' && !event.ctrlKey) {
      event.preventDefault();
      /** @type {HTMLElement | null} */ (document.querySelector('.rw-field'))?.focus();
    }
  });
}

/**
 * The same, when what is more urgent has been sent.
 * @param {string | null} value
 */
export async function inAMoment(value) {
  await new Promise((go) => setTimeout(go, 250));
  return value;
}
