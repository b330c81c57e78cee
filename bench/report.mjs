/**
 * Writes BENCHMARKS.md from the figures of a run.
 * As a program: from bench/results/latest.json.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { median, spread } from './statistics.mjs';

const LATEST = new URL('./results/latest.json', import.meta.url);
const REPORT = fileURLToPath(new URL('../BENCHMARKS.md', import.meta.url));
const OURS = 'IDBBlockVFS';
const PEER = 'IDBBatchAtomicVFS';
const CEILING = 'MemoryVFS';

/** @typedef {Omit<import('./types.ts').Contender, 'load' | 'attach'>} ContenderRow */
/** @typedef {{ name: string, title: string, cold: boolean }} WorkloadRow */
/**
 * @typedef {object} Figure
 * @property {string} contender
 * @property {string} workload
 * @property {number} repetition
 * @property {number} [openMs]
 * @property {import('./types.ts').Measurement} [measurement]
 * @property {Record<string, number>} [counters]
 * @property {string} [error]
 */
/**
 * @typedef {object} Results
 * @property {string} date
 * @property {string} machine
 * @property {number} loadAtStart
 * @property {number} [loadAtEnd]
 * @property {string} browser
 * @property {number} repeat
 * @property {readonly ContenderRow[]} contenders
 * @property {readonly WorkloadRow[]} workloads
 * @property {readonly Figure[]} figures
 */

/** @param {Results} results */
export function writeReport(results) {
  writeFileSync(REPORT, reportOf(results));
  console.log(`Written: ${REPORT}`);
}

/** @param {Results} results */
function reportOf(results) {
  return `${[
    '# Benchmarks',
    'Written by `npm run bench`; do not edit.',
    conditions(results),
    '## Who takes part',
    contenderTable(results),
    `## ${OURS} beside ${PEER}`,
    'Milliseconds per operation: median of the repetitions (lowest–highest). *Ratio*: how many times ' +
      'longer the peer takes; median of the ratios within each repetition (lowest–highest).',
    ...pairs(results).flatMap((pair) => [
      `### ${pair.ours.build}, ${pair.ours.durability}`,
      pairTable(results, pair),
    ]),
    '## Everyone, workload by workload',
    ...results.workloads.flatMap((workload) => [
      `### ${workload.title}`,
      workloadTable(results, workload),
    ]),
  ].join('\n\n')}\n`;
}

/** @param {Results} results */
function conditions({ date, machine, browser, repeat, loadAtStart, loadAtEnd }) {
  const end = loadAtEnd === undefined ? '' : `, ${loadAtEnd.toFixed(1)} at the end`;
  return [
    `${date} · ${browser}, headless · ${machine} · load ${loadAtStart.toFixed(1)} at the start${end} · ${repeat} repetitions.`,
    '',
    'Each repetition has a fresh browser profile on disk. Each contender runs in a dedicated worker of a page',
    'loaded for that step alone, on a database of its own; contenders take turns within each workload. Every',
    'result is checked, and what was written is checked again after a reload. A figure is elapsed time divided by',
    'operations, so pauses count. *Cold*: first use after a reload, with nothing in the memory of SQLite or the',
    'engine; the browser and the operating system keep their caches. SQLite has its defaults (4 KiB pages, 2 MB',
    'page cache, rollback journal), but for commits of many pages: there its cache holds the whole sqliteTx, so',
    `that ${PEER} can commit it as one batch. Figures are of this machine: trust the ratios.`,
  ].join('\n');
}

/** @param {Results} results */
function contenderTable({ contenders }) {
  return table(
    ['engine', 'build', 'durability', 'a commit is acknowledged after'],
    contenders.map(({ engine, build, durability, waitsFor }) => [
      engine,
      build,
      durability,
      waitsFor,
    ]),
  );
}

/** @param {Results} results */
function pairs({ contenders }) {
  return contenders
    .filter(({ engine }) => engine === OURS)
    .flatMap((ours) => {
      const peer = contenders.find(
        ({ engine, build, durability }) =>
          engine === PEER && build === ours.build && durability === ours.durability,
      );
      const ceiling = contenders.find(
        ({ engine, build }) => engine === CEILING && build === ours.build,
      );
      return peer ? [{ ours, peer, ceiling }] : [];
    });
}

/**
 * @param {Results} results
 * @param {{ ours: ContenderRow, peer: ContenderRow, ceiling: ContenderRow | undefined }} pair
 */
function pairTable(results, { ours, peer, ceiling }) {
  return table(
    ['', OURS, PEER, 'ratio', 'in memory'],
    results.workloads.map((workload) => [
      workload.title,
      cell(results, workload, ours),
      cell(results, workload, peer),
      ratioCell(results, workload, ours, peer),
      ceiling ? cell(results, workload, ceiling) : '–',
    ]),
    1,
  );
}

/** @param {Results} results @param {WorkloadRow} workload */
function workloadTable(results, workload) {
  const taking = results.contenders.filter(
    (contender) => measured(results, workload, contender).length > 0,
  );
  return table(
    ['engine', 'build', 'durability', 'ms', 'within: median of medians', 'p99'],
    taking.map((contender) => {
      const all = measured(results, workload, contender);
      const single = all.every(({ measurement }) => measurement.operations === 1);
      return [
        contender.engine,
        contender.build,
        contender.durability,
        cell(results, workload, contender),
        single ? '–' : number(median(all.map(({ measurement }) => measurement.medianMs))),
        single ? '–' : number(median(all.map(({ measurement }) => measurement.p99Ms))),
      ];
    }),
    3,
  );
}

/** @param {Results} results @param {WorkloadRow} workload @param {ContenderRow} contender */
function measured({ figures }, workload, contender) {
  return figures.flatMap(({ measurement, ...figure }) =>
    measurement && figure.workload === workload.name && figure.contender === contender.name
      ? [{ repetition: figure.repetition, measurement }]
      : [],
  );
}

/** @param {Results} results @param {WorkloadRow} workload @param {ContenderRow} contender */
function cell(results, workload, contender) {
  const failed = results.figures.some(
    ({ error, ...figure }) =>
      error !== undefined &&
      figure.workload === workload.name &&
      figure.contender === contender.name,
  );
  const all = measured(results, workload, contender).map(({ measurement }) => measurement.meanMs);
  if (failed) return 'failed';
  return all.length === 0 ? '–' : range(all);
}

/**
 * @param {Results} results
 * @param {WorkloadRow} workload
 * @param {ContenderRow} ours
 * @param {ContenderRow} peer
 */
function ratioCell(results, workload, ours, peer) {
  const theirs = new Map(
    measured(results, workload, peer).map((figure) => [figure.repetition, figure.measurement]),
  );
  const ratios = measured(results, workload, ours).flatMap(({ repetition, measurement }) => {
    const other = theirs.get(repetition);
    return other ? [other.meanMs / measurement.meanMs] : [];
  });
  return ratios.length === 0 ? '–' : range(ratios, '×');
}

/** @param {readonly number[]} values */
function range(values, unit = '') {
  const { median: middle, min, max } = spread(values);
  return `**${number(middle)}${unit}** (${number(min)}–${number(max)})`;
}

/** Three significant digits, never an exponent. @param {number} value */
function number(value) {
  if (value >= 100) return Math.round(value).toLocaleString('en');
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(value >= 0.1 ? 2 : 3);
}

/**
 * @param {readonly string[]} head
 * @param {readonly (readonly string[])[]} rows
 * @param {number} [numbersFrom] columns from here on are aligned to the right
 */
function table(head, rows, numbersFrom = head.length) {
  const rule = head.map((_, i) => (i < numbersFrom ? '---' : '---:'));
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeReport(JSON.parse(readFileSync(LATEST, 'utf8')));
}
