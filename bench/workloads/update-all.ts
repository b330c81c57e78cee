/** Every row changed in one sqliteTx, with a page cache that holds a fifth of the pages: most spill. */
import { writeRows } from '../floors.ts';
import { expectEqual, once } from '../measure.ts';
import { allRows, fillRows, ROW_COUNT } from '../rows.ts';
import type { Session, Workload } from '../types.ts';

const CACHE = 'PRAGMA cache_size = -2048';
const ADDED = 7;

export const updateAll: Workload = {
  name: 'update-all',
  title: 'update of all 100,000 rows',
  database: 'update-all',
  cold: false,
  prepare: fillRows,
  async run(session) {
    await session.exec(CACHE);
    const measurement = await once(async () => {
      await session.exec(`UPDATE rows SET a = a + ${ADDED}`);
    });
    await check(session);
    return measurement;
  },
  check,
  floor: writeRows,
};

async function check(session: Session): Promise<void> {
  const [found] = await session.exec('SELECT count(*), sum(a) FROM rows');
  const sum = allRows().reduce((total, [, a]) => total + a, 0);
  expectEqual(found, [ROW_COUNT, sum + ADDED * ROW_COUNT], 'rows after the update');
}
