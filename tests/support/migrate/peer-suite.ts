/** What every library's store is tried for: that a database in it migrates whole, and stays where it is. */
import { afterEach, beforeEach, expect, test } from 'vitest';
import { deleteVolume, freshVolume, Site } from '../sqlite.js';
import { expectMigrated, recordsOf, SHRINK, STATEMENTS } from './content.ts';

export interface Peer {
  /** For names of databases. */
  readonly label: string;
  readonly ending?: string;
  /** The IndexedDB database that all of its databases are in. Default: one of the same name for each. */
  readonly idbName?: string;
  /** Has the library write a database, and let go of it. */
  write(name: string, statements: readonly string[]): Promise<void>;
  read(name: string): ReadableStream<Uint8Array>;
}

/** What a test has: where to migrate to, and a name that no other test uses. */
export interface Migration {
  readonly site: Site;
  readonly name: string;
}

/** @returns for the tests of one library */
export function definePeerSuite(peer: Peer): Migration {
  let site: Site;
  let name: string;
  beforeEach(() => {
    site = new Site('asyncify');
    name = `${freshVolume(peer.label)}${peer.ending ?? ''}`;
  });
  afterEach(async () => {
    await site.remove();
    if (peer.idbName === undefined) await deleteVolume(name);
  });

  test('a database migrates whole, and stays where it is', async () => {
    await peer.write(name, STATEMENTS);
    const idbName = peer.idbName ?? name;
    const before = await recordsOf(idbName);
    await expectMigrated(site, peer.read(name), STATEMENTS);
    expect(await recordsOf(idbName)).toEqual(before);
  });

  test('one that has shrunk migrates without the pages that stayed behind its end', async () => {
    const statements = [...STATEMENTS, ...SHRINK];
    await peer.write(name, statements);
    await expectMigrated(site, peer.read(name), statements);
  });

  return {
    get site() {
      return site;
    },
    get name() {
      return name;
    },
  };
}
