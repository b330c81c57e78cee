/** xFileControl: pragmas and commit points, read from the wasm memory. */
import * as rc from '../result-codes.js';
import type { Answer, MethodCore } from './core.js';
import type { SqliteModule } from './module.js';
import { beginsToWrite } from './running.js';
import { textAt } from './text.js';

const POINTER_BYTES = 4;

/** Answers one xFileControl call. `address` is C's `pArg`. */
export function fileControl(
  core: MethodCore,
  module: SqliteModule,
  id: number,
  op: number,
  address: number,
): Answer {
  switch (op) {
    case rc.SQLITE_FCNTL_PRAGMA:
      return pragma(core, module, id, address);
    case rc.SQLITE_FCNTL_PDB: {
      const pragmas = core.pragmasOf(id);
      if (pragmas) {
        pragmas.connection = () => pointerAt(module, address);
        pragmas.inSqliteTx = () => inSqliteTx(module, pragmas.connection());
        pragmas.beginsToWrite = () => beginsToWrite(module, pragmas.connection());
      }
      return rc.SQLITE_NOTFOUND;
    }
    case rc.SQLITE_FCNTL_SYNC:
      return core.commitPoint(id, textAt(module, address));
    case rc.SQLITE_FCNTL_COMMIT_PHASETWO:
      return core.afterCommit(id);
    case rc.SQLITE_FCNTL_BEGIN_ATOMIC_WRITE:
      return rc.SQLITE_OK;
    case rc.SQLITE_FCNTL_COMMIT_ATOMIC_WRITE:
      return core.commitPoint(id, null);
    case rc.SQLITE_FCNTL_ROLLBACK_ATOMIC_WRITE:
      return core.rollback(id);
    default:
      return rc.SQLITE_NOTFOUND;
  }
}

function pragma(core: MethodCore, module: SqliteModule, id: number, address: number): Answer {
  const pragmas = core.pragmasOf(id);
  const name = textAt(module, pointerAt(module, address + POINTER_BYTES));
  const valueAddress = pointerAt(module, address + 2 * POINTER_BYTES);
  const value = textAt(module, valueAddress);
  // SQLite takes a mode it does not know for the question which mode is in force, and answers it.
  if (pragmas?.observe(name ?? '', value ?? undefined)) module.HEAPU8[valueAddress] = 0x2d;
  return pragmas?.exclusive ? core.claim(id) : rc.SQLITE_NOTFOUND;
}

function inSqliteTx(module: SqliteModule, connection: number): boolean {
  return connection !== 0 && module._sqlite3_get_autocommit?.(connection) === 0;
}

function pointerAt(module: SqliteModule, address: number): number {
  const { buffer, byteOffset } = module.HEAPU8;
  return new DataView(buffer, byteOffset).getUint32(address, true);
}
