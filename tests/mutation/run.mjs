/**
 * Changes the source in every small way that Stryker knows, one at a time, and counts the changes that
 * no test notices.
 *
 *   npm run mutate -- --folder format                     a whole folder of src/
 *   npm run mutate -- --folder format --file keys         one file of it
 *   npm run mutate -- … --concurrency 1                   on a busy machine
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { groupsOf } from './groups.mjs';

/** Below it a folder fails. */
const SCORE_MIN = 90;

/** @typedef {{ status: string, mutatorName: string, replacement?: string, location: { start: { line: number, column: number } } }} Mutant */
/** @typedef {{ files: Record<string, { source: string, mutants: Mutant[] }> }} Report */
/** @typedef {Record<string, number>} Counts */

const { values } = parseArgs({
  options: {
    folder: { type: 'string' },
    file: { type: 'string' },
    concurrency: { type: 'string', default: '2' },
  },
});
const { folder, file, concurrency } = values;
if (folder === undefined) throw new Error('Say which folder: --folder format|blockstore|recovery');

/** @type {Counts} */
const total = {};
for (const group of groupsOf(folder, file)) {
  const { files } = mutate(folder, group);
  for (const [path, { source, mutants }] of Object.entries(files).sort()) {
    const counts = tell(path, source.split('\n'), mutants);
    for (const [fate, count] of Object.entries(counts)) total[fate] = (total[fate] ?? 0) + count;
  }
}
console.log(`${folder}: ${summary(total)}`);
process.exitCode = score(total) >= SCORE_MIN ? 0 : 1;

/**
 * @param {string} where
 * @param {import('./groups.mjs').Group} group
 * @returns {Report}
 */
function mutate(where, { files, tests }) {
  const report = `.stryker/${where}-${files[0] === '*' ? 'all' : files.join('-')}.json`;
  const paths = files.map((name) => `src/${where}/${name}.ts`).join(',');
  const { status } = spawnSync(
    'npx',
    [
      ...['stryker', 'run', 'tests/mutation/stryker.config.mjs'],
      ...['--mutate', paths, '--concurrency', concurrency],
    ],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, MUTATION_TESTS: tests.join(' '), MUTATION_REPORT: report },
    },
  );
  if (status !== 0)
    throw new Error(`Stryker ended with ${status}; its log is on the error output.`);
  return JSON.parse(readFileSync(report, 'utf8'));
}

/**
 * @param {string} path
 * @param {readonly string[]} lines
 * @param {readonly Mutant[]} mutants
 * @returns {Counts}
 */
function tell(path, lines, mutants) {
  /** @type {Counts} */
  const counts = {};
  for (const { status, mutatorName, replacement, location } of mutants) {
    counts[status] = (counts[status] ?? 0) + 1;
    if (status !== 'Survived' && status !== 'NoCoverage') continue;
    const { line, column } = location.start;
    console.log(`${status}  ${path}:${line}:${column}  ${mutatorName}`);
    console.log(`    ${(lines[line - 1] ?? '').trim()}\n    → ${replacement ?? ''}`);
  }
  console.log(`${path}: ${summary(counts)}`);
  return counts;
}

/** @param {Counts} counts */
function score({ Killed = 0, Timeout = 0, Survived = 0, NoCoverage = 0 }) {
  return (100 * (Killed + Timeout)) / (Killed + Timeout + Survived + NoCoverage);
}

/** @param {Counts} counts */
function summary(counts) {
  const parts = Object.entries(counts).map(([fate, count]) => `${count} ${fate}`);
  return `${parts.join(', ')}; score ${score(counts).toFixed(1)} %`;
}
