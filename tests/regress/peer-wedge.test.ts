/**
 * wa-sqlite's IDBBatchAtomicVFS wires no `abort` and keeps a dead connection: one aborted idbTx or one
 * closed connection leaves every later statement waiting for ever. Here both are followed by
 * statements that work. Null control: the peer under the same fault, so the fault is known to bite.
 */

import * as SQLite from '@journeyapps/wa-sqlite';
import createAsyncify from '@journeyapps/wa-sqlite/dist/wa-sqlite-async.mjs';
import { IDBBatchAtomicVFS } from '@journeyapps/wa-sqlite/src/examples/IDBBatchAtomicVFS.js';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Fault, FaultInjector } from '../../src/testing/index.js';
import { isCommit, isWrite } from '../support/fault-points.js';
import { integrity, Rig, reopened } from '../support/rig.js';
import { BUILDS, freshVolume } from '../support/sqlite.js';

type Case = readonly [name: string, fault: Fault, kind: 'request' | 'commit'];
const FAULTS: readonly Case[] = [
  ['an idbTx aborted half way', { tag: 'abort' }, 'request'],
  ['an idbTx aborted at its commit', { tag: 'abort-at-commit' }, 'commit'],
  ['a full disk at a commit', { tag: 'quota-at-commit' }, 'commit'],
  ['a closed connection', { tag: 'close' }, 'commit'],
  ['a connection closed after the commit landed', { tag: 'close-after-landing' }, 'commit'],
];
/** A statement takes about 10 ms; one that has not answered by now hangs. */
const HANG_MS = 3000;

describe.each(BUILDS)('%s', (build) => {
  test.each(FAULTS)('%s is followed by working statements', async (_name, fault, kind) => {
    const rig = await Rig.create(build);
    await rig.db.run('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    rig.faults.plan(fault, { at: kind === 'commit' ? isCommit : isWrite });
    const outcome = await rig.try('INSERT INTO t VALUES (2)');
    expect(rig.faults.struck).toHaveLength(1);
    await rig.db.run('INSERT INTO t VALUES (3)');
    const expected = outcome.tag === 'done' ? [[1], [2], [3]] : [[1], [3]];
    expect(await rig.db.rows('SELECT a FROM t')).toEqual(expected);
    expect(await integrity(rig.db)).toBe('ok');
    await rig.close();
    const rows = await reopened(build, rig.idbName, (db) => db.rows('SELECT a FROM t'));
    expect(rows).toEqual(expected);
  });
});

describe('null control: IDBBatchAtomicVFS', () => {
  // Its rejections reach nobody, which is half of what is shown here.
  const unheard = (event: PromiseRejectionEvent): void => {
    event.preventDefault();
    event.stopImmediatePropagation();
  };
  beforeAll(() => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    addEventListener('unhandledrejection', unheard, { capture: true });
  });
  afterAll(() => {
    vi.restoreAllMocks();
    removeEventListener('unhandledrejection', unheard, { capture: true });
  });

  test.each(FAULTS)('%s leaves it hanging', async (_name, fault, kind) => {
    const { faults, db } = await openPeer();
    await db('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
    faults.plan(fault, { kind, mode: 'readwrite' });
    const first = await within(db('INSERT INTO t VALUES (2)'));
    expect(faults.struck).toHaveLength(1);
    const second = first === 'hangs' ? 'hangs' : await within(db('INSERT INTO t VALUES (3)'));
    expect(second).toBe('hangs');
  });
});

type Ending = 'works' | 'fails' | 'hangs';

function within(statement: Promise<unknown>): Promise<Ending> {
  return Promise.race([
    statement.then(
      (): Ending => 'works',
      (): Ending => 'fails',
    ),
    new Promise<Ending>((resolve) => setTimeout(() => resolve('hangs'), HANG_MS)),
  ]);
}

/** The peer takes the global `indexedDB`: it gets ours while it opens. */
async function openPeer(): Promise<{
  faults: FaultInjector;
  db: (sql: string) => Promise<number>;
}> {
  const faults = new FaultInjector();
  const module = await createAsyncify();
  const sqlite3 = SQLite.Factory(module);
  const name = freshVolume('peer');
  const real = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB') as PropertyDescriptor;
  Object.defineProperty(globalThis, 'indexedDB', { value: faults.factory, configurable: true });
  try {
    sqlite3.vfs_register(await IDBBatchAtomicVFS.create(name, module), true);
  } finally {
    Object.defineProperty(globalThis, 'indexedDB', real);
  }
  const handle = await sqlite3.open_v2('peer.db');
  return { faults, db: (sql) => sqlite3.exec(handle, sql) };
}
