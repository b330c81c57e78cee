/** Fills a database, dies in the middle of rewriting all of it, and counts what opening it then takes. */
import { report, reportAndHold, reportErrors } from '../../../tools/host-client.ts';
import { IDBTrace } from '../../../tools/idb-trace.ts';
import { readRawVolume } from '../../../tools/raw-volume.ts';
import { spyRequests, tally } from '../request-spy.ts';
import { Database } from './database.ts';

/** What opening took; a request is a call of an object store's method. */
export interface OpeningCost {
  readonly databaseBytes: number;
  readonly orphansBefore: number;
  readonly orphansAfter: number;
  /** Until the database was open and its orphans were gone. */
  readonly openRequests: number;
  readonly openMs: number;
  /** From then on until the first row. */
  readonly rowRequests: number;
  readonly rowMs: number;
  readonly requests: Readonly<Record<string, number>>;
  readonly rowIsOld: boolean;
}

const PATH = 'a.db';
const ROW_BYTES = 8000;
const FILL_ROWS = 1000;
const BYTES_PER_SEGMENT = 60 * 1024;
/** A sixteenth of the smallest database that is tried. */
const SPILL_BYTES = 128 * 1024;
const UPDATES = 8;
const PAUSE_MS = 100;
const OLD = 1;
const NEW = 2;

reportErrors();
const parameters = new URLSearchParams(location.search);
const volume = parameters.get('volume') ?? '';
const bytes = Number(parameters.get('bytes'));

if (parameters.get('mode') === 'die') await dieInMidSpill();
else await report('cost', await openingCost());

async function open(watch: Parameters<typeof Database.open>[1]['watch']): Promise<Database> {
  const vfs = { idbName: volume, spillBytes: SPILL_BYTES };
  return await Database.open(PATH, { build: 'asyncify', vfs, watch });
}

async function dieInMidSpill(): Promise<void> {
  let isRewriting = false;
  const middle = Math.ceil(bytes / BYTES_PER_SEGMENT / 2);
  const trace = new IDBTrace(({ name, nth }) => {
    if (isRewriting && name === 'spill:stored' && nth === middle) reportAndHold('held');
  });
  const database = await open(() => {});
  // SQLite's own cache would keep a small database from the VFS until COMMIT.
  await database.run('PRAGMA cache_size = 20');
  await database.run('CREATE TABLE item (id INTEGER PRIMARY KEY, kind INTEGER, body BLOB)');
  const rows = Math.ceil(bytes / ROW_BYTES);
  for (let first = 1; first <= rows; first += FILL_ROWS) {
    const last = Math.min(rows, first + FILL_ROWS - 1);
    await database.run(`
      WITH RECURSIVE n(id) AS (SELECT ${first} UNION ALL SELECT id + 1 FROM n WHERE id < ${last})
      INSERT INTO item SELECT id, ${OLD}, randomblob(${ROW_BYTES}) FROM n
    `);
  }
  await report('filled');
  isRewriting = true;
  trace.restart('running');
  await database.run('BEGIN');
  for (let part = 0; part < UPDATES; part++) {
    await database.run(`
      UPDATE item SET kind = ${NEW}, body = randomblob(${ROW_BYTES})
      WHERE id * ${UPDATES} / ${rows + 1} = ${part}
    `);
    // IndexedDB ends an idbTx that nothing follows in: what it stored are orphans once the page is dead.
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  throw new Error('the rewriting went through');
}

async function openingCost(): Promise<OpeningCost> {
  const orphansBefore = await orphans();
  const spy = spyRequests(volume);
  const began = performance.now();
  let isDeleted = false;
  const database = await open((vfs) =>
    vfs.addEventListener('recovery', ({ detail }) => {
      isDeleted = detail.deletedAbove;
    }),
  );
  const opened = performance.now();
  const openRequests = spy.seen.length;
  const kind = await database.value('SELECT kind FROM item WHERE length(body) > 0 LIMIT 1');
  const read = performance.now();
  const seen = spy.take();
  spy.restore();
  const orphansAfter = await orphans();
  if (!isDeleted) throw new Error('recovery left the orphans to a later writer');
  const pages = await database.rows('SELECT * FROM pragma_page_count, pragma_page_size');
  const [pageCount = 0, pageBytes = 0] = pages[0] ?? [];
  await database.close();
  return {
    databaseBytes: Number(pageCount) * Number(pageBytes),
    ...{ orphansBefore, orphansAfter, openRequests },
    openMs: opened - began,
    rowRequests: seen.length - openRequests,
    rowMs: read - opened,
    requests: tally(seen),
    rowIsOld: kind === OLD,
  };
}

async function orphans(): Promise<number> {
  const raw = await readRawVolume(volume, { bytes: false });
  return Object.values(raw?.segmentsAbove ?? {}).reduce((sum, count) => sum + count, 0);
}
