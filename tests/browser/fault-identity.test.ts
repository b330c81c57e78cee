import { beforeAll, describe, expect, test } from 'vitest';
import { encodeFile } from '../../src/format/files.js';
import type { FileId } from '../../src/types.js';
import { dump, picture, put, type RawRecord } from '../support/raw.js';
import { type BuildName, Context, freshVolume, ONE_OF_EACH } from '../support/sqlite.js';

/** The engine under test. */
let build: BuildName;

// Goal: a file record that is intact but says the wrong thing is damage: neither an empty database nor
// another's. Method: put an older record of the path, or one with another file's id, past the VFS.

const NEW = { algorithm: 'xxhash32', born: false, createdMs: 0 } as const;

async function volume(): Promise<{ idbName: string; old: RawRecord }> {
  const idbName = freshVolume('identity');
  const context = await Context.create(build, { idbName });
  await (await context.open()).run('CREATE TABLE t(a); INSERT INTO t VALUES (1)');
  await context.close();
  const old = (await dump(idbName)).find(({ key }) => key === 'test.db') as RawRecord;
  return { idbName, old };
}

async function expectRefused(idbName: string, path: string, location: object): Promise<void> {
  const before = await picture(idbName);
  const context = await Context.create(build, { idbName });
  const errors: unknown[] = [];
  context.vfs.addEventListener('error', ({ detail }) => errors.push(detail.error));
  await expect(
    context.open(path).then((db) => db.run('CREATE TABLE IF NOT EXISTS t(a)')),
  ).rejects.toThrow();
  expect(errors.at(-1)).toMatchObject({ code: 'CORRUPTION', location });
  await context.close();
  expect(await picture(idbName)).toEqual(before);
}

describe.each(ONE_OF_EACH)('%s', (engine) => {
  beforeAll(() => {
    build = engine;
  });

  test.each([
    ['had one commit', true],
    ['had none', false],
  ])(
    'the record of a file that was deleted, and %s, in the place of its successor’s',
    async (_, born) => {
      const { idbName } = await volume();
      const context = await Context.create(build, { idbName });
      await context.vfs.deleteFile('test.db');
      await (await context.open()).run('CREATE TABLE t(a); INSERT INTO t VALUES (2)');
      await context.close();
      const value = encodeFile({ ...NEW, born, path: 'test.db', file: 1 as FileId });
      await put(idbName, [{ store: 'files', key: 'test.db', value }]);
      await expectRefused(idbName, 'test.db', born ? { store: 'commits' } : { store: 'files' });
    },
  );

  test('a record with the id of another file opens nothing of that', async () => {
    const { idbName } = await volume();
    const value = encodeFile({ ...NEW, path: 'other.db', file: 1 as FileId });
    await put(idbName, [{ store: 'files', key: 'other.db', value }]);
    await expectRefused(idbName, 'other.db', { store: 'commits' });
  });
});
