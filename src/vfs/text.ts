/** Text in the wasm memory. */
import type { SqliteModule } from './module.js';

/** No name and no argument of a pragma is this long; reading stops there. */
const TEXT_BYTES_MAX = 1024;

/** A C string, or null for a null pointer. */
export function textAt(module: SqliteModule, address: number): string | null {
  if (address === 0) return null;
  const heap = module.HEAPU8;
  const end = heap.indexOf(0, address);
  const length = Math.min(end < 0 ? TEXT_BYTES_MAX : end - address, TEXT_BYTES_MAX);
  return new TextDecoder().decode(heap.slice(address, address + length));
}
