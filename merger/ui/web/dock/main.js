// The right end of the dock: what speaks most against this merge, or that there is no connection, or what went wrong. It is the only
// place for messages. Gradio gives:
//
// props.board  JSON text of {words, level}: what speaks most against the merge, in one line
// props.kept   what Python needs to go on where the server has forgotten us
// props.value  what goes back with `select` when the server is there again: {word, unsent, kept}
// events       select; expand: all that speaks against the merge, please
import css from './dock.css';
import { button, rootOf, setAttribute, setText } from '../shared/dom.js';
import { readOrNull } from '../shared/host.js';
import { AWAY, LINE } from '../shared/states.js';
import { Connection } from './connection.js';

/** @param {import('../shared/host.js').Host} host */
export function start(host) {
  const root = rootOf(host.element, '.dock', css);
  let away = false;
  let said = '';
  const press = () => {
    if (said && !away) said = '';
    else if (!away) host.trigger('expand');
    draw();
  };
  const line = button('dk-line', '', press);
  const alarm = document.createElement('span'); // a live region is there before it is filled
  alarm.className = 'dk-alarm';
  alarm.setAttribute('role', 'alert');
  root.append(line, alarm);
  const draw = () => {
    const board = readOrNull(host.props.board) ?? {};
    const alert = away ? AWAY : said;
    const words = alert || String(board.words ?? '');
    root.dataset.kind = away ? 'away' : said ? 'said' : String(board.level ?? '');
    setText(line, words);
    setText(alarm, alert);
    setAttribute(line, 'title', words);
    line.hidden = !words;
  };
  const link = new Connection({
    changed: (gone, unsent) => {
      away = gone;
      draw();
      window.dispatchEvent(new CustomEvent(LINE, { detail: { away: gone, unsent } }));
    },
    back: (word, unsent) => {
      host.props.value = { word, unsent, kept: String(host.props.kept ?? '') };
      host.trigger('select');
    },
    refused: (sentence) => {
      said = sentence;
      draw();
    },
  });
  host.watch('board', draw);
  host.watch('kept', () => {
    said = ''; // the next edit went through
    draw();
  });
  draw();
  return link;
}
