/**
 * `npm run transfer -- [--mib n] [--engine asyncify|mirror|shared]`
 *
 * Streams a database of native SQLite, default 1,024 MiB, into a real Chromium's IndexedDB and out again,
 * compares it byte for byte, lets native SQLite check it, and says what memory the page took at most. Exit
 * status 0 only if all is well, and within the bound.
 */
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, readFileSync, rmSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { modulePage, startHost } from './browser-host.mjs';
import { createProfileDir, removeProfileDir } from './profile-dir.mjs';

const MIB = 1024 ** 2;
const ROW_BYTES = 1000;
const SAMPLE_MS = 100;
const TIMEOUT_MS = 3_600_000;

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '1024' },
    engine: { type: 'string', default: 'asyncify' },
  },
});
const folder = createProfileDir('transfer');
const given = join(folder, 'given.db');
const back = join(folder, 'back.db');
/**
 * Of the page's process, whatever the database's size. A mirror holds all of it besides; the thread of a storage
 * worker has a heap of its own.
 */
const memoryMiBMax = values.engine === 'asyncify' ? 512 : 768;
const { DatabaseSync } = createRequire(import.meta.url)('@photostructure/sqlite');

/** @param {string} path @param {number} bytes */
function make(path, bytes) {
  const database = new DatabaseSync(path);
  database.exec('PRAGMA journal_mode=OFF; PRAGMA synchronous=OFF');
  database.exec('CREATE TABLE item (id INTEGER PRIMARY KEY, body BLOB)');
  const rows = Math.ceil(bytes / (ROW_BYTES + 30));
  database.exec(`WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ${rows})
    INSERT INTO item SELECT id, randomblob(${ROW_BYTES}) FROM n`);
  database.close();
}

/** @param {string} path */
async function digest(path) {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk);
  return hash.digest('hex');
}

/** Megabytes of memory that a process has now; 0 if it is gone. @param {number} pid */
function residentMiB(pid) {
  try {
    const [, kib = '0'] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
    return Number(kib) / 1024;
  } catch {
    return 0;
  }
}

make(given, Number(values.mib) * MIB);
const bytes = statSync(given).size;
const written = createWriteStream(back);
const host = await startHost({
  routes: {
    '/__given': (_request, response) => {
      response.setHeader('Content-Length', bytes);
      createReadStream(given).pipe(response);
    },
    '/__chunk': (request, response) => {
      request.on('data', (chunk) => written.write(chunk));
      request.on('end', () => response.writeHead(204).end());
    },
  },
});
/** @type {Record<string, number>} */
const peaks = {};
let phase = 'start';
const sampling = setInterval(() => {
  const pids = host.pid === undefined ? [] : host.pagePids();
  const now = Math.max(0, ...pids.map(residentMiB));
  peaks[phase] = Math.max(peaks[phase] ?? 0, now);
}, SAMPLE_MS);
try {
  host.open(modulePage('tests/support/pages/transfer.ts', { engine: values.engine }));
  await host.waitFor('ready');
  await new Promise((resolve) => setTimeout(resolve, 10 * SAMPLE_MS));
  for (const { next, ended } of [
    { next: 'import', ended: 'imported' },
    { next: 'export', ended: 'exported' },
  ]) {
    phase = next;
    const told = await Promise.race([
      host.waitFor(ended, { timeoutMs: TIMEOUT_MS }),
      host.waitFor('page-error', { timeoutMs: TIMEOUT_MS }).then((error) => {
        throw new Error(JSON.stringify(error));
      }),
    ]);
    console.log(`${next}: ${JSON.stringify(told)}`);
  }
  await new Promise((resolve) => written.end(resolve));
  const isSame = (await digest(given)) === (await digest(back));
  const database = new DatabaseSync(back, { readOnly: true });
  const [{ integrity_check: check }] = database.prepare('PRAGMA integrity_check').all();
  database.close();
  const round = Object.entries(peaks).map(([name, mib]) => [name, Math.round(mib)]);
  console.log(`${bytes} bytes; equal: ${isSame}; integrity_check: ${check}`);
  console.log(
    `memory of the page's process, MiB at most: ${JSON.stringify(Object.fromEntries(round))}`,
  );
  const heldMiB = values.engine === 'mirror' ? bytes / MIB : 0;
  const isBounded = Math.max(...Object.values(peaks)) < memoryMiBMax + heldMiB;
  if (!isSame || check !== 'ok' || !isBounded) process.exitCode = 1;
} finally {
  clearInterval(sampling);
  await host.close();
  rmSync(given, { force: true });
  rmSync(back, { force: true });
  removeProfileDir(folder);
}
