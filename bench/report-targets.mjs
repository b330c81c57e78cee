/** The lines of `targets.mjs` as tables: what was asked, what was measured, whether it holds. */
import { keptProfiles } from './profiles.mjs';
import { cell, engineOf, median, number, range, ratios, table, valuesOf } from './results.mjs';
import { appTable, readSizes, SIZE_METHOD } from './sizes.mjs';
import { BEHIND_JSPI, CODE_BYTES_MAX, ITSELF, LINES, MEMORY } from './targets.mjs';

/** @typedef {import('./results.mjs').Results} Results */
/** @typedef {import('./results.mjs').ContenderRow} ContenderRow */
/** @typedef {import('./results.mjs').Measure} Measure */
/** @typedef {import('./targets.mjs').Line} Line */
/** @typedef {import('./targets.mjs').Ask} Ask */

const OURS = /^IDBBlock(|Shared|Mirror)VFS$/;
const HOLDS_ALL = 'IDBBlockMirrorVFS';
const ASYNC_BUILD = 'jspi';
const INTRO = `
Each line asks something of the quickest of our engines with its durability, in this run. Ratio: how many
times as long the other takes, or ours where a *within* is asked; median of the ratios within each
repetition (lowest–highest). Cold lines come twice: alone, for engines that read on demand; and with
opening, for all, since engines that hold the whole file read it then. *In memory*: the same build on
MemoryVFS.`.trim();

const NOTES = `
- absurder-sql works in memory and stores what has changed with \`sync()\`: called after each commit, or
  only before closing, which is as good as never for who is killed. All databases of an origin share one
  IndexedDB database, and opening one loads them all, so it takes part in two workloads only. It has no
  prepared statements.
- absurd-sql acknowledges before its idbTx is complete; IDBBatchAtomicVFS, relaxed, after the requests.
- OPFS engines are references: \`flush()\` is what *strict* means to them. opfs-sahpool is SQLite's own
  package, whose API is synchronous. OPFSWriteAheadVFS runs in Chromium only.
- *IndexedDB alone* puts, gets and scans the same bytes in the fewest requests: no SQLite, no checksums, no
  record of the commit.`.trim();

/** @param {Results} results */
export function targetTables(results) {
  return [
    INTRO,
    NOTES,
    table(
      ['', 'our engine', 'durability', 'ms', 'beside', 'durability', 'ms', 'asked', 'ratio', ''],
      LINES.flatMap((line) => line.asks.flatMap((ask) => rowOf(results, line, ask) ?? [])),
      3,
    ),
    '### The asynchronous engine on JSPI alone',
    'It is to be ahead on every line, in the durability of the line where the other has it.',
    table(
      ['', 'durability', 'ms', 'beside', 'durability', 'ms', 'ratio', ''],
      LINES.flatMap((line) => BEHIND_JSPI.flatMap((name) => asyncRowOf(results, line, name) ?? [])),
      2,
    ),
    ...sizeTables(),
    ...profileTables(results),
  ];
}

/** The same lines where nothing is asked: in other browsers. @param {Results} results */
export function comparisons(results) {
  const rows = LINES.flatMap((line) => line.asks.flatMap((ask) => rowOf(results, line, ask) ?? []));
  return table(
    ['', 'our engine', 'durability', 'ms', 'beside', 'durability', 'ms', 'ratio'],
    rows.map((row) => [...row.slice(0, 7), row[8] ?? '']),
    3,
  );
}

/** @param {Results} results @param {Line} line @param {Ask} ask */
function rowOf(results, line, ask) {
  const measure = measureOf(results, line.workload, line);
  const ours = quickest(results, line, measure);
  if (!measure || !ours) return undefined;
  const other = otherOf(results, { ours, ask });
  const theirs = measureOf(results, ask.workload ?? line.workload, line) ?? measure;
  if (!other || valuesOf(results, theirs, other).size === 0) return undefined;
  const values = compared(ask, {
    ours: valuesOf(results, measure, ours),
    theirs: valuesOf(results, theirs, other),
  });
  const unit = ask.kind === 'beyond' ? ' ms' : '×';
  return [
    [
      line.title,
      nameOf(ours),
      ours.durability,
      cell(results, measure, ours),
      other === ours ? `itself: ${theirs.title}` : nameOf(other),
      other.durability,
      cell(results, theirs, other),
      askedOf(ask),
      values.length === 0 ? '–' : range(values, unit),
      values.length === 0 ? '–' : holds(ask, median(values)) ? 'held' : '**missed**',
    ],
  ];
}

/** @param {Results} results @param {Line} line @param {string} name */
function asyncRowOf(results, line, name) {
  const measure = measureOf(results, line.workload, line);
  const ours = candidates(results, line).find(({ build }) => build === ASYNC_BUILD);
  const peer = results.contenders.find((contender) => contender.name === name);
  if (!measure || !ours || !peer) return undefined;
  // A peer with both durabilities is compared in that of the line.
  const both = results.contenders.filter(
    ({ engine, build, name }) =>
      engine === peer.engine && build === peer.build && BEHIND_JSPI.includes(name),
  );
  const has = both.some(({ durability }) => durability === line.durability);
  if (has && peer.durability !== line.durability) return undefined;
  const values = ratios(results, measure, { ours, peer });
  if (values.length === 0) return undefined;
  return [
    [
      line.title,
      ours.durability,
      cell(results, measure, ours),
      nameOf(peer),
      peer.durability,
      cell(results, measure, peer),
      range(values, '×'),
      median(values) > 1 ? 'ahead' : '**behind**',
    ],
  ];
}

/** @param {Results} results @param {string} name @param {Line} line @returns {Measure | undefined} */
export function measureOf(results, name, line) {
  const workload = results.workloads.find((one) => one.name === name);
  return workload && line.measure(workload, results);
}

/** @param {Results} results @param {Line} line */
function candidates({ contenders }, { durability, onDemand }) {
  return contenders.filter(
    (contender) =>
      OURS.test(contender.engine) &&
      contender.durability === durability &&
      !(onDemand && contender.engine === HOLDS_ALL),
  );
}

/** @param {Results} results @param {Line} line @param {Measure | undefined} measure */
export function quickest(results, line, measure) {
  if (!measure) return undefined;
  const [first] = candidates(results, line)
    .map((contender) => ({
      contender,
      ms: median([...valuesOf(results, measure, contender).values()]),
    }))
    .filter(({ ms }) => !Number.isNaN(ms))
    .sort((a, b) => a.ms - b.ms);
  return first?.contender;
}

/** @param {Results} results @param {{ ours: ContenderRow, ask: Ask }} pair */
function otherOf({ contenders }, { ours, ask }) {
  if (ask.of === ITSELF) return ours;
  const name = ask.of === MEMORY ? `memory.${ours.build}.none` : ask.of;
  return contenders.find((contender) => contender.name === name);
}

/**
 * In each repetition.
 *
 * @param {Ask} ask
 * @param {{ ours: Map<number, number>, theirs: Map<number, number> }} values
 */
function compared({ kind }, { ours, theirs }) {
  return [...ours].flatMap(([repetition, own]) => {
    const other = theirs.get(repetition);
    if (other === undefined) return [];
    if (kind === 'ahead') return [other / own];
    return [kind === 'within' ? own / other : own - other];
  });
}

/** @param {Ask} ask @param {number} value */
function holds({ kind, limit }, value) {
  return kind === 'ahead' ? value >= limit : value <= limit;
}

/** @param {Ask} ask */
function askedOf({ kind, limit }) {
  if (kind === 'beyond') return `at most ${limit} ms more`;
  if (kind === 'within') return `within ${limit}×`;
  return limit === 1 ? 'ahead' : `${limit}× ahead`;
}

/** @param {ContenderRow} contender */
function nameOf(contender) {
  const { engine, build } = contender;
  if (engine === 'MemoryVFS') return `in memory, ${build}`;
  return engine.startsWith('IDB') && build !== 'none'
    ? `${engineOf(contender)}, ${build}`
    : engineOf(contender);
}

/** What `npm run size` has measured. */
function sizeTables() {
  const sizes = readSizes();
  if (!sizes) return [];
  return [
    '### Size of our code',
    `${SIZE_METHOD} At most ${CODE_BYTES_MAX / 1024} KiB is asked of an engine, with what it depends on.`,
    table(
      ['engine', 'KiB', ''],
      Object.entries(sizes.engines).map(([engine, bytes]) => [
        engine,
        number(bytes / 1024),
        bytes <= CODE_BYTES_MAX ? 'held' : '**missed**',
      ]),
      1,
    ),
    'Beside the peers:',
    appTable(sizes),
  ];
}

const PROFILES = `
What the workers of a missed line's step did, by Chromium's profiler: functions by the time spent in themselves, in a
run of its own, opening included. *(program)* is the browser's own code, *(idle)* the wait for it; what
lies in IndexedDB's process is in neither. \`add\` and \`get\` of *src* are requests to IndexedDB, the anonymous
function of *src* that stands high opens idbTxs.`.trim();
const WHY = `
Why lines are missed, as far as it is known:

- *One-row commits beside IndexedDB alone*: it makes one request, we make two, for the commit record is what proves
  a commit whole; then SQLite itself, and what is stored again at every 64th commit, the checkpoint.
- *One-row commits and short sqliteTxs beside opfs-sahpool*: a sync access handle writes and flushes in the
  calling thread; an idbTx goes to another process and back. IndexedDB alone takes about as long as opfs-sahpool.
- *Reading after reopening*: what a getAll brings costs the browser's copying more than our checking.
- *The classic scripts*: about a quarter of the time the worker waits for commits, which memory has not.
- *absurder-sql's page, read*: absurder-sql reads from memory, which it fills when it opens.
- *Load of 100,000 rows on JSPI*: every call of SQLite's API is a promise there; absurd-sql's are not.
- *Size*: a format with checks of everything, recovery, repair, salvage, locks among tabs and compaction is in each
  engine. Taking out what is rarely called needs import(), which a service worker must not do.
- *1 GB* (below, in *Cost against size*): of 1 GB hardly any leaf is in the cache of 32 MiB, so a point read and a
  commit at a random row fetch one each; of 1 MB and 10 MB they fetch none. Inner pages of B-trees stay when
  their segments go, so that it is one and not two, but for the first some hundred after an opening.`.trim();
const PROFILE_FUNCTIONS = 8;
const PROFILE_SHARE_MIN = 0.01;

/** @param {Results} results */
function profileTables(results) {
  const profiles = keptProfiles();
  if (profiles.length === 0) return [];
  return [
    WHY,
    '### Where the time of the missed lines goes',
    PROFILES,
    ...profiles.flatMap(({ workload, contender, workers }) => [
      `#### ${results.workloads.find(({ name }) => name === workload)?.title ?? workload}, ${contender}`,
      table(
        ['function', 'ms', 'share'],
        workers.flatMap(({ worker, ms: totalMs, functions }) => [
          [`**${withoutHash(worker)}**`, number(totalMs), ''],
          ...functions
            .slice(0, PROFILE_FUNCTIONS)
            .filter(({ ms }) => ms / totalMs >= PROFILE_SHARE_MIN)
            .map(({ name, ms }) => [
              `\`${withoutHash(name)}\``,
              number(ms),
              `${number((100 * ms) / totalMs)} %`,
            ]),
        ]),
        1,
      ),
    ]),
  ];
}

/** @param {string} name of a bundle's file, in whatever */
function withoutHash(name) {
  return name.replace(/-[\w-]{8}(?=\.(js|wasm))/, '');
}
