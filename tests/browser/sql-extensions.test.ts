import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { distributionOf } from '../support/builds.js';
import { type Database, EVERY_ENGINE, Site, type SqlBuild, Twins } from '../support/sqlite.js';

/** Modules that the npm builds were compiled with; a test that a build lacks asserts the lack. */
const MODULES: Record<SqlBuild, { fts5: boolean; rtree: boolean }> = {
  asyncify: { fts5: true, rtree: false },
  jspi: { fts5: true, rtree: false },
  'legacy-asyncify': { fts5: false, rtree: false },
  mirror: { fts5: true, rtree: false },
  shared: { fts5: true, rtree: false },
  'legacy-shared': { fts5: false, rtree: false },
  'legacy-mirror': { fts5: false, rtree: false },
  'livestore-shared': { fts5: false, rtree: false },
  'livestore-mirror': { fts5: false, rtree: false },
};

describe.each(EVERY_ENGINE)('extensions, %s', (build) => {
  let site: Site;
  beforeEach(() => {
    site = new Site(build, { spillBytes: 65536 });
  });
  afterEach(() => site.remove());

  /** Runs where the build has the module; elsewhere asserts that it has not. */
  function testWith(module: 'fts5' | 'rtree', promise: string, body: () => Promise<void>): void {
    if (MODULES[build][module]) test(promise, body);
    else {
      test(`${module} is not in this build`, async () => {
        const db = await site.open();
        await expect(db.run(`CREATE VIRTUAL TABLE v USING ${module}(a, b, c)`)).rejects.toThrow(
          `no such module: ${module}`,
        );
        await db.run('CREATE TABLE t(a)');
        await site.expectKept(await db.dump());
      });
    }
  }

  // Goal: no silent skip. Method: the build's own list of modules against the table above.
  test('the build has the modules these tests count on', async () => {
    const db = await site.open(':memory:');
    const names = (await db.rows('SELECT name FROM pragma_module_list')).flat();
    const found = Object.fromEntries(
      Object.keys(MODULES[build]).map((name) => [name, names.includes(name)]),
    );
    expect(found).toEqual(MODULES[build]);
    const [version] = (await db.rows('SELECT sqlite_version()')).flat();
    expect(String(version)).toMatch(`${distributionOf(build).sqlite}.`);
  });

  // Goal: FTS5's shadow tables and merges work in small pages and spilled. Method: index, delete,
  // optimize, roll back; the oracle has the same; FTS5's own integrity check.
  testWith('fts5', 'FTS5 indexes, deletes, merges and rolls back', async () => {
    const twins = await small(site);
    await twins.run('CREATE VIRTUAL TABLE f USING fts5(title, body)');
    await twins.run(`BEGIN; ${documents(0, 300)}; COMMIT`);
    await twins.run('DELETE FROM f WHERE rowid % 3 = 0');
    await twins.run(`BEGIN; ${documents(300, 300)}; ROLLBACK`);
    await twins.run(
      `BEGIN; ${documents(300, 100)}; SAVEPOINT s; DELETE FROM f; ROLLBACK TO s; COMMIT`,
    );
    await twins.run("INSERT INTO f(f) VALUES ('optimize')");
    await twins.run("INSERT INTO f(f) VALUES ('integrity-check')");
    const found = await matches(twins.db);
    expect(found.length).toBeGreaterThan(0);
    expect(found).toEqual(await matches(twins.oracle));
    await site.expectKept(await twins.expectSame());
    expect(await matches(await site.open())).toEqual(found);
  });

  // Goal: the R-Tree splits and merges its nodes. Method: boxes in and out, queried by window.
  testWith('rtree', 'R-Tree inserts, deletes and answers windows', async () => {
    const twins = await small(site);
    await twins.run('CREATE VIRTUAL TABLE r USING rtree(id, x0, x1, y0, y1)');
    await twins.run(`INSERT INTO r SELECT i, i * 7 % 100, i * 7 % 100 + 3, i * 13 % 100, i * 13 % 100 + 5
      FROM (${series(700)})`);
    await twins.run('BEGIN; DELETE FROM r WHERE id % 2; ROLLBACK; DELETE FROM r WHERE id % 5 = 0');
    const query = 'SELECT id FROM r WHERE x0 > 20 AND x1 < 50 AND y0 > 10 AND y1 < 60 ORDER BY id';
    const found = await twins.db.rows(query);
    expect(found.length).toBeGreaterThan(10);
    expect(found).toEqual(await twins.oracle.rows(query));
    expect(await twins.db.value("SELECT rtreecheck('r')")).toBe('ok');
    await site.expectKept(await twins.expectSame());
  });

  // Goal: JSON functions, generated columns and an index on them. Method: against the oracle.
  test('JSON is stored, indexed and taken apart', async () => {
    const twins = await small(site);
    await twins.run(`CREATE TABLE j(doc TEXT CHECK (json_valid(doc)),
      k INTEGER GENERATED ALWAYS AS (doc ->> '$.k') STORED); CREATE INDEX jk ON j(k)`);
    await twins.run(`INSERT INTO j(doc) SELECT json_object('k', i % 50, 'tags', json_array(i, 'x' || i),
      'text', printf('%0500d', i)) FROM (${series(400)})`);
    await twins.attempt("INSERT INTO j(doc) VALUES ('{broken')");
    await twins.run("UPDATE j SET doc = json_set(doc, '$.seen', 1) WHERE k < 10");
    await twins.run(
      "SELECT k, value FROM j, json_each(j.doc, '$.tags') WHERE k = 7 ORDER BY j.rowid, value",
    );
    await site.expectKept(await twins.expectSame());
  });
});

async function small(site: Site): Promise<Twins> {
  const twins = await Twins.create(site);
  await twins.db.run('PRAGMA page_size=1024; PRAGMA cache_size=10');
  return twins;
}

function matches(db: Database): Promise<unknown[]> {
  return db.rows("SELECT rowid, title FROM f WHERE f MATCH 'w7 AND w1*' ORDER BY rowid");
}

function documents(first: number, count: number): string {
  const words = Array.from({ length: 30 }, (_, k) => `' w' || ((i * ${k + 3}) % 97)`).join(' || ');
  return `INSERT INTO f SELECT 'title ' || (i + ${first}), ${words} FROM (${series(count)})`;
}

function series(count: number): string {
  return `WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < ${count}) SELECT i FROM s`;
}
