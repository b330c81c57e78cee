/**
 * Changes the source in every small way that Stryker knows, one at a time, and counts the changes that
 * no test notices.
 *
 *   npm run mutate -- --folder format                     a whole folder of src/
 *   npm run mutate -- --folder format --file keys         one file of it
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';

const REPORT = '.stryker/report.json';
/** Below it a folder fails. */
const SCORE_MIN = 90;

const { values } = parseArgs({
  options: { folder: { type: 'string' }, file: { type: 'string', default: '*' } },
});
const { folder, file } = values;
if (folder === undefined) throw new Error('Say which folder: --folder format|recovery|blockstore');

const { status } = spawnSync(
  'npx',
  ['stryker', 'run', 'tests/mutation/stryker.config.mjs', '--mutate', `src/${folder}/${file}.ts`],
  { stdio: ['ignore', 'ignore', 'inherit'], env: { ...process.env, MUTATED_FOLDER: folder } },
);
if (status !== 0) throw new Error(`Stryker ended with ${status}; its log is on the error output.`);

/** @typedef {{ status: string, mutatorName: string, replacement?: string, location: { start: { line: number, column: number } } }} Mutant */
/** @type {{ files: Record<string, { source: string, mutants: Mutant[] }> }} */
const report = JSON.parse(readFileSync(REPORT, 'utf8'));

/** @type {Record<string, number>} */
const total = {};
for (const [path, { source, mutants }] of Object.entries(report.files).sort()) {
  const lines = source.split('\n');
  /** @type {Record<string, number>} */
  const counts = {};
  for (const { status: fate, mutatorName, replacement, location } of mutants) {
    counts[fate] = (counts[fate] ?? 0) + 1;
    total[fate] = (total[fate] ?? 0) + 1;
    if (fate !== 'Survived' && fate !== 'NoCoverage') continue;
    const { line, column } = location.start;
    console.log(`${fate}  ${path}:${line}:${column}  ${mutatorName}`);
    console.log(`    ${(lines[line - 1] ?? '').trim()}\n    → ${replacement ?? ''}`);
  }
  console.log(`${path}: ${summary(counts)}`);
}
console.log(`${folder}: ${summary(total)}`);
process.exitCode = score(total) >= SCORE_MIN ? 0 : 1;

/** @param {Record<string, number>} counts */
function score({ Killed = 0, Timeout = 0, Survived = 0, NoCoverage = 0 }) {
  return (100 * (Killed + Timeout)) / (Killed + Timeout + Survived + NoCoverage);
}

/** @param {Record<string, number>} counts */
function summary(counts) {
  const parts = Object.entries(counts).map(([fate, count]) => `${count} ${fate}`);
  return `${parts.join(', ')}; score ${score(counts).toFixed(1)} %`;
}
