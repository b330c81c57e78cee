/**
 * A database as the bytes of an SQLite file, from one snapshot.
 *
 *   I8  The snapshot is pinned when the stream is made, until it is read through or cancelled.
 *   I9  Two windows of WINDOW_BYTES, and what SnapshotReader holds.
 */
import { ContentDigest } from '../../transfer/digest.js';
import { type BackupMark, fileName, type TransferProgress } from '../../transfer/mark.js';
import type { FileSnapshot } from '../open-files.js';
import { SnapshotReader } from './snapshot-reader.js';

const WINDOW_BYTES = 1024 * 1024;

/** How `exportFile` is watched. */
export interface ExportOptions {
  /** Called for each part that was taken. */
  readonly onProgress?: (progress: TransferProgress) => void;
  /** Called before the stream closes, with what the copy is: for `changesSince`. */
  readonly onEnd?: (mark: BackupMark) => void;
}

/** Yields nothing first, when the snapshot is pinned. */
export async function* exportChunks(
  opening: Promise<FileSnapshot>,
  { onProgress, onEnd }: ExportOptions,
): AsyncGenerator<Uint8Array | undefined, void> {
  const snapshot = await opening;
  try {
    yield undefined;
    const { file, map } = snapshot;
    const { fileBytes: totalBytes, version, blockSize: pageBytes } = map;
    const digest = new ContentDigest();
    for await (const chunk of windowsOf(snapshot)) {
      digest.add(chunk);
      yield chunk;
      onProgress?.({ doneBytes: digest.bytes, totalBytes });
    }
    const { bytes } = digest;
    const name = file.record ? fileName(file.record) : '';
    onEnd?.({ file: name, version, bytes, pageBytes, digest: digest.end() });
  } finally {
    snapshot.release();
  }
}

/** The file's bytes; the next window is read while one is in use. */
export async function* windowsOf({
  file,
  map,
}: Pick<FileSnapshot, 'file' | 'map'>): AsyncGenerator<Uint8Array<ArrayBuffer>, void> {
  const { fileBytes, blockSize, blockCount } = map;
  const reader = new SnapshotReader(file, map);
  const blocksMax = WINDOW_BYTES / blockSize;
  const readFrom = (first: number) => {
    const count = Math.max(0, Math.min(blocksMax, blockCount - first));
    const reading = reader.read(Array.from({ length: count }, (_, i) => first + i));
    // Who does not come for it any more need not hear of its failure.
    reading.catch(() => undefined);
    return reading;
  };
  let reading = readFrom(0);
  for (let first = 0; first < blockCount; first += blocksMax) {
    const bytes = await reading;
    reading = readFrom(first + blocksMax);
    yield bytes.subarray(0, fileBytes - first * blockSize);
  }
}
