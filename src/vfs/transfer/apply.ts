/** Applies changes to a database of the volume: all of them, and proved, or none. */
import { Application } from '../../transfer/apply.js';
import type { ChangesHeader } from '../../transfer/changes-format.js';
import { chunkStream } from '../../transfer/chunk-stream.js';
import type { BackupMark, TransferProgress } from '../../transfer/mark.js';
import { SourceReader } from '../../transfer/source.js';
import { HEADER_BYTES, outdate, recount } from '../../transfer/sqlite-header.js';
import { windowsOf } from './export.js';
import type { Target } from './target.js';

/** How `applyChanges` is watched and stopped. */
export interface ApplyOptions {
  /** Called about once for each MiB of the result, and at the end. */
  readonly onProgress?: (progress: TransferProgress) => void;
  /** Gives it up, with the signal's reason; the older copy stays. */
  readonly signal?: AbortSignal;
}

/** What `applyChanges` has made. */
export interface ApplyReport {
  /** The database. */
  readonly path: string;
  /** Version of the copy in its own volume now. */
  readonly version: number;
  /** Bytes of pages that were written. */
  readonly writtenBytes: number;
  /** What the copy is a copy of now: for the next `changesSince`. */
  readonly mark: BackupMark;
}

const PROGRESS_BYTES = 1024 * 1024;

/** Reads the header of changes; nothing else is touched. @throws ChangesError */
export async function receiveChanges(changes: SourceReader, path: string): Promise<Application> {
  return await Application.begin(changes, { path, amend: raiseAbove });
}

/**
 * Connections to the copy compare its page 1 with the next one. If it need not be the copy that was asked
 * for, it may have had commits of its own, and another schema with the same cookie.
 */
function raiseAbove(page: Uint8Array, basePage: Uint8Array, { base }: ChangesHeader): void {
  if (basePage.length < HEADER_BYTES) return;
  if (base) recount(basePage, page);
  else outdate(basePage, page);
}

/** Writes what has changed, to be committed. */
export async function writeChanges(
  application: Application,
  target: Target,
  { onProgress, signal }: ApplyOptions,
): Promise<Omit<ApplyReport, 'version'>> {
  const { path } = target.file;
  const { pageBytes, fileBytes: totalBytes } = application.header;
  // Nothing is kept then: every block of the other size is told of.
  if (pageBytes !== target.base.blockSize) target.truncate(0);
  const old = new SourceReader(chunkStream(oldBytes(target)), signal);
  let writtenBytes = 0;
  let told = 0;
  try {
    for await (const { isKept, offset, bytes } of application.pieces(old)) {
      const done = offset + bytes.length;
      if (!isKept) {
        await writePages(target, bytes, { offset, pageBytes });
        writtenBytes += bytes.length;
      }
      if (done - told < PROGRESS_BYTES && done < totalBytes) continue;
      told = done;
      onProgress?.({ doneBytes: Math.min(done, totalBytes), totalBytes });
    }
  } finally {
    await old.close();
  }
  target.truncate(totalBytes);
  return { path, writtenBytes, mark: application.end() };
}

async function writePages(
  target: Target,
  bytes: Uint8Array,
  { offset, pageBytes }: { readonly offset: number; readonly pageBytes: number },
): Promise<void> {
  for (let at = 0; at < bytes.length; at += pageBytes) {
    await target.write(bytes.subarray(at, at + pageBytes), offset + at);
  }
}

/** Pinned by itself: it may still be reading when its consumer has all that it wants. */
async function* oldBytes({ file }: Target): AsyncGenerator<Uint8Array | undefined, void> {
  const map = file.pin();
  try {
    yield undefined;
    yield* windowsOf({ file, map });
  } finally {
    file.unpin(map);
  }
}
