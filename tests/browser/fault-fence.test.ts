import { describe, expect, test } from 'vitest';
import type { VFSOptions } from '../../src/index.js';
import { dump, edit, keysOf, picture } from '../support/raw.js';
import { contentOf, insert, integrity } from '../support/rig.js';
import {
  type BuildName,
  Context,
  type Database,
  freshVolume,
  ONE_OF_EACH,
  spills,
} from '../support/sqlite.js';

// Goal: of two writers on one version one wins and the other hears SQLITE_BUSY; the loser leaves
// nothing in the store and loses nothing but its own sqliteTx. Method: two pages without Web Locks on
// one volume. One begins a sqliteTx and stands still, as a frozen tab does; the other commits; then
// the first one goes on. The store's bytes are compared before and after.

const PRIMARY = 0xff;
const BUSY = 5;
const SPILL: VFSOptions = { spillBytes: 65536 };
const TABLE = 'CREATE TABLE t(id INTEGER PRIMARY KEY, v)';
const ONE = "INSERT INTO t(v) VALUES ('winner')";

/** A page that goes on after standing still, and one that has committed meanwhile. */
class Race {
  readonly idbName: string;
  readonly build: BuildName;
  readonly slow: Context;
  readonly quick: Context;
  readonly frozen: Database;
  readonly winner: Database;

  private constructor(parts: {
    idbName: string;
    build: BuildName;
    slow: Context;
    quick: Context;
    frozen: Database;
    winner: Database;
  }) {
    this.idbName = parts.idbName;
    this.build = parts.build;
    this.slow = parts.slow;
    this.quick = parts.quick;
    this.frozen = parts.frozen;
    this.winner = parts.winner;
  }

  static async start(build: BuildName, options: VFSOptions = {}): Promise<Race> {
    const idbName = freshVolume('fence');
    const all = { locks: null, ...options, idbName };
    const [slow, quick] = [await Context.create(build, all), await Context.create(build, all)];
    const frozen = await slow.open();
    await frozen.run(`PRAGMA cache_size=10; ${TABLE}; ${insert(3)}`);
    return new Race({ idbName, build, slow, quick, frozen, winner: await quick.open() });
  }

  /** The frozen page's statement fails as busy, and the store does not show that it tried. */
  async expectFenced(sql: string, db: Database = this.frozen): Promise<void> {
    const before = await this.#committed();
    const content = await contentOf(this.winner);
    const code = await db.failure(sql);
    await db.run('ROLLBACK').catch(() => undefined);
    expect(code & PRIMARY).toBe(BUSY);
    expect(this.slow.errors.at(-1)?.code).toMatch(/^BUSY/);
    expect(await this.#committed()).toEqual(before);
    expect(await contentOf(this.winner), 'the winner sees its own').toEqual(content);
    expect(await contentOf(db), 'the loser sees the winner’s').toEqual(content);
  }

  /** The loser writes as if nothing had been, and a page that comes later finds all in order. */
  async expectHealed(): Promise<void> {
    const before = Number(await this.winner.value('SELECT count(*) FROM t'));
    await this.frozen.run(insert(5));
    await this.winner.run(ONE);
    expect(await this.winner.value('SELECT count(*) FROM t')).toBe(before + 6);
    expect(await this.frozen.value('SELECT count(*) FROM t')).toBe(before + 6);
    expect(await integrity(this.frozen)).toBe('ok');
    expect(await integrity(this.winner)).toBe('ok');
    await this.slow.close();
    await this.quick.close();
    const later = await Context.create(this.build, { idbName: this.idbName });
    const report = await later.vfs.verify('test.db');
    expect(report).toMatchObject({ defects: [], pendingSegments: 0, unlistedSegments: 0 });
    expect(await integrity(await later.open())).toBe('ok');
    await later.close();
  }

  /** Every record up to the marker, as bytes: file, commits, map, segments. */
  async #committed(): Promise<string[]> {
    const records = await dump(this.idbName);
    const markers = new Map<unknown, number>();
    for (const { store, key } of records) {
      if (store === 'commits') markers.set((key as number[])[0], (key as number[])[1] ?? 0);
    }
    const above = new Set(
      records.flatMap(({ store, key }) => {
        const [file, version] = key as number[];
        const is = store === 'segments' && (version as number) > (markers.get(file) ?? 0);
        return is || (store === 'maps' && version === -2)
          ? [`${store} ${JSON.stringify(key)}`]
          : [];
      }),
    );
    const lines = await picture(this.idbName);
    return lines.filter((line) => !above.has(line.split(' ', 2).join(' ')));
  }
}

/** A winner's commits, so many that checkpoints deleted the records the loser stood on. */
async function commitMany(db: Database, count: number): Promise<void> {
  await db.run('PRAGMA synchronous=NORMAL');
  for (let i = 0; i < count; i++) await db.run('UPDATE t SET v = ? WHERE id = 1', [i]);
}

async function deleteDatabase(race: Race): Promise<void> {
  await race.winner.close();
  expect(await race.quick.vfs.deleteFile('test.db')).toBe(true);
}

describe.each(ONE_OF_EACH)('%s, without locks', (build) => {
  test('a commit is fenced when another page took its version', async () => {
    const race = await Race.start(build);
    await race.frozen.run(`BEGIN IMMEDIATE; ${insert(2)}`);
    await race.winner.run(ONE);
    await race.expectFenced('COMMIT');
    await race.expectHealed();
  });

  test('a read snapshot is not upgraded when another page committed since', async () => {
    const race = await Race.start(build);
    await race.frozen.run('BEGIN');
    await contentOf(race.frozen);
    await race.winner.run(ONE);
    await race.expectFenced(insert(2));
    await race.expectHealed();
  });

  test('a commit is fenced when the commit records it stood on are gone', async () => {
    const race = await Race.start(build);
    await race.frozen.run(`BEGIN IMMEDIATE; ${insert(2)}`);
    await commitMany(race.winner, 210);
    expect(await keysOf(race.idbName, 'commits')).not.toContain('[1,3]');
    await race.expectFenced('COMMIT');
    await race.expectHealed();
  });

  test('a commit is fenced when the file was deleted', async () => {
    const race = await Race.start(build);
    await race.frozen.run(`BEGIN IMMEDIATE; ${insert(2)}`);
    await deleteDatabase(race);
    const before = await picture(race.idbName);
    expect((await race.frozen.failure('COMMIT')) & PRIMARY).toBe(BUSY);
    expect(await picture(race.idbName)).toEqual(before);
    await race.slow.close();
    await race.quick.close();
  });

  test.each([0, 40])(
    'a commit is fenced when the file was deleted and made anew, with %i rows spilled',
    async (rows) => {
      const race = await Race.start(build, SPILL);
      await race.frozen.run(`BEGIN IMMEDIATE; ${insert(2 + rows)}`);
      await deleteDatabase(race);
      const anew = await race.quick.open();
      await anew.run(`${TABLE}; ${ONE}`);
      const before = await picture(race.idbName);
      expect((await race.frozen.failure('COMMIT')) & PRIMARY).toBe(BUSY);
      await race.frozen.run('ROLLBACK').catch(() => undefined);
      expect(await picture(race.idbName)).toEqual(before);
      expect(await anew.value('SELECT v FROM t')).toBe('winner');
      // SQLite's first look at a file that is not the one it knew may fail once more.
      await race.frozen.run('SELECT 1 FROM t').catch(() => undefined);
      expect(await race.frozen.value('SELECT v FROM t')).toBe('winner');
      await race.frozen.run(insert(2));
      expect(await anew.value('SELECT count(*) FROM t')).toBe(3);
      await race.slow.close();
      await race.quick.close();
    },
  );

  if (spills(build)) {
    test('a commit is fenced when its spilled segments were taken for orphans', async () => {
      const race = await Race.start(build, SPILL);
      await race.frozen.run(`BEGIN IMMEDIATE; ${insert(60)}`);
      expect(await keysOf(race.idbName, 'maps')).toContain('[1,-2]');
      await race.winner.run(ONE);
      await race.expectFenced('COMMIT');
      await race.expectHealed();
    });
  }

  test('a page that opens meanwhile takes them for orphans as well', async () => {
    const race = await Race.start(build, SPILL);
    await race.frozen.run(`BEGIN IMMEDIATE; ${insert(60)}`);
    const third = await Context.create(build, { idbName: race.idbName, locks: null });
    await (await third.open()).run(ONE);
    await third.close();
    await race.expectFenced('COMMIT');
    await race.expectHealed();
  });

  test('a spill is fenced when another page committed before it began', async () => {
    const race = await Race.start(build, SPILL);
    await race.frozen.run(`BEGIN IMMEDIATE; ${insert(1)}`);
    await race.winner.run(`${ONE}; ${insert(40)}`);
    await race.expectFenced(`${insert(60)}; COMMIT`);
    await race.expectHealed();
  });

  test('a spill is fenced when another page committed since it began', async () => {
    const race = await Race.start(build, SPILL);
    await race.frozen.run(`BEGIN IMMEDIATE; ${insert(60)}`);
    await race.winner.run(ONE);
    await race.expectFenced(`${insert(60)}; COMMIT`);
    await race.expectHealed();
  });

  test('a spill is fenced when the commit records it stood on are gone', async () => {
    const race = await Race.start(build, SPILL);
    await race.frozen.run(`BEGIN IMMEDIATE; ${insert(60)}`);
    await commitMany(race.winner, 210);
    await race.expectFenced(`${insert(60)}; COMMIT`);
    await race.expectHealed();
  });

  if (spills(build)) {
    test('a commit is fenced when the record that says whose the spill is was damaged', async () => {
      const race = await Race.start(build, SPILL);
      await race.frozen.run(`BEGIN IMMEDIATE; ${insert(60)}`);
      await edit(race.idbName, (tx) => tx.objectStore('maps').put(new ArrayBuffer(40), [1, -2]));
      await race.expectFenced('COMMIT');
      await race.expectHealed();
    });
  }
});

describe.each(ONE_OF_EACH)('%s, with locks', (build) => {
  test('the second page gets the writer role as soon as the first is idle', async () => {
    const race = await Race.start(build, { locks: navigator.locks });
    expect(await race.slow.vfs.stats()).toBeDefined();
    await race.winner.run(`BEGIN IMMEDIATE; ${ONE}; COMMIT`);
    await race.frozen.run(`BEGIN IMMEDIATE; ${ONE}; COMMIT`);
    expect(race.slow.errors).toEqual([]);
    expect(race.quick.errors).toEqual([]);
    await race.expectHealed();
  });

  test('a lock that was given to both is no harm: the store fences the second', async () => {
    const race = await Race.start(build, { locks: generous() });
    await contentOf(race.winner);
    await race.frozen.run(`BEGIN IMMEDIATE; ${insert(2)}`);
    const before = await picture(race.idbName);
    await race.winner.run(ONE);
    expect(await picture(race.idbName)).not.toEqual(before);
    const won = await picture(race.idbName);
    expect((await race.frozen.failure('COMMIT')) & PRIMARY).toBe(BUSY);
    expect(await picture(race.idbName)).toEqual(won);
    await race.slow.close();
    await race.quick.close();
  });
});

/** Gives every lock to everybody. */
function generous(): LockManager {
  const request = async (
    name: string,
    _options: LockOptions,
    granted: (lock: Lock) => unknown,
  ): Promise<unknown> => await granted({ name, mode: 'exclusive' });
  return { request, query: () => navigator.locks.query() } as LockManager;
}
