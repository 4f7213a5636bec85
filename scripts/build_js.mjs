// The page's parts as one script each, in merger/ui/web/built/: what the page is served, so that nobody who runs it needs node.
// The first line of each names its sources and their digest; tests/test_js.py holds it to them where there is no node, too.
//
//   npm run build        write them
//   npm run build:check  say which are not as they would be written

import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import * as page from '../merger/ui/web/page/page.js';
import { tokens } from '../merger/ui/web/shared/tokens.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const WEB = join(ROOT, 'merger/ui/web');
const PARTS = [
  'head',
  'choices',
  'mixer',
  'stack',
  'rows',
  'chat',
  'coach',
  'dock',
  'explore',
  'history',
  'inspect',
  'bars',
  'improve',
];
const HOST = '{ element, trigger, props, watch, server: typeof server === "undefined" ? {} : server }';

/** @param {string} path below WEB */
const text = (path) => readFileSync(join(WEB, path), 'utf8').replaceAll('\r\n', '\n');

/**
 * What a built file says of itself.
 * @param {string[]} sources
 */
function told(sources) {
  const digest = createHash('sha256');
  for (const path of sources) digest.update(`${path}\n${text(path)}\n`);
  return `npm run build: ${digest.digest('hex').slice(0, 16)} of ${sources.join(' ')}`;
}

/** @param {string} css */
const tight = async (css) =>
  (await transform(css, { loader: 'css', minifyWhitespace: true, minifySyntax: true, target: 'es2022' })).code;

/**
 * What looks.json says to a script: of its colours those that its sources ask for by name.
 * @param {string[]} sources
 */
function looks(sources) {
  const { colours, ...rest } = JSON.parse(text('looks.json'));
  const asked = sources.flatMap((path) => [...text(path).matchAll(/\bcolour\('([\w-]+)'/g)].map((match) => match[1]));
  return JSON.stringify({ ...rest, colours: Object.fromEntries(asked.map((name) => [name, colours[name]])) });
}

/**
 * Style sheets as text, without what only their readers need.
 * @param {string[]} sources
 */
const sheets = (sources) => ({
  name: 'sheets',
  setup: (/** @type {import('esbuild').PluginBuild} */ on) => {
    on.onLoad({ filter: /\.css$/ }, async ({ path }) => ({ contents: await tight(text(relative(WEB, path))), loader: 'text' }));
    on.onLoad({ filter: /looks\.json$/ }, () => ({ contents: looks(sources), loader: 'json' }));
  },
});

/**
 * Where a part begins. One that gives nothing else is only started: exports would bring their own machinery into each.
 * @param {string} name
 * @returns {import('esbuild').BuildOptions}
 */
function entry(name) {
  const main = `${name}/main.js`;
  if (/^export (?!function start\()/m.test(text(main)))
    return { entryPoints: [join(WEB, main)], globalName: 'part', footer: { js: `part.start(${HOST});` } };
  return { stdin: { contents: `import { start } from './${main}';\nstart(${HOST});`, resolveDir: WEB, sourcefile: 'start' } };
}

/**
 * @param {string} name
 * @param {string[]} [known] its sources; without them it is made once to know them
 * @returns {Promise<string>}
 */
async function script(name, known) {
  const made = await build({
    ...entry(name),
    absWorkingDir: ROOT,
    bundle: true,
    write: false,
    metafile: true,
    format: 'iife',
    banner: { js: '"use strict";' },
    target: 'es2022',
    charset: 'utf8',
    minifySyntax: true,
    minifyWhitespace: true,
    minifyIdentifiers: true, // methods keep their names: an error in a visitor's console can be read
    lineLimit: 160,
    plugins: [sheets(known ?? [])],
  });
  const inputs = Object.keys(made.metafile.inputs).filter((path) => path !== 'merger/ui/web/start');
  const sources = inputs.map((path) => relative(WEB, join(ROOT, path)).replaceAll('\\', '/'));
  if (!known) return script(name, sources);
  return `// ${told(sources.sort())}\n${made.outputFiles[0].text}`;
}

/** @type {Record<string, string>} */
const made = {};
for (const name of PARTS) made[`${name}.js`] = await script(name);
made['page.css'] =
  `/* ${told(['looks.json', 'page/page.css', 'shared/tokens.js'])} */\n${await tight(`${tokens()}${text('page/page.css')}`)}`;
// gradio takes a function for an event as text
const functions = [];
for (const [name, fn] of Object.entries(page)) {
  const { code } = await transform(`it=${fn.toString()}`, { minify: true, target: 'es2022', charset: 'utf8' });
  functions.push(`${JSON.stringify(name)}: ${JSON.stringify(code.trim().replace(/^it=|;$/g, ''))}`);
}
made['page.json'] = `{"": "${told(['page/page.js'])}",\n${functions.join(',\n')}}\n`;

const check = process.argv.includes('--check');
const old = [];
for (const [name, content] of Object.entries(made)) {
  const path = join(WEB, 'built', name);
  if (!check) writeFileSync(path, content);
  else if (readFileSync(path, 'utf8') !== content) old.push(name);
}
if (old.length) console.error(`not as its sources say: ${old.join(', ')}; npm run build makes them again`);
process.exitCode = old.length ? 1 : 0;
