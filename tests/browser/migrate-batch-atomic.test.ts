/** From wa-sqlite's IDBBatchAtomicVFS, of both lines. */

import * as SQLite from '@journeyapps/wa-sqlite';
import createModule from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { IDBBatchAtomicVFS } from '@journeyapps/wa-sqlite/src/examples/IDBBatchAtomicVFS.js';
import { describe, expect, test } from 'vitest';
import * as LegacySQLite from 'wa-sqlite-legacy';
import createLegacy from 'wa-sqlite-legacy/dist/wa-sqlite-async.mjs';
import { IDBBatchAtomicVFS as LegacyVFS } from 'wa-sqlite-legacy/src/examples/IDBBatchAtomicVFS.js';
import { readBatchAtomic } from '../../src/migrate/index.js';
import {
  alter,
  expectMigrated,
  failureOf,
  recordsOf,
  STATEMENTS,
} from '../support/migrate/content.ts';
import { definePeerSuite } from '../support/migrate/peer-suite.ts';
import { deleteVolume, freshVolume, Site } from '../support/sqlite.js';

const PATH = 'peer.db';
const PAGE_BYTES = 4096;
type Closing = SQLiteVFS & { close(): unknown };
const read = (name: string) => readBatchAtomic(name, PATH);

/** As the peer has it: WebKit knows no idleness. */
const whenIdle = (work: () => void) => (globalThis.requestIdleCallback ?? setTimeout)(work);

interface Peer {
  run(statements: readonly string[]): Promise<void>;
  close(): Promise<void>;
}

async function opened(line: string, name: string): Promise<Peer> {
  const isLegacy = line === 'legacy';
  const module = await (isLegacy ? createLegacy : createModule)();
  const sqlite3 = (isLegacy ? LegacySQLite : SQLite).Factory(module);
  const made = isLegacy ? new LegacyVFS(name) : await IDBBatchAtomicVFS.create(name, module);
  const vfs = made as Closing;
  sqlite3.vfs_register(vfs, true);
  const db = await sqlite3.open_v2(PATH);
  return {
    async run(statements) {
      for (const sql of statements) await sqlite3.exec(db, sql);
    },
    async close() {
      await sqlite3.close(db);
      // It purges when the page is idle, and would do so after its end.
      await new Promise((resolve) => whenIdle(() => resolve(undefined)));
      await vfs.close();
    },
  };
}

describe.each(['current', 'legacy'])('the %s line', (line) => {
  async function write(name: string, statements: readonly string[]): Promise<void> {
    const peer = await opened(line, name);
    await peer.run(statements);
    await peer.close();
  }

  const migration = definePeerSuite({ label: 'batch-atomic', write, read });

  // Goal: what a sqliteTx that died has stored is not taken in. Method: the peer's connection is lost in
  // the middle of one that its page cache spills.
  test('with a sqliteTx that was not ended: as before it, or refused', async () => {
    const { site, name } = migration;
    await write(name, STATEMENTS);
    const peer = await opened(line, name);
    await peer.run(['PRAGMA cache_size = 5', 'BEGIN', "UPDATE t SET text = 'torn' || id"]);
    const found = await failureOf(read(name)).catch(() => 'nothing is wrong');
    if (found !== 'nothing is wrong') expect(found).toMatchObject({ code: 'PEER_STORE' });
    else await expectMigrated(site, read(name), STATEMENTS);
    await peer.run(['ROLLBACK']);
    await peer.close();
    await expectMigrated(site, read(name), STATEMENTS);
  });

  test('a page that is missing is named', async () => {
    await write(migration.name, STATEMENTS);
    const pages = await alterable(7 * PAGE_BYTES);
    await alter(migration.name, 'blocks', (store) => store.delete(pages));
    const failure = await failureOf(read(migration.name));
    expect(failure).toMatchObject({ code: 'PEER_STORE' });
    expect(String(failure)).toMatch(/page 8 is missing/);
  });

  /** The key of the block at an offset. */
  async function alterable(offset: number): Promise<IDBValidKey> {
    const { blocks } = await recordsOf(migration.name);
    const keys = (blocks as [string, unknown][]).map(([key]) => JSON.parse(key) as unknown[]);
    const key = keys.find(([path, at]) => path === `/${PATH}` && at === -offset);
    return key as IDBValidKey;
  }
});

describe('is refused', () => {
  test('what does not exist, without making it', async () => {
    const name = freshVolume('nothing');
    const failure = await failureOf(read(name));
    expect(failure).toMatchObject({ code: 'PEER_STORE' });
    // WebKit also lists one whose making was given up, as version 0.
    const made = (await indexedDB.databases()).filter(({ version }) => version !== 0);
    expect(made.map((found) => found.name)).not.toContain(name);
  });

  test('a path that the store does not have; a store of something else', async () => {
    const name = freshVolume('batch-atomic');
    const peer = await opened('current', name);
    await peer.run(STATEMENTS);
    await peer.close();
    const path = await failureOf(readBatchAtomic(name, 'other.db'));
    expect(path).toMatchObject({ code: 'PEER_STORE' });
    await deleteVolume(name);
    const site = new Site('asyncify');
    await (await site.open()).run('CREATE TABLE t(a)');
    await site.leave();
    const store = await failureOf(read(site.idbName));
    expect(store).toMatchObject({ code: 'PEER_STORE' });
    await site.remove();
  });

  // Goal: a stream is of one state. Method: the peer commits after the first chunk was taken.
  test('what is written to while it is read', async () => {
    const name = freshVolume('batch-atomic');
    const peer = await opened('current', name);
    await peer.run([...STATEMENTS, 'INSERT INTO u VALUES (zeroblob(3000000), 1)']);
    const reader = read(name).getReader();
    await reader.read();
    await peer.run(["UPDATE t SET text = 'later' WHERE id = 1"]);
    const rest = async () => {
      for (;;) if ((await reader.read()).done) return;
    };
    await expect(rest()).rejects.toMatchObject({ code: 'PEER_STORE' });
    await peer.close();
    await deleteVolume(name);
  });
});
