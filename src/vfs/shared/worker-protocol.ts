/**
 * The messages between a client thread and its storage worker, besides the shared buffer: taking a
 * client in, calls that nothing blocks for, and events.
 */
import type { VFSEventType } from '../events.js';
import type { ResolvedOptions } from '../options.js';
import type { VolumeServices } from '../volume-host.js';
import type { PlainError } from './plain-error.js';
import type { TransferCalls } from './transfer-calls.js';

/** What a client asks of the volume while nothing blocks. */
export type RemoteCalls = Pick<
  VolumeServices,
  'durable' | 'listFiles' | 'deleteFile' | 'verify' | 'salvage' | 'layout'
> &
  TransferCalls;

/** Options that the storage worker needs; it takes IndexedDB and locks from its own context. */
export type StorageOptions = Omit<ResolvedOptions, 'indexedDB' | 'locks'> & {
  /** False: no Web Locks are used. */
  readonly locks: boolean;
};

/** To the storage worker, with a MessagePort for everything that follows. */
export interface Attach {
  readonly type: 'idb-block-vfs:attach';
  readonly buffer: SharedArrayBuffer;
  readonly options: StorageOptions;
  /** A Web Lock that the client holds as long as it lives; undefined where there are none. */
  readonly aliveLock: string | undefined;
}

/** To a storage worker: clients attach through this port too. */
export interface Connect {
  readonly type: 'idb-block-vfs:connect';
}

export type ClientMessage =
  | {
      readonly type: 'call';
      readonly id: number;
      readonly name: keyof RemoteCalls;
      readonly args: readonly unknown[];
    }
  | { readonly type: 'doorbell' }
  | { readonly type: 'close' };

export type StorageMessage =
  | { readonly type: 'attached' }
  | { readonly type: 'failed'; readonly error: PlainError }
  | { readonly type: 'result'; readonly id: number; readonly value: unknown }
  | { readonly type: 'error'; readonly id: number; readonly error: PlainError }
  | {
      readonly type: 'event';
      readonly event: VFSEventType;
      readonly detail: unknown;
    }
  | { readonly type: 'closed' };

export function isAttach(data: unknown): data is Attach {
  return (data as Partial<Attach> | null)?.type === 'idb-block-vfs:attach';
}

export function isConnect(data: unknown): data is Connect {
  return (data as Partial<Connect> | null)?.type === 'idb-block-vfs:connect';
}
