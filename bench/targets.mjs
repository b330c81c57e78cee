/**
 * How far ahead this package is to be, line by line. A line asks something of the quickest of its engines
 * that keep its durability; `bench/report-targets.mjs` says whether they do.
 */
import { detailed, elapsed, withOpening } from './results.mjs';

/** @typedef {import('./results.mjs').Measure} Measure */
/**
 * @typedef {object} Ask
 * @property {string} of a contender's name; `memory` is the same build in memory, `itself` the same
 *   contender in another workload
 * @property {'ahead' | 'within' | 'beyond'} kind ahead: it takes at least `limit` times as long as ours;
 *   within: ours takes at most `limit` times as long; beyond: ours takes at most `limit` ms more
 * @property {number} limit
 * @property {string} [workload] where it is measured; default: as ours
 */
/**
 * @typedef {object} Line
 * @property {string} title
 * @property {string} workload
 * @property {(workload: import('./results.mjs').WorkloadRow, results: import('./results.mjs').Results) => Measure} measure
 * @property {'strict' | 'relaxed' | 'deferred'} durability
 * @property {boolean} [onDemand] only engines that need not hold the whole file
 * @property {readonly Ask[]} asks
 */

const ABSURD = 'absurd-sql.sql.js.4096';
const ABSURD_8 = 'absurd-sql.sql.js.8192';
const ABSURDER = 'absurder-sql.synced.relaxed';
const BATCH = 'idb-batch-atomic.jspi.relaxed';
const BATCH_FULL = 'idb-batch-atomic.jspi.strict';
const SAHPOOL = 'opfs-sahpool.sqlite-wasm.strict';
const WRITE_AHEAD = 'opfs-write-ahead.sync.strict';
const RAW = 'raw-idb.none.relaxed';
const RAW_STRICT = 'raw-idb.none.strict';
export const MEMORY = 'memory';
export const ITSELF = 'itself';
/** "Level with" and "flat" leave room for noise. */
const LEVEL = 1.05;
const FLAT_MS = 5;

/** @param {string} of @param {number} limit @returns {Ask} */
const ahead = (of, limit) => ({ of, kind: 'ahead', limit });
/** @param {string} of @param {number} limit @returns {Ask} */
const within = (of, limit) => ({ of, kind: 'within', limit });
/** @param {string} of @param {number} limit @param {string} workload @returns {Ask} */
const beyond = (of, limit, workload) => ({ of, kind: 'beyond', limit, workload });

/** Cold lines come twice: engines that hold the whole file read it while they open. @param {Pick<Line, 'title' | 'workload' | 'asks'>} line @returns {Line[]} */
const cold = ({ title, ...rest }) => [
  {
    title,
    ...rest,
    measure: elapsed,
    durability: 'relaxed',
    onDemand: true,
  },
  {
    title: `${title}, and opening`,
    ...rest,
    measure: withOpening,
    durability: 'relaxed',
  },
];

const pointReads = [ahead(ABSURD, 40), within(SAHPOOL, 2)];
const coldScans = [ahead(ABSURD, 10), ahead(ABSURD_8, 2), ahead(BATCH, 4)];

/** @type {readonly Line[]} */
export const LINES = [
  {
    title: 'one-row commit, relaxed',
    workload: 'commit-1-row',
    measure: elapsed,
    durability: 'relaxed',
    asks: [ahead(ABSURD, 2), ahead(BATCH, 4), within(RAW, 1.4)],
  },
  {
    title: 'one-row commit, strict',
    workload: 'commit-1-row',
    measure: elapsed,
    durability: 'strict',
    asks: [ahead(BATCH_FULL, 3), ahead(SAHPOOL, 1.2), within(RAW_STRICT, 1.4)],
  },
  {
    title: 'one-row commit, deferred',
    workload: 'commit-1-row-deferred',
    measure: elapsed,
    durability: 'deferred',
    asks: [ahead(ABSURD, 15), within(MEMORY, 2)],
  },
  {
    title: 'sqliteTx of 5 reads, 2 updates, 1 insert',
    workload: 'mix',
    measure: elapsed,
    durability: 'relaxed',
    asks: [ahead(ABSURD, 5), ahead(SAHPOOL, 2), within(WRITE_AHEAD, LEVEL)],
  },
  {
    title: 'load of 100,000 rows',
    workload: 'load-100k-rows',
    measure: elapsed,
    durability: 'relaxed',
    asks: [within(MEMORY, 1.4)],
  },
  {
    title: 'point read, warm',
    workload: 'point-read-warm',
    measure: elapsed,
    durability: 'relaxed',
    asks: pointReads,
  },
  ...cold({ title: 'point read, reopened', workload: 'point-read-reopened', asks: pointReads }),
  ...cold({ title: 'scan of 10 MB, reopened', workload: 'scan-cold', asks: coldScans }),
  ...cold({ title: 'scan of 10 MB, restarted', workload: 'scan-restarted', asks: coldScans }),
  {
    title: 'update of every row, 2 MB cache',
    workload: 'update-all',
    measure: elapsed,
    durability: 'relaxed',
    asks: [ahead(ABSURD, 4), ahead(BATCH, 10)],
  },
  {
    title: 'the sixteen classic scripts',
    workload: 'classic',
    measure: elapsed,
    durability: 'relaxed',
    asks: [within(MEMORY, 1.5), ahead(ABSURD, 2.2), ahead(SAHPOOL, 1)],
  },
  .../** @type {const} */ (['insert', 'read', 'update', 'delete']).map(
    (name) =>
      /** @type {Line} */ ({
        title: `absurder-sql's page: ${name}`,
        workload: 'page-shape',
        measure: detailed(name),
        durability: 'relaxed',
        asks: [ahead(ABSURD, 1), ahead(ABSURDER, 1)],
      }),
  ),
  {
    title: 'opening 100 MB, to the first row',
    workload: 'open-100mb',
    measure: withOpening,
    durability: 'relaxed',
    onDemand: true,
    asks: [beyond(MEMORY, 40, 'open-empty')],
  },
  {
    title: 'opening after 5,000 commits',
    workload: 'open-after-5000',
    measure: withOpening,
    durability: 'relaxed',
    onDemand: true,
    asks: [beyond(ITSELF, FLAT_MS, 'open-after-10')],
  },
];

/** Whom the asynchronous engine on JSPI is to be ahead of on every line. */
export const BEHIND_JSPI = [ABSURD, BATCH, BATCH_FULL];

/** After an hour of churn: bytes stored per byte that is live, and bytes written per byte changed. */
export const SPACE_MAX = 2;
export const WRITTEN_MAX = 2.5;
/** Of one engine's code, gzipped. */
export const CODE_BYTES_MAX = 20 * 1024;
