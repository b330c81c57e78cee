/**
 * Parts of Markdown files that a command writes, between two markers:
 *
 *   <!-- generated: name -->…<!-- end: name -->
 *
 * Within a line they hold a few words; where the first marker ends its line they hold whole lines.
 */

const MARKER = /<!-- (?:generated|end): [\w-]+ -->/g;
const PART = /<!-- generated: ([\w-]+) -->([\s\S]*?)<!-- end: ([\w-]+) -->/g;
/** Where digits are no claim and lines no rows: examples, code, targets of links, sections. */
const NO_CLAIM = [PART, /^```js\n[\s\S]*?^```$/gm, /`[^`\n]+`/g, /\]\([^)\n]*\)/g, /§\d+/g];

/** @typedef {() => string | Promise<string>} Generator */

/**
 * @param {string} text of a Markdown file
 * @param {Readonly<Record<string, Generator>>} generators by the name of the part
 * @returns {Promise<string>} the text with every part made anew
 */
export async function fill(text, generators) {
  const parts = [...text.matchAll(PART)];
  if ((text.match(MARKER) ?? []).length !== 2 * parts.length) {
    throw new Error('A marker of a generated part stands alone');
  }
  let filled = '';
  let last = 0;
  for (const { 0: part, 1: name = '', 2: old = '', 3: end, index } of parts) {
    const generate = Object.hasOwn(generators, name) ? generators[name] : undefined;
    if (name !== end) throw new Error(`The part "${name}" is ended by "${end}"`);
    if (!generate) throw new Error(`Nothing generates the part "${name}"`);
    const made = await generate();
    const content = old.startsWith('\n') ? `\n\n${made}\n\n` : made;
    filled += `${text.slice(last, index)}<!-- generated: ${name} -->${content}<!-- end: ${name} -->`;
    last = index + part.length;
  }
  return filled + text.slice(last);
}

/**
 * @param {string} text of a Markdown file
 * @returns {string[]} each line with a number or a row of a table that no command writes
 */
export function unsourced(text) {
  const claims = NO_CLAIM.reduce(
    (rest, pattern) => rest.replace(pattern, (hidden) => hidden.replace(/[^\n]/g, ' ')),
    text,
  );
  const lines = text.split('\n');
  return claims
    .split('\n')
    .flatMap((claim, i) => (/\d|^\|/.test(claim) ? [`${i + 1}: ${lines[i]}`] : []));
}
