/** Whether an operation costs in a large database what it costs in a small one. */
import { elapsed, engineOf, median, number, table, valuesOf } from './results.mjs';

/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {import('./results.mjs').ContenderRow} ContenderRow */
/** @typedef {import('./results.mjs').WorkloadRow} WorkloadRow */
/** @typedef {import('./results.mjs').Measure} Measure */

const OURS = /^IDBBlock/;
/** What is asked of ours, from the smallest size to the largest: flat, with room for noise. */
const FLAT_MAX = 1.5;
const READS = /^read-(\d+)mb$/;
const OPERATIONS = [
  { title: 'point read after reopening', pattern: READS },
  { title: 'one-row commit', pattern: /^commit-(\d+)mb$/ },
];
const INTRO = `
An operation of ours is to cost the same in a large database as in a small one: at most ${FLAT_MAX}×, from the
smallest size to the largest that was measured for it. Rows are chosen at random. A small database is in the
cache after some of them; in one that is larger than \`cacheBytes\` (by default 32 MiB) each row is in a leaf of
its own, which a read, and a commit before it writes, has to fetch from IndexedDB: the last table counts that.
The mirror holds all pages in memory and is measured up to 100 MB: its reads are of hundredths of a
millisecond, where noise is large.`.trim();

/** @param {Results} results @returns {string[]} */
export function growthTables(results) {
  const tables = [
    ...OPERATIONS.flatMap(({ title, pattern }) => timesOf(results, `${title}, ms`, pattern)),
    ...fetchesOf(results),
  ];
  return tables.length === 0 ? [] : ['### Flat or not', INTRO, ...tables];
}

/** @param {Results} results @param {string} title @param {RegExp} pattern */
function timesOf(results, title, pattern) {
  const sizes = sizesOf(results, pattern);
  if (sizes.length < 2) return [];
  const rows = rowsOf(
    results,
    sizes.map(({ workload }) => elapsed(workload)),
  ).map(({ contender, figures }) => [
    ...cellsOf(contender, figures),
    ...verdictOf(contender, figures),
  ]);
  return [`#### ${title}`, table([...headOf(sizes), 'ratio', ''], rows, 2)];
}

/** @param {Results} results */
function fetchesOf(results) {
  const title = 'Segments fetched for each point read, those of the start included';
  const sizes = sizesOf(results, READS);
  const rows = rowsOf(
    results,
    sizes.map(({ workload }) => fetched(workload)),
  ).map(({ contender, figures }) => cellsOf(contender, figures));
  return sizes.length < 2 || rows.length === 0
    ? []
    : [`#### ${title}`, table(headOf(sizes), rows, 2)];
}

/** Segments that were fetched, divided by operations. @param {WorkloadRow} workload @returns {Measure} */
function fetched({ name, title }) {
  return {
    title,
    workload: name,
    of: ({ counters, measurement }) =>
      counters?.['segmentsRead'] === undefined
        ? undefined
        : counters['segmentsRead'] / measurement.operations,
  };
}

/** @param {Results} results @param {RegExp} pattern */
function sizesOf(results, pattern) {
  return results.workloads.flatMap((workload) => {
    const [, size] = pattern.exec(workload.name) ?? [];
    return size === undefined ? [] : [{ size, workload }];
  });
}

/** @param {readonly { size: string }[]} sizes */
function headOf(sizes) {
  return ['engine', 'durability', ...sizes.map(({ size }) => `${size} MB`)];
}

/** Contenders of which one of the measures is known. @param {Results} results @param {readonly Measure[]} measures */
function rowsOf(results, measures) {
  return results.contenders.flatMap((contender) => {
    const figures = measures.map((measure) => {
      const values = [...valuesOf(results, measure, contender).values()];
      return values.length === 0 ? undefined : median(values);
    });
    return figures.some((figure) => figure !== undefined) ? [{ contender, figures }] : [];
  });
}

/** @param {ContenderRow} contender @param {readonly (number | undefined)[]} figures by size */
function cellsOf(contender, figures) {
  const cells = figures.map((figure) => (figure === undefined ? '–' : number(figure)));
  return [engineOf(contender), contender.durability, ...cells];
}

/** @param {ContenderRow} contender @param {readonly (number | undefined)[]} figures by size */
function verdictOf({ engine }, figures) {
  const measured = figures.filter((figure) => figure !== undefined);
  const smallest = measured[0];
  const largest = measured.at(-1);
  if (smallest === undefined || largest === undefined || measured.length < 2) return ['–', ''];
  const ratio = largest / smallest;
  const verdict = ratio <= FLAT_MAX ? 'held' : '**missed**';
  return [`${number(ratio)}×`, OURS.test(engine) ? verdict : ''];
}
