/** What this package's engines have in common as contenders. */
import type { VFSStats } from '../../src/index.ts';
import type { Contender, Session } from '../types.ts';
import { openSession } from '../wa-sqlite.ts';
import { hasSharedMemory, loadBuild } from './builds.ts';

export type OurDurability = 'strict' | 'relaxed' | 'deferred';

export const WAITS_FOR: Readonly<Record<OurDurability, string>> = {
  strict: '`complete`, durability `strict`',
  relaxed: '`complete`, durability `default`',
  deferred: 'nothing; `durable()` waits for `complete`, durability `default`',
};

/** Deferred by the option and not by the pragma: with `synchronous=off` SQLite writes rollback journals. */
const SYNCHRONOUS = { strict: 'full', relaxed: 'normal', deferred: 'full' } as const;

/** What every engine of ours can do; written down, for a type of wa-sqlite's VFS it does not need. */
interface OurVFS {
  stats(): VFSStats;
  durable(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly sqlite3: SQLiteAPI;
  readonly durability: OurDurability;
  readonly pageBytes?: number | undefined;
  readonly locking?: 'exclusive' | undefined;
}

export async function openOurs(
  vfs: OurVFS,
  { sqlite3, durability, ...rest }: OpenOptions,
): Promise<Session> {
  sqlite3.vfs_register(vfs as object as SQLiteVFS, true);
  return await openSession({
    sqlite3,
    file: 'bench.db',
    ...rest,
    synchronous: SYNCHRONOUS[durability],
    counters: () => numbersOf(vfs.stats()),
    ...(durability === 'deferred' ? { durable: () => vfs.durable() } : {}),
    closeVFS: () => vfs.close(),
  });
}

function numbersOf(stats: VFSStats): Record<string, number> {
  const numbers = Object.entries(stats).filter(([, value]) => typeof value === 'number');
  return Object.fromEntries(numbers) as Record<string, number>;
}

type Variant = Omit<OpenOptions, 'sqlite3'>;

const VARIANTS: readonly Variant[] = [
  { durability: 'strict' },
  { durability: 'relaxed' },
  { durability: 'deferred' },
  // The page size that absurd-sql's README suggests.
  { durability: 'relaxed', pageBytes: 8192 },
  // As `:memory:`, which locks nothing either.
  { durability: 'relaxed', locking: 'exclusive' },
  { durability: 'deferred', locking: 'exclusive' },
];

/** An engine of ours on the synchronous build, in every durability. */
export function onSyncBuild(
  engine: 'IDBBlockMirrorVFS' | 'IDBBlockSharedVFS',
  prefix: string,
): Contender[] {
  return VARIANTS.map(({ durability, pageBytes, locking }) => ({
    name: [prefix, 'sync', durability, pageBytes, locking].filter(Boolean).join('.'),
    engine,
    build: 'sync',
    durability,
    ...(pageBytes ? { pageBytes } : {}),
    ...(locking ? { locking } : {}),
    waitsFor: WAITS_FOR[durability],
    persistent: true,
    available: () => engine !== 'IDBBlockSharedVFS' || hasSharedMemory(),
    async load() {
      const { module, sqlite3 } = await loadBuild('sync');
      const { [engine]: Engine } = await import('../../src/index.ts');
      return async (database) => {
        const options = durability === 'deferred' ? { durability } : {};
        const vfs = await Engine.create(database, module, options);
        return await openOurs(vfs, { sqlite3, durability, pageBytes, locking });
      };
    },
  }));
}
