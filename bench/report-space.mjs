/** What databases leave behind: bytes stored, bytes written, and memory. */
import { detailed, engineOf, median, number, table, valuesOf } from './results.mjs';
import { SPACE_MAX, WRITTEN_MAX } from './targets.mjs';

/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {import('./results.mjs').ContenderRow} ContenderRow */
/** @typedef {import('./results.mjs').WorkloadRow} WorkloadRow */

const OURS = /^IDBBlock/;
const CHANGED = 'changedBytes';
const MEGABYTE = 1e6;
const INTRO = `
*Stored*: bytes in the database's IndexedDB records or OPFS files once it is closed. *Live*: pages of the
database × page size. *Written*: bytes handed to IndexedDB; engines whose storage has a worker of its own
cannot be watched. *Changed*: bytes of pages that SQLite writes to the database for the same work.
*Memory*: of the page and all its workers before closing, where the browser tells.`.trim();

/** @param {Results} results */
export function spaceTables(results) {
  const workloads = results.workloads.filter(({ name }) =>
    results.contenders.some((contender) => bytes(results, name, contender, 'storedBytes')),
  );
  if (workloads.length === 0) return [];
  const head = [
    'engine',
    'build',
    'live',
    'stored',
    'stored/live',
    'written/changed',
    'memory',
    '',
  ];
  return [
    '### Space, bytes written and memory',
    INTRO,
    `In MB. At most ${SPACE_MAX}× stored per live and ${WRITTEN_MAX}× written per changed byte are asked of our engines.`,
    ...workloads.flatMap(({ name, title }) => [
      `#### ${title[0]?.toUpperCase()}${title.slice(1)}`,
      table(
        head,
        results.contenders.flatMap((contender) => rowOf(results, name, contender) ?? []),
        2,
      ),
    ]),
  ];
}

/** @param {Results} results @param {string} workload @param {ContenderRow} contender */
function rowOf(results, workload, contender) {
  const of = (/** @type {string} */ part) => bytes(results, workload, contender, part);
  const [live, stored, written, memory] = [
    of('liveBytes'),
    of('storedBytes'),
    of('writtenBytes'),
    of('memoryBytes'),
  ];
  if (live === undefined) return undefined;
  const changed = results.contenders
    .map((other) => bytes(results, workload, other, CHANGED))
    .find((found) => found !== undefined);
  const space = stored ? stored / live : undefined;
  const writing = written && changed ? written / changed : undefined;
  const held = (space ?? 0) <= SPACE_MAX && (writing ?? 0) <= WRITTEN_MAX;
  return [
    [
      engineOf(contender),
      contender.build,
      megabytes(live),
      megabytes(stored || undefined),
      space === undefined ? '–' : `${number(space)}×`,
      writing === undefined ? '–' : `${number(writing)}×`,
      megabytes(memory),
      OURS.test(contender.engine) ? (held ? 'held' : '**missed**') : '',
    ],
  ];
}

/** @param {number | undefined} count */
function megabytes(count) {
  return count === undefined ? '–' : number(count / MEGABYTE);
}

/**
 * @param {Results} results
 * @param {string} workload
 * @param {ContenderRow} contender
 * @param {string} part
 */
function bytes(results, workload, contender, part) {
  const row = results.workloads.find(({ name }) => name === workload);
  if (!row) return undefined;
  const values = [...valuesOf(results, detailed(part)(row), contender).values()];
  return values.length === 0 ? undefined : median(values);
}
