// What the page does by itself, around its parts. Each function goes into an event of gradio's as its own text (`js=`): it may use
// nothing but its arguments and the browser. merger/ui/bundle.py gives them by name.

/** The page has come: what view of it, a place for screen readers' lines, and a sentence where gradio tells none. */
export function view() {
  const wanted = new URLSearchParams(location.search).get('view');
  if (wanted) document.body.dataset.view = wanted;
  const said = document.createElement('div');
  said.id = 'announcer';
  said.setAttribute('aria-live', 'polite');
  said.style.cssText = 'position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)';
  for (let i = 0; i < 3; i += 1) said.append(document.createElement('p'));
  document.querySelector('main')?.append(said);
  const tell = (/** @type {string} */ sentence) => {
    document.querySelector('#fault')?.remove();
    const told = Object.assign(document.createElement('div'), { id: 'fault', className: 'toast-body', textContent: sentence });
    told.setAttribute('role', 'alert');
    told.onclick = () => told.remove();
    document.body.append(told);
  };
  const asks = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await asks(...asked);
    const place = asked[0] instanceof Request ? asked[0].url : String(asked[0]);
    if (!answer.ok && /gradio_api\/(run|component_server|upload)\b/.test(place)) {
      answer
        .clone()
        .json()
        .then(({ error }) => tell(String(error)))
        .catch(() => {});
    }
    return answer;
  };
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

/** Drawers: a press on the tab that is open closes it, and so does Escape; "/" goes to the ask field, Alt and a digit to a drawer. */
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
    else if (!typing && event.key === 'Escape') leave(event);
    else if (!typing && event.key === '/' && !event.ctrlKey) {
      event.preventDefault();
      /** @type {HTMLElement | null} */ (document.querySelector('.rw-field'))?.focus();
    }
  });
}
