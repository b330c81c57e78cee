/**
 * A stream of bytes through a message port, chunk by chunk as they are asked for.
 *
 *   I9  One chunk of at most CHUNK_BYTES is on its way at a time.
 *
 *   idle ──pull──▶ asked ──chunk──▶ idle
 *     └──cancel──▶ over ◀──end, error──┘
 */
import type { BackupMark, TransferProgress } from '../../transfer/mark.js';
import type { SourceReader } from '../../transfer/source.js';
import { type PlainError, plainError, revivedError } from './plain-error.js';

const CHUNK_BYTES = 1024 * 1024;

interface Progress {
  readonly type: 'progress';
  readonly progress: TransferProgress;
}

type ToSender = { readonly type: 'pull' } | { readonly type: 'cancel' } | Progress;

type ToReceiver =
  | { readonly type: 'chunk'; readonly bytes: Uint8Array }
  | { readonly type: 'end'; readonly mark: BackupMark | undefined }
  | { readonly type: 'error'; readonly error: PlainError }
  | Progress;

type OnProgress = ((progress: TransferProgress) => void) | undefined;

/** Tells whoever has the port's other end. */
export function tellProgress(port: MessagePort): (progress: TransferProgress) => void {
  return (progress) => port.postMessage({ type: 'progress', progress } satisfies Progress);
}

export interface Receiving {
  readonly stream: ReadableStream<Uint8Array>;
  /** The other end is gone. */
  fail(cause: unknown): void;
}

/** What comes through a port whose other end `sendThrough` has. */
export function receiveFrom(
  port: MessagePort,
  heard: {
    readonly onProgress?: OnProgress;
    readonly onEnd?: ((mark: BackupMark) => void) | undefined;
    /** Nothing more comes. */
    readonly onOver?: () => void;
  } = {},
): Receiving {
  let asked: { resolve(): void } | undefined;
  let over = false;
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  const answer = (act: () => void, isOver: boolean) => {
    if (over) return;
    over = isOver;
    act();
    asked?.resolve();
    asked = undefined;
    if (isOver) heard.onOver?.();
  };
  const fail = (cause: unknown) => answer(() => controller?.error(cause), true);
  port.onmessage = ({ data }: MessageEvent<ToReceiver>) => {
    if (data.type === 'progress') heard.onProgress?.(data.progress);
    else if (data.type === 'error') fail(revivedError(data.error));
    else if (data.type === 'chunk') answer(() => controller?.enqueue(data.bytes), false);
    else {
      if (data.mark && !over) heard.onEnd?.(data.mark);
      answer(() => controller?.close(), true);
    }
  };
  const stream = new ReadableStream<Uint8Array>(
    {
      start(given) {
        controller = given;
      },
      pull() {
        return new Promise<void>((resolve) => {
          asked = { resolve };
          port.postMessage({ type: 'pull' } satisfies ToSender);
        });
      },
      cancel() {
        answer(() => port.postMessage({ type: 'cancel' } satisfies ToSender), true);
      },
    },
    { highWaterMark: 0 },
  );
  return { stream, fail };
}

export interface Sending {
  /** Name of the volume, for errors that are not ours. */
  readonly volume: string;
  /** The other end has told how far it has come. */
  readonly onProgress?: OnProgress;
  /** What the receiver is told at the end. */
  readonly mark?: () => BackupMark | undefined;
}

/**
 * Sends a source through a port, until it ends or nobody wants more.
 * @throws what the source failed with; the receiver is told
 */
export async function sendThrough(
  port: MessagePort,
  source: SourceReader,
  { volume, onProgress, mark }: Sending,
): Promise<void> {
  const tell = (message: ToReceiver, transfer: Transferable[] = []) =>
    port.postMessage(message, transfer);
  /** @returns false at the end */
  const sendNext = async () => {
    // A copy: what is given away cannot be read by its owner any more.
    const bytes = (await source.take(CHUNK_BYTES)).slice();
    if (bytes.length === 0) {
      tell({ type: 'end', mark: mark?.() });
      return false;
    }
    tell({ type: 'chunk', bytes }, [bytes.buffer]);
    return true;
  };
  try {
    await new Promise<void>((resolve, reject) => {
      port.onmessage = ({ data }: MessageEvent<ToSender>) => {
        if (data.type === 'progress') onProgress?.(data.progress);
        else if (data.type === 'cancel') resolve();
        else sendNext().then((goesOn) => goesOn || resolve(), reject);
      };
    });
  } catch (cause) {
    tell({ type: 'error', error: plainError(cause, volume) });
    throw cause;
  }
}
