"""Small scripts of the page itself, beside those of its components."""

VIEW = """() => {
  const view = new URLSearchParams(location.search).get('view');
  if (view) document.body.dataset.view = view;
  const said = document.createElement('div');
  said.id = 'announcer';
  said.setAttribute('aria-live', 'polite');
  said.style.cssText = 'position:absolute;width:1px;height:1px;overflow:hidden;clip-path:inset(50%)';
  for (let i = 0; i < 3; i++) said.append(document.createElement('p'));
  document.querySelector('main')?.append(said);
  const tell = (sentence) => {
    document.querySelector('#fault')?.remove();
    const told = Object.assign(document.createElement('div'), {id: 'fault', className: 'toast-body', textContent: sentence});
    told.setAttribute('role', 'alert');
    told.onclick = () => told.remove();
    document.body.append(told);
  };
  const asks = window.fetch;
  window.fetch = async (...asked) => {
    const answer = await asks(...asked);
    if (!answer.ok && /gradio_api\\/(run|component_server|upload)\\b/.test(String(asked[0]?.url ?? asked[0]))) {
      answer.clone().json().then(({error}) => tell(String(error))).catch(() => {});
    }
    return answer;
  };
}"""
"""Also where a sentence stands that no event could tell: gradio shows the errors of queued events only."""
ANNOUNCE = "(text) => { const line = document.querySelectorAll('#announcer p')[%d]; if (line) line.textContent = text ?? ''; }"
"""For screen readers: a text box that changes by itself is silent."""
SHOW_RECIPE = "() => setTimeout(() => document.querySelector('#yaml')?.scrollIntoView({block: 'center'}), 200)"
SAVE_FILE = "() => setTimeout(() => document.querySelector('#download-file')?.click(), 300)"
ADDRESS = """(packed) => {
  const url = new URL(location.href);
  if (packed) url.searchParams.set('r', packed); else url.searchParams.delete('r');
  url.searchParams.delete('p');
  history.replaceState(history.state, '', url);
}"""
COPY_LINK = """async (query) => {
  if (!query) return '';
  const url = new URL(location.pathname, location.origin);
  const whole = `${url}?${query}`;
  try { await navigator.clipboard.writeText(whole); } catch { /* it is shown, and can be copied by hand */ }
  return whole;
}"""
MARK_LINE = """(message) => {
  const editor = document.querySelector('#yaml .cm-content');
  const wrong = Number(/line (\\d+)/.exec(message ?? '')?.[1]);
  const mark = () => {
    const numbers = [...document.querySelectorAll('#yaml .cm-lineNumbers .cm-gutterElement')];
    const first = Number(numbers.find((number) => number.style.visibility !== 'hidden')?.textContent ?? 1);
    editor.querySelectorAll('.cm-line').forEach((line, i) => {
      if (line.classList.contains('wrong') !== (first + i === wrong)) line.classList.toggle('wrong');
    });
  };
  if (!editor) return;
  editor.marking?.disconnect();
  editor.marking = new MutationObserver(mark);
  editor.marking.observe(editor, {subtree: true, childList: true, attributes: true, attributeFilter: ['class']});
  mark();
}"""
"""The editor holds only the lines that are seen, and takes foreign classes off whenever it draws one again."""
