/**
 * The VFS methods as the synchronous build of the current wa-sqlite line calls them, for engines that
 * answer at once.
 *
 * SQLite makes some eight calls for a statement that reads, so what happens here is as little as can
 * be: no promise, no closure and no decoding of a name that was decoded before.
 */
import * as rc from '../result-codes.js';
import { fileControl } from './control.js';
import { type MethodCore, SECTOR_BYTES } from './core.js';
import { atOnce, type CurrentMethods, currentMethods } from './methods-current.js';
import type { SqliteModule } from './module.js';
import { normalisePath } from './paths.js';
import { textAt } from './text.js';

const TWO_32 = 0x100000000;
/** SQLite asks for a journal and a WAL per database: more names than this are not remembered. */
const NAMES_MAX = 64;

/** A main database of an engine whose methods answer at once. */
export interface SyncFile {
  readonly path: string;
  /** Bytes of the file as this connection sees it. */
  readonly size: number;
  /** Reads into the wasm memory at `address`. @returns an SQLite result code */
  read(address: number, length: number, offset: number): number;
  /** @returns an SQLite result code */
  lock(level: number): number;
  unlock(level: number): void;
}

export interface SyncCore extends MethodCore {
  /** The main database of this id; undefined for a file of another kind. */
  fileAt(id: number): SyncFile | undefined;
  /** Bytes of a journal or temporary file. */
  memorySize(id: number): number;
  /** @param path normalised */
  has(path: string): boolean;
  /** Tells of an error that a method has ended with. @returns its result code */
  fail(cause: unknown, path: string | undefined): number;
}

/** The wasm memory as 32-bit words; made anew when it has grown. */
class Words {
  readonly #module: SqliteModule;
  #heap: Uint8Array = new Uint8Array(0);
  #words: Int32Array = new Int32Array(0);

  constructor(module: SqliteModule) {
    this.#module = module;
  }

  set(address: number, value: number): void {
    const heap = this.#module.HEAPU8;
    if (this.#heap !== heap) {
      this.#heap = heap;
      this.#words = new Int32Array(heap.buffer);
    }
    this.#words[address >>> 2] = value;
  }
}

/** Paths by where their names lie in the wasm memory, for as long as the same name lies there. */
class Paths {
  readonly #module: SqliteModule;
  readonly #known: Map<number, { readonly bytes: Uint8Array; readonly path: string }> = new Map();

  constructor(module: SqliteModule) {
    this.#module = module;
  }

  at(address: number): string {
    const known = this.#known.get(address);
    return known && this.#lies(known.bytes, address) ? known.path : this.#learn(address);
  }

  #lies(bytes: Uint8Array, address: number): boolean {
    const heap = this.#module.HEAPU8;
    for (let i = 0; i < bytes.length; i++) if (heap[address + i] !== bytes[i]) return false;
    return true;
  }

  #learn(address: number): string {
    const heap = this.#module.HEAPU8;
    const path = normalisePath(textAt(this.#module, address) ?? '');
    const end = heap.indexOf(0, address);
    if (address === 0 || end < 0) return path;
    if (this.#known.size >= NAMES_MAX) this.#known.clear();
    this.#known.set(address, { bytes: heap.slice(address, end + 1), path });
    return path;
  }
}

export function syncMethods(core: SyncCore, module: SqliteModule): CurrentMethods {
  const words = new Words(module);
  const paths = new Paths(module);
  return {
    ...currentMethods(core, module, 'sync'),
    xOpen(_vfs, name, id, flags, outFlags) {
      if (outFlags !== 0) words.set(outFlags as number, flags as number);
      const path = name === 0 ? null : paths.at(name as number);
      return atOnce(core.open(path, id as number, flags as number));
    },
    xDelete: (_vfs, name) => atOnce(core.delete(paths.at(name as number))),
    xRead(id, address, length, low, high) {
      const database = core.fileAt(id as number);
      const offset = (high as number) * TWO_32 + ((low as number) >>> 0);
      if (!database)
        return atOnce(core.read(id as number, address as number, length as number, offset));
      try {
        return database.read(address as number, length as number, offset);
      } catch (cause) {
        return core.fail(cause, database.path);
      }
    },
    xLock(id, level) {
      const database = core.fileAt(id as number);
      if (!database) return rc.SQLITE_OK;
      try {
        return database.lock(level as number);
      } catch (cause) {
        return core.fail(cause, database.path);
      }
    },
    xUnlock(id, level) {
      const database = core.fileAt(id as number);
      if (!database) return rc.SQLITE_OK;
      try {
        database.unlock(level as number);
        return rc.SQLITE_OK;
      } catch (cause) {
        return core.fail(cause, database.path);
      }
    },
    xFileSize(id, out) {
      const bytes = core.fileAt(id as number)?.size ?? core.memorySize(id as number);
      words.set(out as number, bytes % TWO_32);
      words.set((out as number) + 4, Math.floor(bytes / TWO_32));
      return rc.SQLITE_OK;
    },
    xAccess(_vfs, name, _flags, out) {
      const path = paths.at(name as number);
      try {
        words.set(out as number, core.has(path) ? 1 : 0);
        return rc.SQLITE_OK;
      } catch (cause) {
        return core.fail(cause, path);
      }
    },
    xFileControl: (id, op, address) =>
      atOnce(fileControl(core, module, id as number, op as number, address as number)),
    xSectorSize: () => SECTOR_BYTES,
  };
}
