/** What absurder-sql's own benchmark page does: one statement each to insert, read, update and delete. */
import { expectEqual } from '../measure.ts';
import { median } from '../statistics.mjs';
import type { Measurement, Session, Workload } from '../types.ts';

const ROWS = 1000;
const ROUNDS = 5;
const TEXT = 'x'.repeat(100);
const VALUES = Array.from({ length: ROWS }, (_, i) => `(${i + 1}, '${TEXT}')`).join(', ');
const CREATE = 'CREATE TABLE page (id INTEGER PRIMARY KEY, data TEXT)';
const STEPS = {
  insert: `INSERT INTO page VALUES ${VALUES}`,
  read: 'SELECT * FROM page',
  update: `UPDATE page SET data = '${TEXT}updated' WHERE id <= ${ROWS / 2}`,
  delete: `DELETE FROM page WHERE id <= ${ROWS / 4}`,
};
const LEFT = [ROWS * (3 / 4), ROWS * (3 / 4) * TEXT.length + (ROWS / 4) * 'updated'.length];

type Name = keyof typeof STEPS;

async function rounds(session: Session): Promise<Record<Name, number>> {
  const times: Record<Name, number[]> = { insert: [], read: [], update: [], delete: [] };
  for (let round = 0; round < ROUNDS; round++) {
    await session.exec(CREATE);
    for (const [name, sql] of Object.entries(STEPS) as [Name, string][]) {
      const started = performance.now();
      const rows = await session.exec(sql);
      times[name].push(performance.now() - started);
      if (name === 'read') expectEqual(rows.length, ROWS, 'number of rows read');
    }
    const [found] = await session.exec('SELECT count(*), sum(length(data)) FROM page');
    expectEqual(found, LEFT, 'rows after the round');
    await session.exec('DROP TABLE page');
  }
  return {
    insert: median(times.insert),
    read: median(times.read),
    update: median(times.update),
    delete: median(times.delete),
  };
}

export const pageShape: Workload = {
  name: 'page-shape',
  title: "absurder-sql's page: insert, read, update, delete",
  database: 'page-shape',
  cold: false,
  async run(session): Promise<Measurement> {
    const details = await rounds(session);
    const sum = Object.values(details).reduce((total, ms) => total + ms, 0);
    return { meanMs: sum, medianMs: sum, p99Ms: sum, operations: 1, details };
  },
  async check(session) {
    const [found] = await session.exec('SELECT count(*) FROM sqlite_master');
    expectEqual(found, [0], 'number of tables in the end');
  },
};
