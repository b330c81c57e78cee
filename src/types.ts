/**
 * Brands: numbers that cannot be mixed up, made only by the asserting constructors below.
 * Terms are those of docs/FORMAT.md §1.
 */
import { InvariantError } from './errors.js';

declare const brand: unique symbol;
type Branded<T, Name extends string> = T & { readonly [brand]: Name };

/** A block's number within its file, from 0. */
export type BlockNumber = Branded<number, 'BlockNumber'>;
/** A file's commit number; 0 stands for "no commit yet". */
export type Version = Branded<number, 'Version'>;
/** The number a volume gives a file once, from 1. */
export type FileId = Branded<number, 'FileId'>;
/** An unsigned 32-bit checksum. */
export type Checksum = Branded<number, 'Checksum'>;
/** A block size in bytes: a power of two, 512 … 65,536. */
export type BlockSize = Branded<number, 'BlockSize'>;

const U32_MAX = 0xffffffff;

/** Block numbers stop one short of 2^32 − 1, which marks a hole. */
export function blockNumber(n: number): BlockNumber {
  if (!Number.isInteger(n) || n < 0 || n >= U32_MAX) throw new InvariantError(`block number ${n}`);
  return n as BlockNumber;
}

export function version(n: number): Version {
  if (!Number.isSafeInteger(n) || n < 0) throw new InvariantError(`version ${n}`);
  return n as Version;
}

export function fileId(n: number): FileId {
  if (!Number.isInteger(n) || n < 1 || n > U32_MAX) throw new InvariantError(`file id ${n}`);
  return n as FileId;
}

export function isBlockSize(n: number): boolean {
  return Number.isInteger(n) && n >= 512 && n <= 65536 && (n & (n - 1)) === 0;
}

export function blockSize(n: number): BlockSize {
  if (!isBlockSize(n)) throw new InvariantError(`block size ${n}`);
  return n as BlockSize;
}

/** How checksums of a file's blocks are computed; fixed when the file is created. */
export type ChecksumAlgorithm = 'xxhash32' | 'crc32c';

/**
 * When a commit is acknowledged.
 *
 * - `strict`: after `complete` of an idbTx with `durability: 'strict'`.
 * - `relaxed`: after `complete` of an idbTx with `durability: 'default'`.
 * - `deferred`: at once; commits land in order behind it.
 */
export type Durability = 'strict' | 'relaxed' | 'deferred';

/** The strongest of them; `deferred` of none. */
export function strongest(durabilities: readonly Durability[]): Durability {
  if (durabilities.includes('strict')) return 'strict';
  return durabilities.includes('relaxed') ? 'relaxed' : 'deferred';
}
