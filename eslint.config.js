import js from '@eslint/js';
import globals from 'globals';

// The same bounds as ruff's for Python: what is longer or more tangled than this is two things.
const SIZES = {
  complexity: ['error', 15],
  'max-lines': ['error', { max: 400 }],
  'max-lines-per-function': ['error', { max: 60 }],
  'max-params': ['error', 7],
  'max-depth': ['error', 4],
};
const HABITS = {
  eqeqeq: ['error', 'always', { null: 'ignore' }],
  'no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
  'no-var': 'error',
  'prefer-const': 'error',
  'no-shadow': 'error',
  'no-implicit-globals': 'error',
  'no-eval': 'error',
  'no-new-func': 'error',
  'no-implied-eval': 'error',
  'no-param-reassign': 'error',
  'object-shorthand': 'error',
};
// Names and answers are hostile: text enters the page through textContent only (shared/dom.js).
const HTML = ['innerHTML', 'outerHTML', 'insertAdjacentHTML', 'setHTMLUnsafe', 'createContextualFragment', 'write', 'writeln'];
const TEXT_ONLY = {
  'no-restricted-properties': ['error', ...HTML.map((property) => ({ property, message: 'Text enters through textContent.' }))],
  'no-restricted-globals': ['error', { name: 'event', message: 'Take it as an argument.' }],
};

export default [
  { ignores: ['merger/ui/web/built/**', 'node_modules/**', '.venv/**', '.cache/**', 'dist/**', 'build/**'] },
  js.configs.recommended,
  { rules: { ...SIZES, ...HABITS } },
  { files: ['merger/ui/web/**/*.js'], languageOptions: { globals: globals.browser }, rules: TEXT_ONLY },
  { files: ['tests/js/*.js', 'scripts/*.mjs', '*.config.js'], languageOptions: { globals: globals.node } },
];
