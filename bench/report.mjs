/**
 * Writes BENCHMARKS.md from the results of each set's newest run.
 * As a program: from bench/results/latest.json.
 */
import { writeFileSync } from 'node:fs';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { OTHER_PLACES, readLatest } from './latest.mjs';
import { growthPlots, latencyPlots } from './plots.mjs';
import { asyncTables } from './report-async.mjs';
import { growthTables } from './report-growth.mjs';
import { observedTables } from './report-observed.mjs';
import { spaceTables } from './report-space.mjs';
import { syncTables } from './report-sync.mjs';
import { comparisons, targetTables } from './report-targets.mjs';
import {
  cell,
  detailed,
  elapsed,
  engineOf,
  hasFailed,
  median,
  number,
  table,
  valuesOf,
} from './results.mjs';

/** @typedef {import('./results.mjs').Results} Results */

const REPORT = fileURLToPath(new URL('../BENCHMARKS.md', import.meta.url));
const METHOD = `
Each repetition has a fresh browser profile on disk. Each contender runs in a dedicated worker of a page
loaded for that step alone, cross-origin isolated, on a database of its own; contenders take turns within
each workload. Every result is checked, and what was written is checked again after a reload. A figure is
elapsed time divided by operations, so pauses count. *Cold*: first use after a reload, with nothing in the
memory of SQLite or the engine; the browser and the operating system keep their caches. *Restarted*: the
same after the browser was killed and started again on its profile. SQLite has its
defaults (4 KiB pages, 2 MB page cache, rollback journal) unless a table says otherwise. Figures are of this
machine: trust the ratios.

In the tables: milliseconds, median of the repetitions (lowest–highest). *Ratio*: how many times longer
the peer takes; median of the ratios within each repetition (lowest–highest).`;

/** Beyond the number of cores: the benchmark alone, browser and disk, brings two of them to 3.5. */
const OWN_LOAD = 2;

const PLACES = {
  'chromium-sqlite': 'Chromium on its SQLite backing store',
  firefox: 'Firefox',
  webkit: 'WebKitGTK',
};

/** @type {Record<import('./sets.mjs').SetName, { title: string, tables: (results: Results) => string[] }>} */
const SECTIONS = {
  targets: {
    title: 'How far ahead',
    tables: (results) => [...targetTables(results), ...latencyPlots(results)],
  },
  growth: {
    title: 'Cost against size',
    tables: (results) => [...growthPlots(results), ...growthTables(results)],
  },
  more: { title: 'What else applications do', tables: spaceTables },
  async: { title: 'The asynchronous engine beside IDBBatchAtomicVFS', tables: asyncTables },
  sync: {
    title: 'The synchronous engines beside absurd-sql and IDBMirrorVFS',
    tables: syncTables,
  },
  observed: { title: 'What it costs to be watched', tables: observedTables },
};

export function writeReport() {
  const latest = readLatest('latest');
  const sections = Object.entries(SECTIONS).flatMap(([name, { title, tables }]) => {
    const results = latest[/** @type {import('./sets.mjs').SetName} */ (name)];
    if (!results) return [];
    return [`## ${title}`, conditions(results), ...tables(results), ...everyone(results)];
  });
  const elsewhere = OTHER_PLACES.flatMap((place) =>
    Object.entries(readLatest(place)).flatMap(([name, results]) => [
      `## In ${PLACES[place]}: ${SECTIONS[/** @type {import('./sets.mjs').SetName} */ (name)].title}`,
      conditions(results),
      ...(name === 'targets' ? [comparisons(results)] : []),
      compactTable(results),
    ]),
  );
  const head = ['# Benchmarks', 'Written by `npm run bench`; do not edit.', METHOD.trim()];
  writeFileSync(REPORT, `${[...head, ...sections, ...elsewhere].join('\n\n')}\n`);
  console.log(`Written: ${REPORT}`);
}

/** @param {Results} results */
function conditions({ date, machine, browser, repeat, loadAtStart, loadAtEnd }) {
  const end = loadAtEnd === undefined ? '' : `, ${loadAtEnd.toFixed(1)} at the end`;
  const load = `load ${loadAtStart.toFixed(1)} at the start${end}`;
  const busy = Math.max(loadAtStart, loadAtEnd ?? 0) > Number.parseInt(machine, 10) + OWN_LOAD;
  const warning = busy ? ' Other work kept the machine busy: expect pauses in every figure.' : '';
  return `${date} · ${browser}, headless · ${machine} · ${load} · ${repeat} repetitions.${warning}`;
}

/** Medians alone, a column for each contender. @param {Results} results */
function compactTable(results) {
  const { contenders, workloads } = results;
  return table(
    ['ms', ...contenders.map((one) => `${engineOf(one)}, ${one.build}, ${one.durability}`)],
    workloads.map((workload) => [
      workload.title,
      ...contenders.map((contender) => {
        const values = [...valuesOf(results, elapsed(workload), contender).values()];
        return values.length === 0 ? '–' : number(median(values));
      }),
    ]),
    1,
  );
}

/** @param {Results} results */
function everyone(results) {
  return [
    '### Who takes part',
    table(
      ['engine', 'build', 'durability', 'a commit is acknowledged after'],
      results.contenders.map((contender) => {
        const { build, durability, waitsFor } = contender;
        return [engineOf(contender), build, durability, waitsFor];
      }),
    ),
    '### Everyone, workload by workload',
    ...results.workloads.flatMap((workload) => [
      `#### ${workload.title}`,
      workloadTable(results, workload),
    ]),
  ];
}

/** @param {Results} results @param {import('./results.mjs').WorkloadRow} workload */
function workloadTable(results, workload) {
  const measure = elapsed(workload);
  const taking = results.contenders.filter(
    (contender) =>
      valuesOf(results, measure, contender).size > 0 || hasFailed(results, measure, contender),
  );
  const parts = [...new Set(figuresOf(results, workload).flatMap(partsOf))];
  return table(
    ['engine', 'build', 'durability', 'ms', 'within: median of medians', 'p99', ...parts],
    taking.map((contender) => {
      /** @param {'medianMs' | 'p99Ms'} key */
      const within = (key) => {
        /** @type {number[]} */
        const all = [];
        const of = (/** @type {import('./results.mjs').Measured} */ { measurement }) => {
          if (measurement.operations > 1) all.push(measurement[key]);
          return undefined;
        };
        valuesOf(results, { ...measure, of }, contender);
        return all.length === 0 ? '–' : number(median(all));
      };
      return [
        engineOf(contender),
        contender.build,
        contender.durability,
        cell(results, measure, contender),
        within('medianMs'),
        within('p99Ms'),
        ...parts.map((part) => cell(results, detailed(part)(workload), contender)),
      ];
    }),
    3,
  );
}

/** @param {Results} results @param {import('./results.mjs').WorkloadRow} workload */
function figuresOf({ figures }, { name }) {
  return figures.filter((figure) => figure.workload === name);
}

/** Times that the workload has told apart; bytes have tables of their own. @param {import('./results.mjs').Figure} figure */
function partsOf({ measurement }) {
  return Object.keys(measurement?.details ?? {}).filter((part) => !part.endsWith('Bytes'));
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeReport();
}
