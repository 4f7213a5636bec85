// The colours of ../looks.json as custom properties: `--me-accent`, `--me-slot-0`; a dark page has its own.
import looks from '../looks.json' with { type: 'json' };

/** @type {[string, string | string[]][]} */
const ALL = [
  ...Object.entries(looks.colours),
  ...looks.slots.map((pair, i) => /** @type {[string, string[]]} */ ([`slot-${i}`, pair])),
];

/** The style sheet of the custom properties. */
export function tokens() {
  const rules = (/** @type {[string, string][]} */ pairs) => pairs.map(([name, hex]) => `  --me-${name}: ${hex};\n`).join('');
  const light = rules(ALL.map(([name, both]) => [name, typeof both === 'string' ? both : both[0]]));
  const dark = rules(ALL.flatMap(([name, both]) => (typeof both === 'string' ? [] : [[name, both[1]]])));
  return `:root {\n${light}}\n.dark {\n${dark}}\n`;
}
