/** Changes applied to an ordinary SQLite file: bytes in, bytes out, wherever there are streams. */
import { Application } from './apply.js';
import { chunkStream } from './chunk-stream.js';
import type { BackupMark } from './mark.js';
import { type ByteSource, SourceReader } from './source.js';

/** How `applyChangesToFile` is watched and stopped. */
export interface ApplyToFileOptions {
  /** Called before the stream closes, with what the result is: for the next `changesSince`. */
  readonly onEnd?: (mark: BackupMark) => void;
  /** Stops it: the stream fails with the signal's reason. */
  readonly signal?: AbortSignal;
}

/**
 * The bytes of a newer copy, from an older one and what `changesSince` told. Runs also in Node. Memory: two
 * MiB beside the chunks of the sources.
 *
 * Put the result in the place of the older copy only when the stream has closed: until then it is not
 * proved. It fails with a `ChangesError`, `CHANGES_BASE` if `base` is not the copy that the changes were
 * asked for, `CHANGES_DAMAGED` if they did not arrive as they were sent.
 *
 * @param base the older copy; with changes since 0 it may be empty.
 * @param changes what `changesSince` gave.
 */
export function applyChangesToFile(
  base: ByteSource,
  changes: ByteSource,
  options: ApplyToFileOptions = {},
): ReadableStream<Uint8Array> {
  return chunkStream(resultOf(base, changes, options));
}

async function* resultOf(
  base: ByteSource,
  changes: ByteSource,
  { onEnd, signal }: ApplyToFileOptions,
): AsyncGenerator<Uint8Array | undefined, void> {
  const from = new SourceReader(base, signal);
  const told = new SourceReader(changes, signal);
  try {
    yield undefined;
    const application = await Application.begin(told, { path: 'the copy' });
    const { fileBytes } = application.header;
    for await (const { bytes, offset } of application.pieces(from)) {
      // A copy: the piece may be a part of what was given.
      yield bytes.slice(0, fileBytes - offset);
    }
    onEnd?.(application.end());
  } finally {
    await Promise.all([from.close(), told.close()]);
  }
}
