/** Keys of the four object stores (docs/FORMAT.md §2). Pure: plain arrays, no IDBKeyRange. */
import type { FileId, Version } from '../types.js';

export const FORMAT_VERSION = 1;
export const STORES = ['files', 'segments', 'commits', 'maps'] as const;
export type StoreName = (typeof STORES)[number];

/** Key of the volume record; no path is empty. */
export const VOLUME_KEY = '';
/** Stands where a chunk number would, for the directory. */
export const DIRECTORY_CHUNK = -1;
/** Stands where a chunk number would, for the spill owner record. */
export const SPILL_OWNER_CHUNK = -2;

/** Greater than every number in a key, and smaller than every array or string. */
const END = Number.POSITIVE_INFINITY;

/** An inclusive key range. */
export type KeyBounds = readonly [lower: IDBValidKey, upper: IDBValidKey];

export function segmentKey(file: FileId, version: Version, part: number): [number, number, number] {
  return [file, version, part];
}

export function commitKey(file: FileId, version: Version): [number, number] {
  return [file, version];
}

export function mapKey(file: FileId, chunk: number): [number, number] {
  return [file, chunk];
}

export function directoryKey(file: FileId): [number, number] {
  return [file, DIRECTORY_CHUNK];
}

export function spillOwnerKey(file: FileId): [number, number] {
  return [file, SPILL_OWNER_CHUNK];
}

/** Commit records of versions `from` and above. */
export function commitsFrom(file: FileId, from: Version): KeyBounds {
  return [
    [file, from],
    [file, END],
  ];
}

/** Everything of all files from id `first` up, in `segments`, `commits` or `maps`. */
export function everythingFrom(first: number): KeyBounds {
  return [[first], [END, []]];
}

/** Commit records up to and with `to`. */
export function commitsUpTo(file: FileId, to: Version): KeyBounds {
  return [
    [file, 0],
    [file, to],
  ];
}

/** Every segment above `marker`: pending or orphaned. */
export function segmentsAbove(file: FileId, marker: Version): KeyBounds {
  return [
    [file, marker + 1],
    [file, END, END],
  ];
}

/** Map chunks numbered `from` … `to`. */
export function chunksBetween(file: FileId, from: number, to: number): KeyBounds {
  return [
    [file, from],
    [file, to],
  ];
}

/** Everything of one file in `segments`, `commits` or `maps`. */
export function everythingOf(file: FileId): KeyBounds {
  return [[file], [file, []]];
}
