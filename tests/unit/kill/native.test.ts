import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bodyOf, rowsAfter } from '../../support/kill-model.ts';
import { nativeFound, openNative } from '../../support/kill-native.ts';

const EXPECTED = { workload: 'small', seed: 7, steps: 3, database: 0 } as const;
const OK = { integrity: 'ok', differences: [] };

/** What the workload leaves, made by native SQLite; then `sql` is run on it. */
function image(sql = ''): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), 'idb-block-vfs-native-'));
  const path = join(folder, 'made.db');
  try {
    const database = openNative(path);
    database.exec(`
      CREATE TABLE item (id INTEGER PRIMARY KEY, step INTEGER NOT NULL, body BLOB NOT NULL);
      CREATE INDEX item_by_step ON item (step, id);
      CREATE TABLE progress (step INTEGER NOT NULL);
      INSERT INTO progress VALUES (${EXPECTED.steps});
    `);
    const insert = database.prepare('INSERT INTO item VALUES (?, ?, ?)');
    const rows = rowsAfter(EXPECTED.workload, EXPECTED.seed, EXPECTED.steps)[0] ?? new Map();
    for (const [id, { step, length }] of rows) {
      insert.run(id, step, bodyOf(EXPECTED.seed, step, id, length));
    }
    database.exec(sql);
    database.close();
    return readFileSync(path);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

// Goal: native SQLite's word on an export is worth something. Method: the right bytes, and bytes with one
// thing wrong.
test('the bytes that the workload leaves are accepted', () => {
  expect(nativeFound(image(), EXPECTED)).toEqual(OK);
  expect(nativeFound(new Uint8Array(0), { ...EXPECTED, steps: 0 })).toEqual(OK);
});

test.each([
  'DELETE FROM item WHERE id = (SELECT min(id) FROM item)',
  "UPDATE item SET body = x'00' WHERE id = (SELECT max(id) FROM item)",
  'UPDATE item SET step = step - 1 WHERE step = 3',
  'UPDATE progress SET step = 2',
  'DROP INDEX item_by_step',
  "INSERT INTO item VALUES (9999, 1, x'00')",
])('other content is refused: %s', (sql) => {
  const { integrity, differences } = nativeFound(image(sql), EXPECTED);
  expect(integrity).toBe('ok');
  expect(differences.length).toBeGreaterThan(0);
});

test('damaged and missing bytes are refused', () => {
  const damaged = image().slice();
  damaged.fill(0xff, 4096, 4200);
  expect(nativeFound(damaged, EXPECTED).integrity).not.toBe('ok');
  expect(nativeFound(image().subarray(0, 4096), EXPECTED)).not.toEqual(OK);
  expect(nativeFound(new Uint8Array(0), EXPECTED)).not.toEqual(OK);
});
