/**
 * The same few operations on databases of 1, 10, 100 MB and 1 GB, each after a reload: opening to the first
 * row, point reads, a scan, and one-row commits.
 */
import { expectEqual, loop, once } from '../measure.ts';
import { insertMadeRows, rowOf, scanRows } from '../rows.ts';
import type { Session, Workload } from '../types.ts';

const ROWS_PER_MB = 10_000;
const READS = 2000;
const COMMITS = { iterations: 500, warmup: 20 };

export const SIZES_MB = [1, 10, 100, 1000] as const;
export type SizeMB = (typeof SIZES_MB)[number];

const NAMES: Readonly<Record<SizeMB, string>> = {
  1: '1 MB',
  10: '10 MB',
  100: '100 MB',
  1000: '1 GB',
};

interface Size {
  readonly mb: SizeMB;
  readonly rows: number;
}

/** A gigabyte takes minutes to make: it is measured with `--long`, or by name. */
const common = ({ mb, rows }: Size) => ({
  database: `size-${mb}mb`,
  optional: mb === 1000,
  prepare: (session: Session) => insertMadeRows(session, { rowCount: rows, texts: 'randomblob' }),
});

const idOf = ({ rows }: Size, i: number): number => ((i * 61_803 * 101) % rows) + 1;

function open(size: Size): Workload {
  return {
    ...common(size),
    name: `open-${size.mb}mb`,
    title: `first row of ${NAMES[size.mb]}`,
    cold: true,
    async run(session) {
      let found: unknown;
      const measurement = await once(async () => {
        [found] = await session.exec('SELECT id, a FROM rows LIMIT 1');
      });
      expectEqual(found, rowOf(1).slice(0, 2), 'first row');
      return measurement;
    },
  };
}

function read(size: Size): Workload {
  return {
    ...common(size),
    name: `read-${size.mb}mb`,
    title: `point read of ${NAMES[size.mb]}, cold`,
    cold: true,
    async run(session) {
      const select = await session.prepare('SELECT id, a, b FROM rows WHERE id = ?');
      const found: unknown[] = [];
      const measurement = await loop(
        async (i) => {
          const [row] = await select.run([idOf(size, i)]);
          found.push(row);
        },
        { iterations: READS, warmup: 0 },
      );
      await select.finalize();
      found.forEach((row, i) => {
        expectEqual(row, rowOf(idOf(size, i)).slice(0, 3), 'row');
      });
      return measurement;
    },
  };
}

function scan(size: Size): Workload {
  return {
    ...common(size),
    name: `scan-${size.mb}mb`,
    title: `scan of ${NAMES[size.mb]}, cold`,
    cold: true,
    async run(session) {
      let found: unknown[] = [];
      const measurement = await once(async () => {
        found = [...(await scanRows(session))];
      });
      expectEqual(found[0], size.rows, 'number of rows');
      return measurement;
    },
  };
}

/** Last of all, for it leaves another database behind. */
function commit(size: Size): Workload {
  const count = COMMITS.iterations + COMMITS.warmup;
  const ids = [...new Set(Array.from({ length: count }, (_, i) => idOf(size, i)))];
  const check = async (session: Session) => {
    const [found] = await session.exec(`SELECT sum(b) FROM rows WHERE id IN (${ids.join(', ')})`);
    const before = ids.reduce((sum, id) => sum + rowOf(id)[2], 0);
    expectEqual(found, [before + count], 'rows after the commits');
  };
  return {
    ...common(size),
    name: `commit-${size.mb}mb`,
    title: `one-row commit in ${NAMES[size.mb]}`,
    cold: false,
    takes: ({ durability }) => durability !== 'none',
    async run(session) {
      const update = await session.prepare('UPDATE rows SET b = b + 1 WHERE id = ?');
      const measurement = await loop(async (i) => {
        await update.run([idOf(size, i)]);
      }, COMMITS);
      await update.finalize();
      await check(session);
      return measurement;
    },
    check,
  };
}

function ofSize(mb: SizeMB): readonly Workload[] {
  const size = { mb, rows: mb * ROWS_PER_MB };
  return [open(size), read(size), scan(size), commit(size)];
}

export const sized: Readonly<Record<SizeMB, readonly Workload[]>> = {
  1: ofSize(1),
  10: ofSize(10),
  100: ofSize(100),
  1000: ofSize(1000),
};
