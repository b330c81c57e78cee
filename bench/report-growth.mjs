/** Whether an operation costs in a large database what it costs in a small one. */
import { elapsed, engineOf, median, number, table, valuesOf } from './results.mjs';

/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {import('./results.mjs').ContenderRow} ContenderRow */

const OURS = /^IDBBlock/;
/** What is asked of ours, from the smallest size to the largest: flat, with room for noise. */
const FLAT_MAX = 1.5;
const OPERATIONS = [
  { title: 'point read after reopening', pattern: /^read-(\d+)mb$/ },
  { title: 'one-row commit', pattern: /^commit-(\d+)mb$/ },
];
const INTRO = `
An operation of ours is to cost the same in a large database as in a small one: at most ${FLAT_MAX}×, from the
smallest size to the largest. Rows are chosen at random. A small database is in the cache after some of
them; in one that is larger than \`cacheBytes\` (64 MiB) each row is in a leaf of its own, and fetching that from
IndexedDB is what is missed here. In 1 GB a lookup fetches 1.13 segments (5,000 random reads, counted):
inner pages of B-trees are kept when their segments go.`.trim();

/** @param {Results} results @returns {string[]} */
export function growthTables(results) {
  const tables = OPERATIONS.flatMap((operation) => tableOf(results, operation));
  return tables.length === 0 ? [] : ['### Flat or not', INTRO, ...tables];
}

/** @param {Results} results @param {(typeof OPERATIONS)[number]} operation */
function tableOf(results, { title, pattern }) {
  const sizes = results.workloads.flatMap((workload) => {
    const [, size] = pattern.exec(workload.name) ?? [];
    return size === undefined ? [] : [{ size, measure: elapsed(workload) }];
  });
  if (sizes.length < 2) return [];
  const rows = results.contenders.flatMap((contender) => {
    const figures = sizes.map(({ measure }) => {
      const values = [...valuesOf(results, measure, contender).values()];
      return values.length === 0 ? undefined : median(values);
    });
    return figures.some((ms) => ms !== undefined) ? [rowOf(contender, figures)] : [];
  });
  const head = ['engine', 'durability', ...sizes.map(({ size }) => `${size} MB`), 'ratio', ''];
  return [`#### ${title}, ms`, table(head, rows, 2)];
}

/** @param {ContenderRow} contender @param {readonly (number | undefined)[]} figures by size */
function rowOf(contender, figures) {
  const measured = figures.filter((ms) => ms !== undefined);
  const ratio = (measured.at(-1) ?? 0) / (measured[0] ?? 1);
  const verdict = ratio <= FLAT_MAX ? 'held' : '**missed**';
  return [
    engineOf(contender),
    contender.durability,
    ...figures.map((ms) => (ms === undefined ? '–' : number(ms))),
    measured.length < 2 ? '–' : `${number(ratio)}×`,
    OURS.test(contender.engine) ? verdict : '',
  ];
}
