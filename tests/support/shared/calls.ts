/** What a test asks of the worker in which the shared engine runs: shared by both sides. */
import type { VFSEventType } from '../../../src/index.js';
import type { SharedVFSOptions } from '../../../src/vfs/shared/options.js';
import type { PlainError } from '../../../src/vfs/shared/plain-error.js';
import type { SqlBuild } from '../builds.ts';
import type { Row, Value } from '../database.ts';

export type SharedOptions = Omit<SharedVFSOptions, 'worker'> & { readonly idbName: string };

export type SharedSqlBuild = Extract<SqlBuild, `${string}shared`>;

export type SendingMethod = 'exportFile' | 'changesSince';
export type TakingMethod = 'importFile' | 'applyChanges';

export type StorageFunction = 'function' | 'odd function';

/** `context` and `database` are the numbers that `create` and `open` gave. */
export interface Calls {
  /**
   * `storage`: the option `worker`, a port to a storage worker or a function that starts one, the engine's
   * or `odd-storage.ts`; without it the engine starts one by itself.
   */
  create(
    build: SharedSqlBuild,
    options: SharedOptions,
    storage?: MessagePort | StorageFunction,
  ): number;
  open(context: number, path: string, flags?: number): number;
  rows(database: number, sql: string, parameters: readonly Value[]): Row[];
  inTransaction(database: number): boolean;
  closeDatabase(database: number): void;
  /** Calls a method of the VFS itself. */
  vfs(context: number, method: string, args: readonly unknown[]): unknown;
  /** Has a stream that a method of the VFS gives sent through a port. */
  send(context: number, port: MessagePort, method: SendingMethod, args: readonly unknown[]): void;
  /** Gives a method of the VFS a stream that comes through a port. */
  take(
    context: number,
    port: MessagePort,
    method: TakingMethod,
    path: string,
    options: object,
  ): { readonly report: unknown; readonly progressCount: number };
  listen(context: number, type: VFSEventType): void;
  close(context: number): void;
}

export interface Call {
  readonly id: number;
  readonly name: keyof Calls;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly value: unknown }
  /** An error of this package, or one of wa-sqlite's. */
  | { readonly id: number; readonly error: PlainError }
  | { readonly id: number; readonly sqlite: { readonly code: number; readonly message: string } }
  | { readonly context: number; readonly event: VFSEventType; readonly detail: unknown };
