/**
 * `npm run readme [-- --check]`
 *
 * Writes the generated parts of the documents. With `--check` it writes nothing, and fails if a part is
 * not what would be written, or if README.md has a number or a table that no command writes.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { fill, unsourced } from './generated.mjs';
import { GENERATORS } from './readme/generators.mjs';

const README = 'README.md';
const DOCUMENTS = [README, 'docs/TESTING.md'];

const { values } = parseArgs({ options: { check: { type: 'boolean', default: false } } });
/** @type {string[]} */
const problems = [];
for (const document of DOCUMENTS) {
  const file = fileURLToPath(new URL(`../${document}`, import.meta.url));
  const text = readFileSync(file, 'utf8');
  const filled = await fill(text, GENERATORS);
  if (document === README) {
    problems.push(...unsourced(filled).map((line) => `no command writes ${document}:${line}`));
  }
  if (filled === text) continue;
  if (values.check) problems.push(`${document} is out of date: run \`npm run readme\``);
  else {
    writeFileSync(file, filled);
    console.log(`Written: ${document}`);
  }
}
for (const problem of problems) console.error(problem);
process.exit(problems.length === 0 ? 0 : 1);
