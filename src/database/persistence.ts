/** Whether the browser may evict what is stored, and how much room there is. */
import { UnsupportedError } from '../errors.js';

/**
 * `'persistent'`: the browser evicts nothing without asking. `'best-effort'`: it may, when the disk
 * is full. `'unknown'`: this context cannot tell. `'none'`: in memory.
 */
export type Persistence = 'persistent' | 'best-effort' | 'unknown' | 'none';

/** Room of the origin, for all it stores, as the browser estimates it. */
export interface StorageEstimate {
  /** What the origin uses. */
  readonly usageBytes: number;
  /** What it may use at most. */
  readonly quotaBytes: number;
}

export async function persistenceNow(): Promise<Persistence> {
  const isPersisted = await storage()?.persisted?.();
  if (isPersisted === undefined) return 'unknown';
  return isPersisted ? 'persistent' : 'best-effort';
}

/**
 * Asks the browser not to evict this origin's data. Chromium and Safari decide by themselves,
 * Firefox asks the user: call it when the user does something that makes the reason plain.
 *
 * @throws UnsupportedError in a worker, where browsers have no such call: make it in the page; and
 *   everywhere in WebKitGTK
 */
export async function requestPersistence(): Promise<'persistent' | 'best-effort'> {
  const manager = storage();
  if (typeof manager?.persist !== 'function') {
    throw new UnsupportedError(
      'navigator.storage.persist',
      'call requestPersistence() in a window of a secure (https or localhost) origin; not in WebKitGTK.',
    );
  }
  return (await manager.persist()) ? 'persistent' : 'best-effort';
}

/**
 * What the browser says about room: an estimate, which may lag behind.
 *
 * @throws UnsupportedError where the browser has no such call
 */
export async function estimateStorage(): Promise<StorageEstimate> {
  const manager = storage();
  if (typeof manager?.estimate !== 'function') {
    throw new UnsupportedError('navigator.storage.estimate', 'a secure origin has it.');
  }
  const { usage = 0, quota = 0 } = await manager.estimate();
  return { usageBytes: usage, quotaBytes: quota };
}

function storage(): Partial<StorageManager> | undefined {
  return globalThis.navigator?.storage;
}
