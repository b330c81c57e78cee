/**
 * An import is all or nothing at any crash point, beside a database that is there and where there is none.
 *
 * Method: SQLite on a simulated IndexedDB, crashed after every turn under every outcome of the medium.
 * What opens then is the old database or the new one, whole, and it goes on.
 */
import { describe, expect, test } from 'vitest';
import { type CrashPlan, everyCrashPoint } from '../../src/testing/index.js';
import { readAll, streamOf } from '../support/bytes.ts';
import { complaintsOf } from '../support/crash-plan.ts';
import { useGlobals } from '../support/globals.ts';
import { nativeMade } from '../support/native-file.ts';
import { PagesLab } from '../support/pages-lab.ts';

useGlobals();

const PATH = 'main.db';
// Under load the first recovery waits for SQLite to be compiled.
const TIMEOUT_MS = 60_000;

type Notice = 'began' | 'imported';

/** More than is spilled at once, several times over. */
const GIVEN = nativeMade(`PRAGMA page_size=1024; CREATE TABLE n(id INTEGER PRIMARY KEY, text);
  INSERT INTO n WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 200)
  SELECT i, printf('%01000d', i) FROM s;`);

function planOf(old: string): CrashPlan<Notice, PagesLab> {
  const lab = new PagesLab();
  return {
    workload: async ({ factory, acknowledge }) => {
      const page = await lab.page({ spillBytes: 65536 }, factory);
      const db = await page.open(PATH);
      if (old !== '') await db.run(old);
      acknowledge('began');
      await page.vfs.importFile(PATH, streamOf(GIVEN, { chunkBytes: 30_000 }));
      acknowledge('imported');
      await lab.close();
    },
    recover: async () => new PagesLab(),
    check: async ({ acknowledged, factory, recovered }) => {
      const page = await recovered.page({}, factory);
      const db = await page.open(PATH);
      await db.expectIntact();
      const [name] = await db.rows('SELECT name FROM sqlite_schema');
      const isNew = name?.[0] === 'n';
      if (isNew && !acknowledged.includes('began')) throw new Error('it came too early');
      if (!isNew && acknowledged.includes('imported')) throw new Error('it is not there');
      if (isNew) {
        const bytes = await readAll(page.vfs.exportFile(PATH));
        // All but the header, which may be renumbered.
        const isSame =
          bytes.length === GIVEN.length && bytes.every((b, i) => i < 96 || b === GIVEN[i]);
        if (!isSame) throw new Error('it is another one');
      } else if (name && old !== '') {
        const rows = await db.rows('SELECT a FROM old');
        if (rows[0]?.[0] !== 'kept') throw new Error('the old one is not whole');
      }
      const [defect] = (await page.vfs.listFiles()).length
        ? (await page.vfs.verify(PATH)).defects
        : [];
      if (defect) throw new Error('verify found a defect', { cause: defect.error });
      await db.run('CREATE TABLE IF NOT EXISTS after(a)');
      await recovered.close();
    },
  };
}

describe('an import, crashed everywhere', { timeout: 300_000 }, () => {
  test.each([
    ['over a database', "BEGIN; CREATE TABLE old(a); INSERT INTO old VALUES ('kept'); COMMIT"],
    ['where there is none', ''],
  ])('%s', async (_name, old) => {
    const report = await everyCrashPoint(planOf(old), { violationsMax: 3, timeoutMs: TIMEOUT_MS });
    expect(complaintsOf(report)).toBe('');
    expect(report.recoveries).toBeGreaterThan(10);
  });
});
