/**
 * The VFS methods as npm's wa-sqlite 1.0.0 calls them: with views of the wasm memory.
 *
 * Its Asyncify build enters a method again when it rewinds the stack; the second call has to take the
 * same `handleAsync` branch, which then answers with the stored value. Only one call of a module
 * can be suspended, so one flag tells a rewind from a new call.
 */
import * as rc from '../result-codes.js';
import { fileControl } from './control.js';
import { type Answer, type MethodCore, SECTOR_BYTES } from './core.js';
import type { SqliteModule } from './module.js';

/** The old line's view of one value; it throws for any other type or byte order. */
interface OutView {
  setInt32(at: number, value: number, littleEndian: true): void;
  setBigInt64(at: number, value: bigint, littleEndian: true): void;
}

/** The registered object: `registerVFS` gives it `handleAsync`. */
export interface LegacyHost {
  handleAsync?: (start: () => Promise<number>) => number;
}

export interface LegacyMethods {
  [method: `x${string}`]: unknown;
}

export function legacyMethods(
  core: MethodCore,
  module: SqliteModule,
  host: LegacyHost,
): LegacyMethods {
  let suspended = false;
  const handleAsync = (start: () => Promise<number>): number =>
    host.handleAsync?.(start) ?? rc.SQLITE_MISUSE;
  const wait = (method: () => Answer): number => {
    if (suspended) {
      suspended = false;
      return handleAsync(() => Promise.resolve(rc.SQLITE_OK));
    }
    const answer = method();
    if (typeof answer === 'number') return answer;
    suspended = true;
    return handleAsync(() => answer);
  };
  const path = (name: string | null): string | null =>
    // URI parameters come attached to the name.
    name === null || name === '' ? null : (name.split('?')[0] ?? null);
  return {
    xOpen(name: string | null, id: number, flags: number, out: OutView): number {
      return wait(() => {
        out.setInt32(0, flags, true);
        return core.open(path(name), id, flags);
      });
    },
    xDelete: (name: string): number => wait(() => core.delete(name)),
    xAccess: (name: string, _flags: number, out: OutView): number =>
      wait(() => core.access(name, (exists) => out.setInt32(0, exists ? 1 : 0, true))),
    xClose: (id: number): number => wait(() => core.close(id)),
    xRead: (id: number, data: Uint8Array, offset: number): number =>
      wait(() => core.read(id, data.byteOffset, data.length, offset)),
    xWrite: (id: number, data: Uint8Array, offset: number): number =>
      wait(() => core.write(id, data.byteOffset, data.length, offset)),
    xTruncate: (id: number, size: number): number => wait(() => core.truncate(id, size)),
    xSync: (): number => rc.SQLITE_OK,
    xFileSize: (id: number, out: OutView): number =>
      wait(() => core.size(id, (bytes) => out.setBigInt64(0, BigInt(bytes), true))),
    xLock: (id: number, level: number): number => wait(() => core.lock(id, level)),
    xUnlock: (id: number, level: number): number => wait(() => core.unlock(id, level)),
    xCheckReservedLock(id: number, out: OutView): number {
      out.setInt32(0, core.isReserved(id) ? 1 : 0, true);
      return rc.SQLITE_OK;
    },
    xFileControl: (id: number, op: number, argument: DataView): number =>
      wait(() => fileControl(core, module, id, op, argument.byteOffset)),
    xSectorSize: (): number => SECTOR_BYTES,
    xDeviceCharacteristics: (id: number): number => core.characteristics(id),
  };
}
