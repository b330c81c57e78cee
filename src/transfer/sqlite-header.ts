/** The header of an SQLite database, the first 100 bytes of its file (sqlite.org/fileformat2.html). */
import { NotADatabaseError } from '../errors.js';
import { type BlockSize, isBlockSize } from '../types.js';

export const HEADER_BYTES = 100;

const MAGIC = 'SQLite format 3\0';
const PAGE_SIZE = 16;
const WRITE_VERSION = 18;
const READ_VERSION = 19;
const RESERVED_SPACE = 20;
/** Three bytes with the only values there are. */
const PAYLOAD_FRACTIONS = 21;
const FRACTIONS: readonly number[] = [64, 32, 32];
const CHANGE_COUNTER = 24;
const PAGE_COUNT = 28;
const SCHEMA_COOKIE = 40;
/** The change counter that the page count was written with. */
const VALID_FOR = 92;
const LEGACY = 1;
const WAL = 2;
const USABLE_BYTES_MIN = 480;

export interface SqliteHeader {
  readonly pageBytes: BlockSize;
  /** As the header counts them; undefined if an SQLite before 3.7 has written the file last. */
  readonly pageCount: number | undefined;
  /** It was in WAL mode. */
  readonly isWal: boolean;
}

/** @throws NotADatabaseError */
export function readHeader(bytes: Uint8Array, path: string): SqliteHeader {
  const refuse = (why: string) => new NotADatabaseError(path, why);
  if (bytes.length === 0) throw refuse('it has no bytes');
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC)
    throw refuse('its first 16 bytes are not "SQLite format 3"; or it is encrypted');
  if (bytes.length < HEADER_BYTES) throw refuse('it ends inside its header');
  const view = viewOf(bytes);
  const stored = view.getUint16(PAGE_SIZE);
  const pageBytes = stored === 1 ? 65536 : stored;
  if (!isBlockSize(pageBytes)) throw refuse(`its page size is ${pageBytes}`);
  const versions = [bytes[WRITE_VERSION] ?? 0, bytes[READ_VERSION] ?? 0];
  if (versions.some((version) => version !== LEGACY && version !== WAL)) {
    throw refuse(`its file format versions are ${versions.join(' and ')}, not 1 or 2`);
  }
  const fractions = bytes.subarray(PAYLOAD_FRACTIONS, PAYLOAD_FRACTIONS + FRACTIONS.length);
  const isSound = FRACTIONS.every((value, i) => fractions[i] === value);
  if (!isSound || pageBytes - (bytes[RESERVED_SPACE] ?? 0) < USABLE_BYTES_MIN) {
    throw refuse('its header is damaged');
  }
  const count = view.getUint32(PAGE_COUNT);
  const isCounted = view.getUint32(VALID_FOR) === view.getUint32(CHANGE_COUNTER) && count > 0;
  return {
    pageBytes: pageBytes as BlockSize,
    pageCount: isCounted ? count : undefined,
    isWal: versions.includes(WAL),
  };
}

/** Takes the file out of WAL mode: all that a checkpoint leaves of it is in these two bytes. */
export function leaveWal(header: Uint8Array): void {
  header[WRITE_VERSION] = LEGACY;
  header[READ_VERSION] = LEGACY;
}

/**
 * Makes `header` newer than `old`, whose place it takes: connections compare the change counter to trust
 * their page cache, and the schema cookie to trust their schema.
 * @returns false if it was newer already
 */
export function outdate(old: Uint8Array, header: Uint8Array): boolean {
  const recounted = recount(old, header);
  return raise(viewOf(old), viewOf(header), SCHEMA_COOKIE) || recounted;
}

/** The same where `header` is of a later version of the same database: an equal schema cookie is right. */
export function recount(old: Uint8Array, header: Uint8Array): boolean {
  const after = viewOf(header);
  const isCounted = after.getUint32(VALID_FOR) === after.getUint32(CHANGE_COUNTER);
  if (!raise(viewOf(old), after, CHANGE_COUNTER)) return false;
  const counter = after.getUint32(CHANGE_COUNTER);
  after.setUint32(VALID_FOR, isCounted ? counter : counter - 1);
  return true;
}

/** Both have grown with every commit so far, so nobody knows a greater one of this file. */
function raise(before: DataView, after: DataView, offset: number): boolean {
  const old = before.getUint32(offset);
  if (after.getUint32(offset) > old) return false;
  after.setUint32(offset, old + 1);
  return true;
}

/** Stands for the header before `header` where that cannot be read: connections may remember any. */
export function unknownBefore(header: Uint8Array): Uint8Array {
  const guess = header.slice(0, HEADER_BYTES);
  const view = viewOf(guess);
  const [leap = 0] = crypto.getRandomValues(new Uint16Array(1));
  for (const offset of [CHANGE_COUNTER, SCHEMA_COOKIE]) {
    view.setUint32(offset, view.getUint32(offset) + 65536 + leap);
  }
  return guess;
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
