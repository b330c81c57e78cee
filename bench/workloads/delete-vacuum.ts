/** Every other row deleted in one sqliteTx, and the file made smaller. */
import { expectEqual } from '../measure.ts';
import { fillRows, ROW_COUNT } from '../rows.ts';
import type { Session, Workload } from '../types.ts';

export const deleteVacuum: Workload = {
  name: 'delete-vacuum',
  title: 'half of 100,000 rows deleted, VACUUM',
  database: 'delete-vacuum',
  cold: false,
  space: true,
  prepare: fillRows,
  async run(session) {
    const started = performance.now();
    await session.exec('DELETE FROM rows WHERE id % 2 = 0');
    const deleted = performance.now();
    await session.exec('VACUUM');
    const ended = performance.now();
    await check(session);
    const [size] = await session.exec(
      'SELECT page_count * page_size FROM pragma_page_count, pragma_page_size',
    );
    const ms = ended - started;
    const details = {
      delete: deleted - started,
      vacuum: ended - deleted,
      liveBytes: Number(size?.[0]),
    };
    return { meanMs: ms, medianMs: ms, p99Ms: ms, operations: 1, details };
  },
  check,
};

async function check(session: Session): Promise<void> {
  const [found] = await session.exec('SELECT count(*), sum(id) FROM rows');
  expectEqual(found, [ROW_COUNT / 2, (ROW_COUNT / 2) ** 2], 'rows that are left');
}
