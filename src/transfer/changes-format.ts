/**
 * The stream of `changesSince`, layout 1 (docs/BACKUP.md): a header, and frames that together tell of every
 * block of the newer version once, in order.
 *
 *   I7  Every byte is covered: the header and each frame's head by a checksum of their own, pages by
 *       their frame's digest. A head's checksum begins with the header's, so no frame of another stream fits.
 */
import { xxh32 } from '../format/checksum.js';
import { type BlockSize, type ChecksumAlgorithm, isBlockSize } from '../types.js';

export const CHANGES_HEADER_BYTES = 72;
export const FRAME_HEAD_BYTES = 32;
/** Bytes of pages in one frame. */
export const FRAME_BYTES_MAX: number = 1024 * 1024;
/** Blocks that one frame without pages tells of. */
export const FRAME_BLOCKS_MAX = 4096;

const MAGIC = 'IDBCHNG1';
const ALGORITHMS: readonly ChecksumAlgorithm[] = ['xxhash32', 'crc32c'];
const HAS_BASE = 1;
const TWO_32 = 0x100000000;

/** The bytes of a copy as a whole. */
export interface ContentMark {
  readonly bytes: number;
  readonly digest: number;
}

export interface ChangesHeader {
  readonly pageBytes: BlockSize;
  /** Of the source's blocks. */
  readonly algorithm: ChecksumAlgorithm;
  /** The version that the changes begin after; 0: they are everything. */
  readonly since: number;
  /** The version that they lead to. */
  readonly version: number;
  /** Bytes of the database then. */
  readonly fileBytes: number;
  readonly file: number;
  readonly createdMs: number;
  /** The copy to apply them to, if who asked for them told. */
  readonly base: ContentMark | undefined;
}

export type FrameKind = 'keep' | 'zeros' | 'pages' | 'end';

export interface Frame {
  readonly kind: FrameKind;
  readonly first: number;
  /** Blocks; of `end`: frames before it. */
  readonly count: number;
  /**
   * Of `keep`: XXH32 of the blocks' checksums, each of four bytes. Of `pages`: XXH32 of the bytes. Of
   * others 0.
   */
  readonly digest: number;
  /** Of `keep`: the version of each of the blocks. Of others 0. */
  readonly version: number;
}

const KINDS: readonly (FrameKind | undefined)[] = [undefined, 'keep', 'zeros', 'pages', 'end'];

export function encodeChangesHeader(header: ChangesHeader): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(CHANGES_HEADER_BYTES);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < MAGIC.length; i++) bytes[i] = MAGIC.charCodeAt(i);
  view.setUint32(8, header.pageBytes, true);
  view.setUint32(12, ALGORITHMS.indexOf(header.algorithm) + 1, true);
  setU64(view, 16, header.since);
  setU64(view, 24, header.version);
  setU64(view, 32, header.fileBytes);
  view.setUint32(40, header.file, true);
  view.setUint32(44, header.base ? HAS_BASE : 0, true);
  view.setFloat64(48, header.createdMs, true);
  setU64(view, 56, header.base?.bytes ?? 0);
  view.setUint32(64, header.base?.digest ?? 0, true);
  view.setUint32(68, xxh32(bytes.subarray(0, 68), 0), true);
  return bytes;
}

/** Why it is none, or the header and its checksum. */
export function decodeChangesHeader(
  bytes: Uint8Array,
): { readonly header: ChangesHeader; readonly checksum: number } | string {
  const magic = String.fromCharCode(...bytes.subarray(0, MAGIC.length));
  if (magic !== MAGIC) return 'they do not begin as changes do';
  if (bytes.length < CHANGES_HEADER_BYTES) return 'they end inside their header';
  const view = viewOf(bytes);
  const checksum = view.getUint32(68, true);
  if (xxh32(bytes.subarray(0, 68), 0) !== checksum) return "the header's checksum is wrong";
  const pageBytes = view.getUint32(8, true);
  const algorithm = ALGORITHMS[view.getUint32(12, true) - 1];
  const flags = view.getUint32(44, true);
  if (!isBlockSize(pageBytes) || !algorithm || flags > HAS_BASE) {
    return 'the header has a field that this release does not know';
  }
  const base = { bytes: getU64(view, 56), digest: view.getUint32(64, true) };
  return {
    checksum,
    header: {
      pageBytes: pageBytes as BlockSize,
      algorithm,
      since: getU64(view, 16),
      version: getU64(view, 24),
      fileBytes: getU64(view, 32),
      file: view.getUint32(40, true),
      createdMs: view.getFloat64(48, true),
      base: flags === HAS_BASE ? base : undefined,
    },
  };
}

/** What ties a frame's head to its place. */
export interface FramePlace {
  /** Frames before it. */
  readonly number: number;
  /** Checksum of the header. */
  readonly seed: number;
}

export function encodeFrame(frame: Frame, place: FramePlace): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(FRAME_HEAD_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, KINDS.indexOf(frame.kind), true);
  view.setUint32(4, frame.first, true);
  view.setUint32(8, frame.count, true);
  view.setUint32(12, frame.digest, true);
  setU64(view, 16, frame.version);
  view.setUint32(24, place.number, true);
  view.setUint32(28, xxh32(bytes.subarray(0, 28), place.seed), true);
  return bytes;
}

/** Undefined if it is damaged, or in the wrong place. */
export function decodeFrame(bytes: Uint8Array, place: FramePlace): Frame | undefined {
  if (bytes.length < FRAME_HEAD_BYTES) return undefined;
  const view = viewOf(bytes);
  const kind = KINDS[view.getUint32(0, true)];
  const isWhole = xxh32(bytes.subarray(0, 28), place.seed) === view.getUint32(28, true);
  if (!kind || !isWhole || view.getUint32(24, true) !== place.number) return undefined;
  return {
    kind,
    first: view.getUint32(4, true),
    count: view.getUint32(8, true),
    digest: view.getUint32(12, true),
    version: getU64(view, 16),
  };
}

/** Blocks that one frame may tell of. */
export function frameBlocksMax(kind: FrameKind, pageBytes: number): number {
  return kind === 'pages' ? FRAME_BYTES_MAX / pageBytes : FRAME_BLOCKS_MAX;
}

/** Of the checksums of blocks that are kept. */
export function keptDigest(checksums: Uint32Array): number {
  const bytes = new Uint8Array(checksums.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [i, checksum] of checksums.entries()) view.setUint32(i * 4, checksum, true);
  return xxh32(bytes, 0);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function setU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % TWO_32, true);
  view.setUint32(offset + 4, Math.floor(value / TWO_32), true);
}

function getU64(view: DataView, offset: number): number {
  return view.getUint32(offset, true) + view.getUint32(offset + 4, true) * TWO_32;
}
