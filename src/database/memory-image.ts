/** A database in memory as the bytes of a file. */
import { StorageError } from '../errors.js';
import type { ConnectionModule } from './sqlite-api.js';

const SIZE_BYTES = 8;
/** SQLite's `main`, for a null pointer. */
const MAIN = 0;

export function serialize({
  module,
  handle,
}: {
  readonly module: ConnectionModule;
  readonly handle: number;
}): Uint8Array<ArrayBuffer> {
  const size = module._sqlite3_malloc(SIZE_BYTES);
  try {
    const address = module._sqlite3_serialize(handle, MAIN, size, 0);
    if (address === 0) throw new StorageError(':memory:', 'no memory for a copy of the database');
    // The memory may have grown, so views of before are gone.
    const { buffer, byteOffset } = module.HEAPU8;
    const bytes = new DataView(buffer, byteOffset).getUint32(size, true);
    const copy = new Uint8Array(module.HEAPU8.subarray(address, address + bytes));
    module._sqlite3_free(address);
    return copy;
  } finally {
    module._sqlite3_free(size);
  }
}
