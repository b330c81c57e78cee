/** Point reads by key, each a sqliteTx of its own, in a table of 10 MB. */
import { expectEqual, loop } from '../measure.ts';
import { fillRows, rowOf, scatteredIds } from '../rows.ts';
import type { Measurement, Session, Workload } from '../types.ts';

const COLD_READS = 200;
const WARM_READS = 1000;

/** Reads the rows with these ids. @throws if one is wrong. */
async function reading(
  session: Session,
  ids: readonly number[],
  options: { readonly warmup: number },
): Promise<Measurement> {
  const select = await session.prepare('SELECT * FROM rows WHERE id = ?');
  const measurement = await loop(
    async (i) => {
      const id = ids[i % ids.length] as number;
      expectEqual(await select.run([id]), [rowOf(id)], 'row');
    },
    { iterations: ids.length, ...options },
  );
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
