/** The lines of the benchmark that most applications ask about, from its newest results. */
import { readLatest } from '../../bench/latest.mjs';
import { measureOf, quickest } from '../../bench/report-targets.mjs';
import { median, number, ratios, table, valuesOf } from '../../bench/results.mjs';
import { LINES } from '../../bench/targets.mjs';

/** @typedef {import('../../bench/results.mjs').Results} Results */
/** @typedef {import('../../bench/targets.mjs').Line} Line */

/** Titles of lines in bench/targets.mjs. */
const SHOWN = [
  'one-row commit, strict',
  'one-row commit, relaxed',
  'sqliteTx of 5 reads, 2 updates, 1 insert',
  'load of 100,000 rows',
  'update of every row, 2 MB cache',
  'point read, warm',
  'point read, reopened',
  'scan of 10 MB, reopened',
];
/** Columns; of each the first contender that has the durability of the line, or the first. */
const PEERS = {
  'absurd-sql': ['absurd-sql.sql.js.4096'],
  IDBBatchAtomicVFS: ['idb-batch-atomic.jspi.relaxed', 'idb-batch-atomic.jspi.strict'],
  'SQLite’s opfs-sahpool': ['opfs-sahpool.sqlite-wasm.strict'],
};

export function speedTable() {
  const results = readLatest('latest').targets;
  if (!results) throw new Error('bench/results has no results of the set "targets"');
  const { browser, machine, date, repeat } = results;
  return [
    `Milliseconds per operation, median of ${repeat} repetitions, in brackets how many times as long as ours, median of the ratios within each repetition: ${browser}, ${machine}, ${date}.`,
    table(
      ['', 'ours', ...Object.keys(PEERS)],
      SHOWN.map((title) => rowOf(results, lineOf(title))),
      1,
    ),
  ].join('\n\n');
}

/** @param {string} title */
function lineOf(title) {
  const line = LINES.find((one) => one.title === title);
  if (!line) throw new Error(`bench/targets.mjs has no line "${title}"`);
  return line;
}

/** @param {Results} results @param {Line} line */
function rowOf(results, line) {
  const measure = measureOf(results, line.workload, line);
  const ours = quickest(results, line, measure);
  if (!measure || !ours) throw new Error(`not measured: ${line.title}`);
  /** @param {import('../../bench/results.mjs').ContenderRow} contender */
  const msOf = (contender) => median([...valuesOf(results, measure, contender).values()]);
  const peers = Object.values(PEERS).map((names) => {
    const peer = peerOf(results, names, line);
    const factors = peer ? ratios(results, measure, { ours, peer }) : [];
    return peer && factors.length > 0 ? `${number(msOf(peer))} (${number(median(factors))}×)` : '–';
  });
  return [line.title, `**${number(msOf(ours))}** ${ours.engine}`, ...peers];
}

/** @param {Results} results @param {readonly string[]} names @param {Line} line */
function peerOf({ contenders }, names, { durability }) {
  const all = contenders.filter(({ name }) => names.includes(name));
  return all.find((one) => one.durability === durability) ?? all[0];
}
