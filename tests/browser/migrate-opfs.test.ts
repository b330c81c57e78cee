/** From files of OPFS: as they are, and in a pool. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { readOpfsFile, readOpfsPool } from '../../src/migrate/index.js';
import {
  expectMigrated,
  failureOf,
  PeerWorker,
  SHRINK,
  STATEMENTS,
} from '../support/migrate/content.ts';
import { freshVolume, Site } from '../support/sqlite.js';

let site: Site;
let name: string;
let peer: PeerWorker | undefined;
beforeEach(() => {
  site = new Site('asyncify');
  name = `${freshVolume('opfs')}.db`;
});
afterEach(async () => {
  peer?.end();
  await site.remove();
  const root = await navigator.storage.getDirectory();
  for await (const entry of root.keys()) {
    if (entry.startsWith(name)) await root.removeEntry(entry, { recursive: true });
  }
});

async function write(which: 'opfs' | 'pool', statements: readonly string[]): Promise<void> {
  // Each in a form that bundlers see.
  const worker =
    which === 'opfs'
      ? new Worker(new URL('../support/migrate/opfs-worker.ts', import.meta.url), {
          type: 'module',
        })
      : new Worker(new URL('../support/migrate/pool-worker.ts', import.meta.url), {
          type: 'module',
        });
  peer = new PeerWorker(worker);
  await peer.write(name, statements);
  peer.end();
}

async function put(file: string, bytes: Uint8Array<ArrayBuffer>): Promise<void> {
  const root = await navigator.storage.getDirectory();
  const writable = await (await root.getFileHandle(file, { create: true })).createWritable();
  await writable.write(bytes);
  await writable.close();
}

test('a file that wa-sqlite has written migrates whole', async () => {
  const statements = [...STATEMENTS, ...SHRINK];
  await write('opfs', statements);
  await expectMigrated(site, readOpfsFile(name), statements);
  await expectMigrated(site, readOpfsFile(`/${name}`), statements);
});

test('a database in a pool of sqlite-wasm migrates whole', async () => {
  await write('pool', STATEMENTS);
  const directory = `${name}-pool/.opaque`;
  await expectMigrated(site, readOpfsPool(name, directory), STATEMENTS);
  const other = await failureOf(readOpfsPool('other.db', directory));
  expect(other).toMatchObject({ code: 'PEER_STORE' });
});

test('a hot journal and a WAL are refused; a cold journal is not', async () => {
  await write('opfs', STATEMENTS);
  await put(`${name}-journal`, new Uint8Array(512).fill(0xd9));
  expect(String(await failureOf(readOpfsFile(name)))).toMatch(/hot journal/);
  await put(`${name}-journal`, new Uint8Array(512));
  await expectMigrated(site, readOpfsFile(name), STATEMENTS);
  await put(`${name}-wal`, new Uint8Array(32).fill(1));
  expect(String(await failureOf(readOpfsFile(name)))).toMatch(/checkpoint/);
});

test('what is not there, empty, or no database is refused', async () => {
  expect(await failureOf(readOpfsFile(name))).toMatchObject({ code: 'PEER_STORE' });
  expect(await failureOf(readOpfsFile(`${name}/x/y.db`))).toMatchObject({ code: 'PEER_STORE' });
  await put(name, new Uint8Array(0));
  expect(await failureOf(readOpfsFile(name))).toMatchObject({ code: 'PEER_STORE' });
  await put(name, new TextEncoder().encode('not a database '.repeat(20)));
  expect(await failureOf(readOpfsFile(name))).toMatchObject({ code: 'NOT_A_DATABASE' });
});
