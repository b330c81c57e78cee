/** A file that a client has open, as its storage keeps it, and what its reads are answered with. */
import type { FileState } from '../../blockstore/state.js';
import type { BlockStoreError } from '../../errors.js';
import * as rc from '../../result-codes.js';
import type { DatabaseFile } from '../database-file.js';
import type { View } from '../view.js';
import { REPLY_BYTES } from './layout.js';
import type { StorageLease } from './lease.js';
import {
  BLOCK_OVERHEAD_BYTES,
  type BlockBytes,
  type FileShape,
  type Reply,
  type RequestOf,
} from './protocol.js';

export interface OpenFile {
  readonly database: DatabaseFile;
  readonly slot: number | undefined;
  readonly lease: StorageLease | undefined;
  /** What the client's copies of blocks are of. */
  seen: { readonly state: FileState; readonly version: number } | undefined;
  /** Where the last reply to a read ended, and how many blocks it took along. */
  readEnd: number;
  run: number;
  /** Losses of deferred commits that the client was told of. */
  lossesSeen: number;
  /** Of a request that was not answered: to be told. */
  failure: BlockStoreError | undefined;
  /** Why the sqliteTx lacks a write and can only be rolled back. */
  hole: BlockStoreError | undefined;
  /** A commit that was not waited for has failed, and the client does not know. */
  lostCommit: boolean;
}

/** Blocks that a reply takes along when the client does not read on and on. */
const COMPANIONS_MAX = 15;

/** @returns the level that is held: RESERVED already, if the sqliteTx is about to ask for it */
export async function lock(
  database: DatabaseFile,
  { level, busyTimeoutMs, exclusive, writes }: RequestOf<'lock'>,
): Promise<number> {
  Object.assign(database.pragmas, { busyTimeoutMs, exclusive, beginsToWrite: () => writes });
  const held = writes ? rc.SQLITE_LOCK_RESERVED : level;
  try {
    await database.lock(level);
    await database.lock(held);
  } catch (cause) {
    // The client holds nothing then.
    if (writes) database.unlock(rc.SQLITE_LOCK_NONE);
    throw cause;
  }
  return held;
}

/** The blocks asked for, with those behind it that are in memory. */
export function read(
  file: OpenFile,
  { block, snapshot }: RequestOf<'read'>,
): Reply | Promise<Reply> {
  if (snapshot) return readSnapshot(file, block);
  const { shown: view } = file.database;
  const first = view.peek(block);
  if (first !== undefined) return blocksFrom(file, block, first);
  return view.load(block).then((bytes) => blocksFrom(file, block, bytes));
}

async function readSnapshot({ database }: OpenFile, block: number): Promise<Reply> {
  const bytes = await database.snapshotPages()?.load(block + 1);
  const blocks = [{ block, bytes: bytes ?? undefined }];
  return { tag: 'blocks', shape: shapeOf(database.shown), blocks };
}

function blocksFrom(file: OpenFile, block: number, first: Uint8Array | null): Reply {
  const { shown: view } = file.database;
  const { blockSize, fileBytes } = view;
  // A client that reads on and on gets more each time.
  file.run = block === file.readEnd ? Math.max(1, file.run * 2) : COMPANIONS_MAX;
  const fitting = Math.floor(REPLY_BYTES / (blockSize + BLOCK_OVERHEAD_BYTES)) - 1;
  const end = Math.min(block + 1 + Math.min(file.run, fitting), Math.ceil(fileBytes / blockSize));
  const blocks: BlockBytes[] = [{ block, bytes: first ?? undefined }];
  let next = block + 1;
  for (; next < end; next++) {
    const bytes = view.glance(next);
    if (bytes === undefined) break;
    blocks.push({ block: next, bytes: bytes ?? undefined });
  }
  file.readEnd = next;
  return { tag: 'blocks', shape: { fileBytes, blockSize }, blocks };
}

export function shapeOf({ fileBytes, blockSize }: View): FileShape {
  return { fileBytes, blockSize };
}
