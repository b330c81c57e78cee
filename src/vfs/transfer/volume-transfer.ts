/** Whole databases, and what has changed in them, into a volume and out of it. */
import type { Committer } from '../../blockstore/committer.js';
import { chunkStream } from '../../transfer/chunk-stream.js';
import type { BackupMark } from '../../transfer/mark.js';
import { type ByteSource, SourceReader } from '../../transfer/source.js';
import type { FileSnapshot, OpenFiles } from '../open-files.js';
import { normalisePath } from '../paths.js';
import type { StagingOptions } from '../staging.js';
import { type ApplyOptions, type ApplyReport, receiveChanges, writeChanges } from './apply.js';
import { changeChunks } from './changes.js';
import { type ExportOptions, exportChunks } from './export.js';
import { type ImportOptions, type ImportReport, receive, writeImport } from './import.js';
import { Target, type TargetDeps } from './target.js';

/** What may be asked of a volume, whichever thread owns it. */
export interface TransferServices {
  exportFile(path: string, options?: ExportOptions): ReadableStream<Uint8Array>;
  importFile(path: string, source: ByteSource, options?: ImportOptions): Promise<ImportReport>;
  changesSince(path: string, since: number | BackupMark): ReadableStream<Uint8Array>;
  applyChanges(path: string, changes: ByteSource, options?: ApplyOptions): Promise<ApplyReport>;
}

export interface TransferDeps {
  readonly files: OpenFiles;
  readonly committer: Committer;
  readonly options: StagingOptions;
  readonly memory: TargetDeps['memory'];
}

/** It is written outside SQLite, where every engine can wait. */
const SPILL_BYTES = 4 * 1024 * 1024;

export class VolumeTransfer implements TransferServices {
  readonly #deps: TransferDeps;
  readonly #target: TargetDeps;

  constructor(deps: TransferDeps) {
    this.#deps = deps;
    const { options } = deps;
    const spillBytes = Math.min(options.spillBytes, SPILL_BYTES);
    this.#target = { ...deps, options: { ...options, spillBytes } };
  }

  exportFile(path: string, options: ExportOptions = {}): ReadableStream<Uint8Array> {
    return chunkStream(exportChunks(this.#snapshot(path), options));
  }

  changesSince(path: string, since: number | BackupMark): ReadableStream<Uint8Array> {
    return chunkStream(changeChunks(this.#snapshot(path), since));
  }

  async #snapshot(path: string): Promise<FileSnapshot> {
    const { committer, files } = this.#deps;
    // A copy of what is lost later would be one of no version.
    await committer.settled();
    return await files.snapshot(normalisePath(path));
  }

  async importFile(
    path: string,
    source: ByteSource,
    options: ImportOptions = {},
  ): Promise<ImportReport> {
    const name = normalisePath(path);
    return await this.#take(name, source, options, async (reader) => {
      const incoming = await receive(reader, name, options);
      return (target) => writeImport(incoming, target, options);
    });
  }

  async applyChanges(
    path: string,
    changes: ByteSource,
    options: ApplyOptions = {},
  ): Promise<ApplyReport> {
    const name = normalisePath(path);
    return await this.#take(name, changes, options, async (reader) => {
      const application = await receiveChanges(reader, name);
      return (target) => writeChanges(application, target, options);
    });
  }

  /** Reads a source's beginning, and if that is in order the rest, with the writer lock. */
  async #take<T extends object>(
    name: string,
    source: ByteSource,
    { signal }: { readonly signal?: AbortSignal },
    begin: (reader: SourceReader) => Promise<(target: Target) => Promise<T>>,
  ): Promise<T & { readonly version: number }> {
    const reader = new SourceReader(source, signal);
    try {
      const write = await begin(reader);
      const lending = { exclusive: true, create: true };
      return await this.#deps.files.withFile(name, lending, async (file, shared) => {
        const target = new Target(shared, this.#target);
        const report = await target.commitAfter(() => write(target));
        return { ...report, version: file.state.map.version };
      });
    } finally {
      await reader.close();
    }
  }
}
