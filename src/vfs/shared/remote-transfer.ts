/** Transfers of a volume that is in a storage worker: this thread hands the bytes on. */
import type { BackupMark, TransferProgress } from '../../transfer/mark.js';
import { type ByteSource, SourceReader } from '../../transfer/source.js';
import type { ApplyOptions, ApplyReport } from '../transfer/apply.js';
import type { ExportOptions } from '../transfer/export.js';
import type { ImportOptions, ImportReport } from '../transfer/import.js';
import type { TransferServices } from '../transfer/volume-transfer.js';
import { receiveFrom, sendThrough } from './byte-pipe.js';
import type { RemoteStorage } from './remote.js';

export class RemoteTransfer implements TransferServices {
  readonly #remote: RemoteStorage;
  readonly #volume: string;

  constructor(remote: RemoteStorage, volume: string) {
    this.#remote = remote;
    this.#volume = volume;
  }

  exportFile(path: string, options: ExportOptions = {}): ReadableStream<Uint8Array> {
    return receive((port) => this.#remote.call('sendFile', port, path), options);
  }

  changesSince(path: string, since: number | BackupMark): ReadableStream<Uint8Array> {
    return receive((port) => this.#remote.call('sendChanges', port, path, since), {});
  }

  async importFile(
    path: string,
    source: ByteSource,
    options: ImportOptions = {},
  ): Promise<ImportReport> {
    const { overwrite, totalBytes } = options;
    return await this.#send(source, options, async (port, knownBytes) => {
      const bytes = totalBytes ?? knownBytes;
      const report = await this.#remote.call('takeFile', port, path, {
        ...(overwrite !== undefined && { overwrite }),
        ...(bytes !== undefined && { totalBytes: bytes }),
      });
      return { report, doneBytes: report.fileBytes };
    });
  }

  async applyChanges(
    path: string,
    changes: ByteSource,
    options: ApplyOptions = {},
  ): Promise<ApplyReport> {
    return await this.#send(changes, options, async (port) => {
      const report = await this.#remote.call('takeChanges', port, path);
      return { report, doneBytes: report.mark.bytes };
    });
  }

  /** Sends a source through a port that `ask` hands over, and waits for what became of it. */
  async #send<T>(
    given: ByteSource,
    options: Pick<ImportOptions, 'onProgress' | 'signal'>,
    ask: (
      port: MessagePort,
      totalBytes: number | undefined,
    ) => Promise<{ readonly report: T; readonly doneBytes: number }>,
  ): Promise<T> {
    const source = new SourceReader(given, options.signal);
    const { port1, port2 } = new MessageChannel();
    const told = new ToldProgress(options.onProgress);
    const sending = sendThrough(port1, source, { volume: this.#volume, onProgress: told.hear });
    let failed: { readonly cause: unknown } | undefined;
    sending.catch((cause) => {
      failed = { cause };
    });
    try {
      const { report, doneBytes } = await ask(port2, source.totalBytes);
      told.end(doneBytes);
      return report;
    } catch (cause) {
      // What the other thread was told of it is a message only.
      throw failed ? failed.cause : cause;
    } finally {
      await source.close();
      port1.close();
    }
  }
}

/** Tells progress; the last word on it may come behind the report, which has a port of its own. */
class ToldProgress {
  readonly #onProgress: ((progress: TransferProgress) => void) | undefined;
  #doneBytes = 0;

  constructor(onProgress: ((progress: TransferProgress) => void) | undefined) {
    this.#onProgress = onProgress;
  }

  readonly hear = (progress: TransferProgress): void => {
    if (progress.doneBytes <= this.#doneBytes) return;
    this.#doneBytes = progress.doneBytes;
    this.#onProgress?.(progress);
  };

  end(doneBytes: number): void {
    this.hear({ doneBytes, totalBytes: doneBytes });
  }
}

/** A stream of what `ask` has the other thread send through a port. */
function receive(
  ask: (port: MessagePort) => Promise<void>,
  heard: ExportOptions,
): ReadableStream<Uint8Array> {
  const { port1, port2 } = new MessageChannel();
  const { stream, fail } = receiveFrom(port1, { ...heard, onOver: () => port1.close() });
  ask(port2).catch(fail);
  return stream;
}
