/**
 * One life of the demo's page: it loads or recovers the database, checks it, and begins the update
 * during which run.mjs kills the browser.
 */
import { report, reportAndHold, reportErrors } from '../tools/host-client.js';
import { IDBTrace, type TracePoint } from '../tools/idb-trace.js';
import { type RawVolume, readRawVolume } from '../tools/raw-volume.js';
import { Database } from './database.js';
import { loadCities } from './load.js';
import { type Check, type End, type KillPoint, PATH, type Recovery, VOLUME } from './protocol.js';
import { answerQuestions } from './queries.js';

/** A quarter of its default, so that the update, of some 20 MB, spills in many batches. */
const SPILL_BYTES = 1024 * 1024;
/** Of some 400 that the update writes. */
const MID_SPILL_SEGMENTS = 80;
const UPDATE = `
  UPDATE cities SET population = population + population / 100;
  UPDATE cities SET census = census + 1;
`;

reportErrors();
const parameters = new URLSearchParams(location.search);
const killPoint = parameters.get('kill') as KillPoint;
const trace = new IDBTrace(tracePoint);
const commitTimes: number[] = [];
/** A first part of the update is in IndexedDB to stay. */
let spilled = false;
let asked = false;

const before = await readRawVolume(VOLUME);
const { db, recovery } = await open(before);
await report('opened', recovery);
if (parameters.get('load') === 'true') {
  await loadCities(db, parameters.get('data') ?? '');
  await report('loading-done', commitTimes);
  await report('answers', await answerQuestions(db));
}
await report('checked', await check());
await update();
if (killPoint === 'never') {
  await report('checked-again', await check());
  await report('end', await summary());
  await db.close();
}

async function summary(): Promise<End> {
  const pages = Number(await db.value('PRAGMA page_count'));
  const pageBytes = Number(await db.value('PRAGMA page_size'));
  const version = String(await db.value('SELECT sqlite_version()'));
  const raw = await readRawVolume(VOLUME);
  return { build: db.vfs.build, version, databaseBytes: pages * pageBytes, raw };
}

async function open(raw: RawVolume | undefined): Promise<{ db: Database; recovery: Recovery }> {
  const started = performance.now();
  let event = { version: 0, foundAbove: false, deletedAbove: false, durationMs: 0 };
  const opened = await Database.open(PATH, { idbName: VOLUME, spillBytes: SPILL_BYTES }, (vfs) => {
    vfs.addEventListener('recovery', ({ detail }) => {
      event = detail;
    });
    vfs.addEventListener('commit', ({ detail }) => commitTimes.push(detail.durationMs ?? 0));
  });
  await opened.rows('SELECT count(*) FROM sqlite_schema');
  const openMs = performance.now() - started;
  const { version, foundAbove, deletedAbove, durationMs: recoveryMs } = event;
  const after = await readRawVolume(VOLUME);
  const found = { version, foundAbove, deletedAbove, recoveryMs, openMs };
  return { db: opened, recovery: { before: raw, after, ...found } };
}

async function check(): Promise<Check> {
  const started = performance.now();
  const integrity = String(await db.value('PRAGMA integrity_check'));
  const integrityMs = performance.now() - started;
  // FTS5 answers with an error if its index and the names differ.
  await db.rows("INSERT INTO city_names (city_names, rank) VALUES ('integrity-check', 1)");
  const groups = await db.rows('SELECT census, count(*) FROM cities GROUP BY census');
  const population = Number(await db.value('SELECT sum(population) FROM cities'));
  const censuses = groups.map(([census, rows]) => ({ census: Number(census), rows: Number(rows) }));
  return { integrity, censuses, population, integrityMs };
}

async function update(): Promise<void> {
  await report('updating');
  trace.restart('running');
  const started = performance.now();
  await db.rows('BEGIN IMMEDIATE');
  await db.rows(UPDATE);
  const executed = performance.now();
  await db.rows('COMMIT');
  const commitMs = performance.now() - executed;
  await report('updated', { statementMs: executed - started, commitMs });
}

/** Asks for the kill. Two of the points are held: nothing from outside can hit them. */
function tracePoint({ name, nth }: TracePoint): void {
  if (trace.stage !== 'running' || asked) return;
  if (name === 'spill:complete') spilled = true;
  const midSpill = name === 'spill:stored' && spilled && nth >= MID_SPILL_SEGMENTS;
  if (killPoint === 'mid-spill' && midSpill) {
    asked = true;
    report('kill-me', { stored: nth }).catch(reportError);
  }
  if (killPoint === 'before-record' && name === 'commit:record') reportAndHold('kill-me');
  if (killPoint === 'at-commit' && name === 'commit:commit') reportAndHold('kill-me');
}
