/**
 * Databases in files of the origin private file system: those of sqlite-wasm's `opfs` and wa-sqlite's OPFS
 * VFSs that keep a file as it is. A pool (`opfs-sahpool`, AccessHandlePoolVFS) has names of its own.
 */
import { PeerStoreError } from '../errors.js';
import { chunkStream } from '../transfer/chunk-stream.js';
import { HEADER_BYTES, readHeader } from '../transfer/sqlite-header.js';

const CHUNK_BYTES = 1024 * 1024;
/** Data begins there in a file of a pool, behind its own header. */
const POOL_DATA_OFFSET = 4096;
const POOL_PATH_BYTES = 512;

/** Where in OPFS a database is. */
export interface ReadOpfsOptions {
  /** Where paths begin. Default: the origin's own root. */
  readonly root?: FileSystemDirectoryHandle;
}

/**
 * The bytes of a database that is a file in OPFS, for `importFile`.
 *
 * @param path from the root, e.g. `/data/app.db`.
 * @returns a stream that fails with PeerStoreError if there is no such file, it is locked by who has it
 *   open, has a hot journal or a WAL that was not checkpointed, or changes meanwhile; and with
 *   NotADatabaseError.
 */
export function readOpfsFile(
  path: string,
  options: ReadOpfsOptions = {},
): ReadableStream<Uint8Array> {
  const what = `OPFS file "${path}"`;
  return chunkStream(
    chunksOf(what, async () => {
      const { folder, name } = await locate(path, what, options);
      const file = await fileIn(folder, name, what);
      if (!file) throw new PeerStoreError(what, 'there is no such file');
      await refuseHot(what, {
        journal: await fileIn(folder, `${name}-journal`, what),
        wal: await fileIn(folder, `${name}-wal`, what),
      });
      return file;
    }),
  );
}

/**
 * The same of a database in a pool of OPFS files: sqlite-wasm's `opfs-sahpool`, or wa-sqlite's
 * AccessHandlePoolVFS. Close it first: a pool that is open has its files locked.
 *
 * @param path of the database as it was opened, e.g. `/app.db`.
 * @param directory of the pool's files: the option `directory` of `opfs-sahpool`, default `.opfs-sahpool`,
 *   with `/.opaque` behind it; the VFS's name for AccessHandlePoolVFS.
 */
export function readOpfsPool(
  path: string,
  directory: string = '.opfs-sahpool/.opaque',
  options: ReadOpfsOptions = {},
): ReadableStream<Uint8Array> {
  const what = `"${path}" in OPFS pool "${directory}"`;
  return chunkStream(
    chunksOf(what, async () => {
      const { folder } = await locate(`${directory}/`, what, options);
      const files = await poolFiles(folder, what);
      const { pathname } = new URL(path, 'file://');
      const file = files.get(pathname) ?? files.get(path);
      if (!file) throw new PeerStoreError(what, 'there is no such database in it');
      await refuseHot(what, {
        journal: files.get(`${pathname}-journal`),
        wal: files.get(`${pathname}-wal`),
      });
      return file;
    }),
  );
}

async function* chunksOf(
  what: string,
  open: () => Promise<Blob>,
): AsyncGenerator<Uint8Array | undefined, void> {
  const file = await open();
  if (file.size === 0) {
    throw new PeerStoreError(what, 'it has no content: there is nothing to migrate');
  }
  readHeader(await bytesOf(file.slice(0, HEADER_BYTES), what), what);
  yield undefined;
  for (let at = 0; at < file.size; at += CHUNK_BYTES) {
    yield await bytesOf(file.slice(at, at + CHUNK_BYTES), what);
  }
}

/** A file that has changed since cannot be read any more: so says the File API. */
async function bytesOf(part: Blob, what: string): Promise<Uint8Array> {
  try {
    return new Uint8Array(await part.arrayBuffer());
  } catch (cause) {
    const why = 'it cannot be read: it is open, or was written to; close it in every tab';
    throw new PeerStoreError(what, why, { cause });
  }
}

async function locate(
  path: string,
  what: string,
  { root }: ReadOpfsOptions,
): Promise<{ readonly folder: FileSystemDirectoryHandle; readonly name: string }> {
  const parts = path.split('/');
  const name = parts.pop() ?? '';
  try {
    let folder = root ?? (await navigator.storage.getDirectory());
    for (const part of parts) if (part !== '') folder = await folder.getDirectoryHandle(part);
    return { folder, name };
  } catch (cause) {
    throw new PeerStoreError(what, 'there is no such folder, or no OPFS here', { cause });
  }
}

/** Undefined if there is none. */
async function fileIn(
  folder: FileSystemDirectoryHandle,
  name: string,
  what: string,
): Promise<File | undefined> {
  try {
    return await (await folder.getFileHandle(name)).getFile();
  } catch (cause) {
    if ((cause as DOMException).name === 'NotFoundError') return undefined;
    throw new PeerStoreError(what, `"${name}" cannot be opened`, { cause });
  }
}

async function refuseHot(
  what: string,
  { journal, wal }: { readonly journal: Blob | undefined; readonly wal: Blob | undefined },
): Promise<void> {
  const advice = 'Open it once more with the library that wrote it, close it, and try again';
  if (wal && wal.size > 0) {
    throw new PeerStoreError(what, `its WAL was not checkpointed. ${advice}`);
  }
  if (!journal || journal.size === 0) return;
  const [first] = await bytesOf(journal.slice(0, 1), what);
  if (first) throw new PeerStoreError(what, `it has a hot journal. ${advice}`);
}

/** The contents of a pool's files, by the paths in their headers. */
async function poolFiles(
  folder: FileSystemDirectoryHandle,
  what: string,
): Promise<Map<string, Blob>> {
  const files = new Map<string, Blob>();
  for await (const handle of folder.values()) {
    if (handle.kind !== 'file') continue;
    const file = await (handle as FileSystemFileHandle).getFile();
    const header = await bytesOf(file.slice(0, POOL_PATH_BYTES), what);
    const end = header.indexOf(0);
    const path = new TextDecoder().decode(header.subarray(0, end < 0 ? header.length : end));
    if (path !== '') files.set(path, file.slice(POOL_DATA_OFFSET));
  }
  return files;
}
