/** The tables of the set `async`: IDBBlockVFS beside IDBBatchAtomicVFS, build by build. */
import { cell, elapsed, ratioCell, table } from './results.mjs';

/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {import('./results.mjs').ContenderRow} ContenderRow */

const OURS = 'IDBBlockVFS';
const PEER = 'IDBBatchAtomicVFS';
const CEILING = 'MemoryVFS';

/** @param {Results} results */
export function asyncTables(results) {
  return [
    `For commits of many pages SQLite's page cache holds the whole sqliteTx, so that ${PEER} can commit it as one batch.`,
    ...pairs(results).flatMap((pair) => [
      `### ${pair.ours.build}, ${pair.ours.durability}`,
      pairTable(results, pair),
    ]),
  ];
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
    results.workloads.map((workload) => {
      const measure = elapsed(workload);
      return [
        workload.title,
        cell(results, measure, ours),
        cell(results, measure, peer),
        ratioCell(results, measure, { ours, peer }),
        ceiling ? cell(results, measure, ceiling) : '–',
      ];
    }),
    1,
  );
}
