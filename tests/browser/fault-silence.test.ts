import { describe, expect, test } from 'vitest';
import { openRaw } from '../support/raw.js';
import { insert, integrity, Rig, reopened } from '../support/rig.js';
import { deleteVolume, freshVolume, ONE_OF_EACH, spills } from '../support/sqlite.js';

// Goal: an IndexedDB that does not answer ends in one clear error within the stated limit, and
// the next statement works when it answers again.
// Method: another connection sits on the stores with an idbTx of its own, or on the volume with a
// deletion that waits for it: real silence, without any fault injected.

/** Longer than a busy machine leaves a request unanswered. */
const TIMEOUT_MS = 3000;
/** docs/DURABILITY.md: at most eight limits; in fact far fewer. */
const STATEMENT_MS_MAX = 8 * TIMEOUT_MS * 1.25;
const SILENT = { code: 'CONNECTION_LOST' };

/** Keeps a readwrite idbTx on all stores open until it is let go. */
async function occupy(idbName: string): Promise<() => void> {
  const db = await openRaw(idbName);
  const tx = db.transaction(['files', 'segments', 'commits', 'maps'], 'readwrite');
  let over = false;
  const store = tx.objectStore('files');
  const again = () => {
    if (over) return;
    store.get('nothing').onsuccess = again;
  };
  await new Promise<void>((resolve) => {
    store.get('nothing').onsuccess = () => {
      resolve();
      again();
    };
  });
  return () => {
    over = true;
    db.close();
  };
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [T, number]> {
  const started = performance.now();
  return [await work(), performance.now() - started];
}

describe.each(ONE_OF_EACH)('%s', (build) => {
  test('a read that is not answered is one clear error in time; then it works', async () => {
    const rig = await Rig.create(build, { requestTimeoutMs: TIMEOUT_MS, locks: null });
    await rig.fill(3);
    const release = await occupy(rig.idbName);
    const [outcome, ms] = await timed(() => rig.try('SELECT count(*) FROM t'));
    expect(outcome).toMatchObject({ tag: 'failed', code: 10, cause: SILENT });
    expect(outcome).toMatchObject({
      cause: { message: expect.stringContaining(`${TIMEOUT_MS} ms`) },
    });
    expect(ms).toBeGreaterThan(TIMEOUT_MS);
    expect(ms).toBeLessThan(STATEMENT_MS_MAX);
    release();
    expect(await rig.db.value('SELECT count(*) FROM t')).toBe(3);
    await rig.db.run(insert(1));
    await rig.close();
  });

  test('a commit that is not answered is unknown, then there or not, and the next one works', async () => {
    const rig = await Rig.create(build, { requestTimeoutMs: TIMEOUT_MS });
    await rig.fill(3);
    const release = await occupy(rig.idbName);
    const [outcome, ms] = await timed(() => rig.try("INSERT INTO t(v) VALUES ('silent')"));
    expect(outcome).toMatchObject({ tag: 'failed', cause: { code: 'COMMIT_UNKNOWN' } });
    expect(ms).toBeLessThan(STATEMENT_MS_MAX);
    release();
    // It was sent: IndexedDB takes it up when it is free, and reads wait behind it.
    const silent = "SELECT count(*) FROM t WHERE v = 'silent'";
    const landed = (await rig.db.value(silent)) as number;
    expect([0, 1]).toContain(landed);
    await rig.db.run("INSERT INTO t(v) VALUES ('heard')");
    expect(await integrity(rig.db)).toBe('ok');
    await rig.close();
    expect(await reopened(build, rig.idbName, (db) => db.value(silent))).toBe(landed);
    const all = 'SELECT count(*) FROM t';
    expect(await reopened(build, rig.idbName, (db) => db.value(all))).toBe(4 + landed);
  });

  if (spills(build)) {
    test('a spill that is not answered is one clear error, and nothing of it stays', async () => {
      const rig = await Rig.create(build, { requestTimeoutMs: TIMEOUT_MS, spillBytes: 65536 });
      await rig.fill(3);
      await rig.db.run('PRAGMA cache_size=10');
      const release = await occupy(rig.idbName);
      const [outcome, ms] = await timed(() => rig.try(`BEGIN; ${insert(80)}; COMMIT`));
      expect(outcome).toMatchObject({ tag: 'failed', cause: SILENT });
      expect(ms).toBeLessThan(STATEMENT_MS_MAX);
      await rig.try('ROLLBACK');
      release();
      expect(await rig.db.value('SELECT count(*) FROM t')).toBe(3);
      await rig.db.run(insert(1));
      expect(await rig.context.vfs.verify('test.db')).toMatchObject({
        defects: [],
        pendingSegments: 0,
      });
      await rig.close();
    });
  }

  test('slow is not silent: an idbTx that waits for less than the limit goes through', async () => {
    const rig = await Rig.create(build, { requestTimeoutMs: 4 * TIMEOUT_MS, locks: null });
    await rig.fill(3);
    const release = await occupy(rig.idbName);
    setTimeout(release, TIMEOUT_MS);
    expect(await rig.db.value('SELECT count(*) FROM t')).toBe(3);
    expect((await rig.context.vfs.stats()).reopens).toBe(0);
    await rig.close();
  });
});

test('an opening that is not answered fails in time, and stands in nobody’s way later', async () => {
  const idbName = freshVolume('silence');
  const first = await Rig.create('asyncify', { idbName });
  await first.fill(1);
  await first.close();
  const blocker = await openRaw(idbName);
  const deletion = deleteVolume(idbName);
  const opening = timed(() =>
    Rig.create('asyncify', { idbName, requestTimeoutMs: TIMEOUT_MS }).catch((e: unknown) => e),
  );
  const [error, ms] = await opening;
  expect(error).toMatchObject({ ...SILENT, message: expect.stringContaining(`${TIMEOUT_MS} ms`) });
  expect(ms).toBeLessThan(STATEMENT_MS_MAX);
  blocker.close();
  await deletion;
  await deleteVolume(idbName);
  const rig = await Rig.create('asyncify', { idbName });
  await rig.fill(2);
  await rig.close();
});
