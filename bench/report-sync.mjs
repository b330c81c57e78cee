/** The tables of the set `sync`: the synchronous engines beside their peers and beside memory. */
import {
  cell,
  elapsed,
  engineOf,
  median,
  number,
  ratioCell,
  ratios,
  table,
  typical,
  valuesOf,
  withOpening,
} from './results.mjs';

/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {import('./results.mjs').ContenderRow} ContenderRow */
/** @typedef {import('./results.mjs').Measure} Measure */

const OURS = ['IDBBlockMirrorVFS', 'IDBBlockSharedVFS'];
const MEMORY = ['MemoryVFS', ':memory:'];
const WARM = ['point-read-warm', 'point-read-prepared-each', 'scan-warm'];
const DEFERRED = 'commit-1-row-deferred';
const NOTES = `
- *Strict* waits for more than any peer asks of IndexedDB but IDBBatchAtomicVFS, strict; *relaxed* is what
  IDBMirrorVFS waits for, and more than absurd-sql does.
- absurd-sql has the journal in memory, as its README says, and an SQLite of 2021 in sql.js, whose API is
  synchronous. wa-sqlite's API is asynchronous on every build, which a statement per row feels: a load of
  100 rows to a statement is the storage's more than the API's, and one INSERT … SELECT the storage's alone.
- Pages have 4 KiB unless 8 are named. An application has the same choice with every engine: compare like
  with like.
- IDBMirrorVFS does not survive every ROLLBACK (wa-sqlite #352). No workload rolls back.
- *Opening* begins when the engine's code is loaded. Engines that keep the whole file in memory load it then,
  so cold figures are given without and with it.`.trim();
const WARM_RATIO_MAX = 1.15;
const DEFERRED_RATIO_MAX = 2;

/** @param {Results} results */
export function syncTables(results) {
  const ours = results.contenders.filter(({ engine }) => OURS.includes(engine));
  const memory = results.contenders.filter(({ engine }) => MEMORY.includes(engine));
  const peers = results.contenders.filter(
    ({ engine }) => !OURS.includes(engine) && !MEMORY.includes(engine),
  );
  const awaited = ours.filter(({ durability }) => durability !== 'deferred');
  return [
    NOTES,
    ...awaited.flatMap((contender) => [
      `### ${labelOf(contender)}, beside its peers`,
      aheadTable(results, contender, peers),
    ]),
    '### Warm reads beside the build in memory',
    `How many times as long as in memory: at most ${WARM_RATIO_MAX} is asked of elapsed time. *Typical*: ` +
      'the same of the median within each run, of batches of 50 for point reads.',
    warmTable(results, awaited, memory),
    '### Deferred commits beside memory',
    `At most ${DEFERRED_RATIO_MAX} times as long as in memory is asked, and few idbTxs for 1,000 commits and their \`durable()\`.`,
    deferredTable(results, ours, memory),
  ];
}

/** @param {ContenderRow} contender */
function labelOf(contender) {
  const { engine, build, durability } = contender;
  const name = engineOf(contender);
  if (OURS.includes(engine)) return `${name}, ${durability}`;
  if (engine === 'absurd-sql') return name;
  return engine === 'IDBMirrorVFS' ? `${engine}, ${build}` : `${engine}, ${build}, ${durability}`;
}

/** @param {Results} results @param {ContenderRow} ours @param {readonly ContenderRow[]} peers */
function aheadTable(results, ours, peers) {
  const rows = measuresOf(results).map((measure) => {
    const worst = Math.min(
      ...peers.map((peer) => median(ratios(results, measure, { ours, peer }))),
    );
    return [
      measure.title,
      cell(results, measure, ours),
      ...peers.map((peer) => ratioCell(results, measure, { ours, peer })),
      worst > 1 ? 'yes' : `no: ${number(worst)}×`,
    ];
  });
  return table(['', 'ms', ...peers.map(labelOf), 'ahead of all'], rows, 1);
}

/** What the peers are compared in. @param {Results} results */
function measuresOf(results) {
  return results.workloads
    .filter(({ name }) => name !== DEFERRED)
    .flatMap((workload) =>
      workload.cold ? [elapsed(workload), withOpening(workload, results)] : [elapsed(workload)],
    );
}

/**
 * How many times as long as each of `memory`: elapsed, and typical.
 *
 * @param {Results} results
 * @param {Results['workloads'][number]} workload
 * @param {{ contender: ContenderRow, memory: readonly ContenderRow[] }} who
 */
function besideMemory(results, workload, { contender, memory }) {
  return memory.flatMap((ours) => {
    const pair = { ours, peer: contender };
    return [elapsed(workload), typical(workload)].map((what) => ratioCell(results, what, pair));
  });
}

/**
 * @param {Results} results
 * @param {readonly ContenderRow[]} ours
 * @param {readonly ContenderRow[]} memory
 */
function warmTable(results, ours, memory) {
  const rows = results.workloads
    .filter(({ name }) => WARM.includes(name))
    .flatMap((workload) =>
      ours.map((contender) => [
        workload.title,
        labelOf(contender),
        cell(results, elapsed(workload), contender),
        ...besideMemory(results, workload, { contender, memory }),
      ]),
    );
  const columns = memory.flatMap(({ engine }) => [`of ${engine}`, 'typical']);
  return table(['', 'engine', 'ms', ...columns], rows, 2);
}

/**
 * @param {Results} results
 * @param {readonly ContenderRow[]} ours
 * @param {readonly ContenderRow[]} memory
 */
function deferredTable(results, ours, memory) {
  const workload = results.workloads.find(({ name }) => name === DEFERRED);
  if (!workload) return '';
  const rows = ours
    .filter(({ durability }) => durability === 'deferred')
    .map((contender) => [
      labelOf(contender),
      cell(results, elapsed(workload), contender),
      ...besideMemory(results, workload, { contender, memory }),
      detail(results, contender, 'durableMs'),
      detail(results, contender, 'idbTxs'),
    ]);
  const columns = memory.flatMap(({ engine }) => [`of ${engine}`, 'typical']);
  return table(['', 'ms per commit', ...columns, '`durable()`, ms', 'idbTxs'], rows, 1);
}

/** @param {Results} results @param {ContenderRow} contender @param {string} name */
function detail(results, contender, name) {
  /** @type {Measure} */
  const measure = {
    title: name,
    workload: DEFERRED,
    of: ({ measurement }) => measurement.details?.[name],
  };
  const values = [...valuesOf(results, measure, contender).values()];
  return values.length === 0 ? '–' : number(median(values));
}
