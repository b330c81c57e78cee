/** What this package's engines have in common as contenders. */
import type {
  VFSEventMap,
  VFSEventType,
  VFSListener,
  VFSOptions,
  VFSStats,
} from '../../src/index.ts';
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
  addEventListener<K extends VFSEventType>(type: K, listener: VFSListener<K>): void;
  durable(): Promise<void>;
  close(): Promise<void>;
}

export interface OpenOptions {
  readonly sqlite3: SQLiteAPI;
  readonly durability: OurDurability;
  readonly pageBytes?: number | undefined;
  readonly locking?: 'exclusive' | undefined;
  /** Everything is listened to, and measured. */
  readonly observed?: true | undefined;
}

/** What the VFS is created with. */
export function vfsOptions({
  durability,
  observed,
}: Omit<OpenOptions, 'sqlite3'>): Pick<VFSOptions, 'durability' | 'measure'> {
  return {
    ...(durability === 'deferred' ? { durability } : {}),
    ...(observed ? { measure: true } : {}),
  };
}

const EVENTS: Readonly<Record<VFSEventType, true>> = {
  commit: true,
  recovery: true,
  progress: true,
  error: true,
  corruption: true,
  quota: true,
  flush: true,
  backpressure: true,
  syncstart: true,
  syncend: true,
  loss: true,
  connectionlost: true,
  connectionhealed: true,
  writerchange: true,
};

/** As an app does that shows what happens. */
function listenToAll(vfs: OurVFS): void {
  const seen: { detail?: VFSEventMap[VFSEventType] } = {};
  for (const type of Object.keys(EVENTS) as VFSEventType[]) {
    vfs.addEventListener(type, ({ detail }) => {
      seen.detail = detail;
    });
  }
}

export async function openOurs(
  vfs: OurVFS,
  { sqlite3, durability, observed, ...rest }: OpenOptions,
): Promise<Session> {
  if (observed) listenToAll(vfs);
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

const OBSERVED: readonly Variant[] = [{ durability: 'relaxed', observed: true }];

/** An engine of ours on the synchronous build, in every durability. */
export function onSyncBuild(
  engine: 'IDBBlockMirrorVFS' | 'IDBBlockSharedVFS',
  prefix: string,
  variants: readonly Variant[] = VARIANTS,
): Contender[] {
  return variants.map(({ durability, pageBytes, locking, observed }) => ({
    name: [prefix, 'sync', durability, pageBytes, locking, observed && 'observed']
      .filter(Boolean)
      .join('.'),
    engine,
    build: 'sync',
    durability,
    ...(observed ? { observed } : {}),
    ...(pageBytes ? { pageBytes } : {}),
    ...(locking ? { locking } : {}),
    waitsFor: WAITS_FOR[durability],
    persistent: true,
    available: () => engine !== 'IDBBlockSharedVFS' || hasSharedMemory(),
    async load() {
      const { module, sqlite3 } = await loadBuild('sync');
      const { [engine]: Engine } = await import('../../src/index.ts');
      return async (database) => {
        const vfs = await Engine.create(database, module, vfsOptions({ durability, observed }));
        return await openOurs(vfs, { sqlite3, durability, pageBytes, locking, observed });
      };
    },
  }));
}

/** The same, listened to and measured. */
export function observedOnSyncBuild(
  engine: 'IDBBlockMirrorVFS' | 'IDBBlockSharedVFS',
  prefix: string,
): Contender[] {
  return onSyncBuild(engine, prefix, OBSERVED);
}
