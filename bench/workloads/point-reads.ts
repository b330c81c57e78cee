/** Point reads by key, each a sqliteTx of its own, in a table of 10 MB. */
import { expectEqual, loop } from '../measure.ts';
import { fillRows, rowOf, scatteredIds } from '../rows.ts';
import type { Measurement, Row, Session, Workload } from '../types.ts';

const COLD_READS = 200;
const WARM_READS = 1000;

/** Reads the rows with these ids, and checks them when the clock has stopped. @throws if one is wrong. */
async function reading(
  session: Session,
  ids: readonly number[],
  options: { readonly warmup: number },
): Promise<Measurement> {
  const select = await session.prepare('SELECT * FROM rows WHERE id = ?');
  const found: Row[][] = [];
  const measurement = await loop(
    async (i) => {
      found.push(await select.run([ids[i % ids.length] as number]));
    },
    { iterations: ids.length, ...options },
  );
  found.forEach((rows, i) => {
    expectEqual(rows, [rowOf(ids[i % ids.length] as number)], 'row');
  });
  await select.finalize();
  return measurement;
}

export const pointReadsCold: Workload = {
  name: 'point-read-cold',
  title: 'point read, cold',
  database: 'rows',
  cold: true,
  prepare: fillRows,
  run: (session) => reading(session, scatteredIds(COLD_READS), { warmup: 0 }),
};

export const pointReadsWarm: Workload = {
  name: 'point-read-warm',
  title: 'point read, warm',
  database: 'rows',
  cold: false,
  prepare: fillRows,
  // Each row once before the clock starts.
  run: (session) => reading(session, scatteredIds(WARM_READS), { warmup: WARM_READS }),
};
