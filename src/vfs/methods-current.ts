/**
 * The VFS methods as the current wa-sqlite line calls them: with C's own arguments.
 *
 * A method flagged asynchronous may answer with a number through a synchronous thenable: Asyncify then
 * does not unwind the stack, so a cache hit costs no suspension. JSPI suspends in any case.
 */
import * as rc from '../result-codes.js';
import { fileControl } from './control.js';
import { type Answer, type MethodCore, SECTOR_BYTES } from './core.js';
import { type Build, type SqliteModule, SyncThenable } from './module.js';
import { normalisePath } from './paths.js';
import { textAt } from './text.js';

const TWO_32 = 0x100000000;
const MICROSECONDS_PER_MS = 1000;

/** Methods that may have to wait. The rest answer at once on every build. */
const ASYNC_METHODS: ReadonlySet<string> = new Set([
  'xOpen',
  'xDelete',
  'xAccess',
  'xSleep',
  'xClose',
  'xRead',
  'xWrite',
  'xLock',
  'xFileControl',
]);

/** Emscripten passes a 64-bit argument as two signed halves. */
function join64(low: number, high: number): number {
  return high * TWO_32 + (low >>> 0);
}

/** Writes a C string, cut to the buffer; false if it had to be cut. */
function writeText(
  module: SqliteModule,
  out: { readonly address: number; readonly size: number },
  text: string,
): boolean {
  const target = module.HEAPU8.subarray(out.address, out.address + out.size);
  const bytes = new TextEncoder().encode(text);
  target.fill(0).set(bytes.subarray(0, Math.max(0, target.length - 1)));
  return bytes.length < target.length;
}

/** A promise would be SQLITE_OK to a build that does not wait for it. */
export function atOnce(answer: Answer): number {
  if (typeof answer === 'number') return answer;
  answer.catch(() => undefined);
  return rc.SQLITE_INTERNAL;
}

export interface CurrentMethods {
  hasAsyncMethod(name: string): boolean;
  [method: `x${string}`]: (...args: number[]) => unknown;
}

export function currentMethods(
  core: MethodCore,
  module: SqliteModule,
  build: Build,
): CurrentMethods {
  const immediate = new SyncThenable();
  const sooner = (answer: Answer): SyncThenable | Answer => {
    if (build === 'sync') return atOnce(answer);
    if (typeof answer !== 'number' || build === 'jspi') return answer;
    // One object serves every call: Asyncify asks it before the method returns.
    immediate.code = answer;
    return immediate;
  };
  const setInt32 = (address: number, value: number) => {
    const { buffer, byteOffset } = module.HEAPU8;
    new DataView(buffer, byteOffset).setInt32(address, value, true);
  };
  return {
    hasAsyncMethod: (name) => build !== 'sync' && ASYNC_METHODS.has(name),
    xOpen(_vfs, name, id, flags, outFlags) {
      if (outFlags !== 0) setInt32(outFlags as number, flags as number);
      return sooner(core.open(textAt(module, name as number), id as number, flags as number));
    },
    xDelete: (_vfs, name) => sooner(core.delete(textAt(module, name as number) ?? '')),
    xAccess: (_vfs, name, _flags, out) =>
      sooner(
        core.access(textAt(module, name as number) ?? '', (exists) =>
          setInt32(out as number, exists ? 1 : 0),
        ),
      ),
    xFullPathname(_vfs, name, size, out) {
      const path = normalisePath(textAt(module, name as number) ?? '');
      const fits = writeText(module, { address: out as number, size: size as number }, path);
      return fits ? rc.SQLITE_OK : rc.SQLITE_CANTOPEN;
    },
    xSleep(_vfs, microseconds) {
      // A busy handler that sleeps: it cannot, and gives up the sooner.
      if (build === 'sync') return microseconds;
      const ms = Math.ceil((microseconds as number) / MICROSECONDS_PER_MS);
      return new Promise((resolve) => setTimeout(() => resolve(microseconds), ms));
    },
    xGetLastError(_vfs, size, out) {
      writeText(
        module,
        { address: out as number, size: size as number },
        core.lastError?.message ?? '',
      );
      return core.lastError?.sqliteCode ?? rc.SQLITE_OK;
    },
    xClose: (id) => sooner(core.close(id as number)),
    xRead: (id, address, length, low, high) =>
      sooner(
        core.read(
          id as number,
          address as number,
          length as number,
          join64(low as number, high as number),
        ),
      ),
    xWrite: (id, address, length, low, high) =>
      sooner(
        core.write(
          id as number,
          address as number,
          length as number,
          join64(low as number, high as number),
        ),
      ),
    xTruncate: (id, low, high) =>
      core.truncate(id as number, join64(low as number, high as number)),
    // The commit is made by FCNTL_SYNC, which SQLite calls before xSync and also without it.
    xSync: () => rc.SQLITE_OK,
    xFileSize: (id, out) =>
      core.size(id as number, (bytes) => {
        setInt32(out as number, bytes % TWO_32);
        setInt32((out as number) + 4, Math.floor(bytes / TWO_32));
      }),
    xLock: (id, level) => sooner(core.lock(id as number, level as number)),
    xUnlock: (id, level) => core.unlock(id as number, level as number),
    xCheckReservedLock(id, out) {
      setInt32(out as number, core.isReserved(id as number) ? 1 : 0);
      return rc.SQLITE_OK;
    },
    xFileControl: (id, op, address) =>
      sooner(fileControl(core, module, id as number, op as number, address as number)),
    xSectorSize: () => SECTOR_BYTES,
    xDeviceCharacteristics: (id) => core.characteristics(id as number),
  };
}
