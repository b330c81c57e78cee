/** Transfers as a client asks its storage worker for them: the bytes go through a port of their own. */
import type { BackupMark } from '../../transfer/mark.js';
import { SourceReader } from '../../transfer/source.js';
import type { ApplyReport } from '../transfer/apply.js';
import type { ImportOptions, ImportReport } from '../transfer/import.js';
import type { TransferServices } from '../transfer/volume-transfer.js';
import { receiveFrom, sendThrough, tellProgress } from './byte-pipe.js';

/** What can be cloned of the options. */
export type SentImportOptions = Pick<ImportOptions, 'overwrite' | 'totalBytes'>;

/** Each has the port's other end in its client, and resolves when the transfer is over. */
export interface TransferCalls {
  sendFile(port: MessagePort, path: string): Promise<void>;
  sendChanges(port: MessagePort, path: string, since: number | BackupMark): Promise<void>;
  takeFile(port: MessagePort, path: string, options: SentImportOptions): Promise<ImportReport>;
  takeChanges(port: MessagePort, path: string): Promise<ApplyReport>;
}

/** @param signal aborted when the client is gone */
export function transferCalls(
  transfer: TransferServices,
  volume: string,
  signal: AbortSignal,
): TransferCalls {
  const send = async (
    port: MessagePort,
    stream: ReadableStream<Uint8Array>,
    mark?: () => BackupMark | undefined,
  ) => {
    const source = new SourceReader(stream, signal);
    try {
      await sendThrough(port, source, { volume, ...(mark && { mark }) });
    } finally {
      await source.close();
    }
  };
  const take = async <T>(
    port: MessagePort,
    taken: (
      stream: ReadableStream<Uint8Array>,
      options: Pick<ImportOptions, 'onProgress' | 'signal'>,
    ) => Promise<T>,
  ) => {
    try {
      return await taken(receiveFrom(port).stream, { onProgress: tellProgress(port), signal });
    } finally {
      port.close();
    }
  };
  return {
    async sendFile(port, path) {
      let mark: BackupMark | undefined;
      const onEnd = (made: BackupMark) => {
        mark = made;
      };
      const options = { onEnd, onProgress: tellProgress(port) };
      await send(port, transfer.exportFile(path, options), () => mark);
    },
    sendChanges: (port, path, since) => send(port, transfer.changesSince(path, since)),
    takeFile: (port, path, options) =>
      take(port, (stream, more) => transfer.importFile(path, stream, { ...options, ...more })),
    takeChanges: (port, path) =>
      take(port, (stream, options) => transfer.applyChanges(path, stream, options)),
  };
}
