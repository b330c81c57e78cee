/**
 * The files of a volume that connections of one context have open, each opened and recovered once.
 */
import type { BlockFile } from '../blockstore/file.js';
import type { BlockMap } from '../blockstore/map.js';
import type { Volume } from '../blockstore/volume.js';
import { OptionError } from '../errors.js';
import { DatabaseFile } from './database-file.js';
import { type Emitter, emitError, type RecoveryReport, recoveryReport } from './events.js';
import { ConnectionPragmas } from './pragmas.js';
import { type FileEnv, SharedFile } from './shared-file.js';
import { type PinDeps, pinEverything } from './snapshot-pins.js';
import type { WriterRole } from './writer-role.js';

export interface OpenFilesDeps {
  readonly volume: Volume;
  readonly emitter: Emitter;
  readonly env: FileEnv;
  readonly roleOf: (path: string) => WriterRole | undefined;
  /** Undefined where the context has no Web Locks. */
  readonly pinsOf: (path: string) => PinDeps | undefined;
  readonly monotonicMs: () => number;
  /** A file was opened and its state recovered. */
  readonly onOpened: (report: RecoveryReport) => void;
}

/** A file's newest version, pinned. */
export interface FileSnapshot {
  readonly file: BlockFile;
  readonly map: BlockMap;
  /** Ends it, once. */
  release(): void;
}

export class OpenFiles {
  readonly #deps: OpenFilesDeps;
  readonly #shared: Map<string, SharedFile> = new Map();
  /** Files whose last connection was closed before its commits had landed. */
  readonly #closing: Set<Promise<void>> = new Set();

  constructor(deps: OpenFilesDeps) {
    this.#deps = deps;
  }

  get env(): FileEnv {
    return this.#deps.env;
  }

  get(path: string): SharedFile | undefined {
    return this.#shared.get(path);
  }

  /** How the files that are open were recovered. */
  recoveries(): RecoveryReport[] {
    return [...this.#shared.values()].flatMap(({ recovery }) => recovery ?? []);
  }

  /** One more user of the file, opened and recovered if it is the first; undefined if there is none. */
  async share(path: string, create: boolean): Promise<SharedFile | undefined> {
    const started = this.#deps.monotonicMs();
    const { env, volume, roleOf, pinsOf } = this.#deps;
    const file = await this.#acquire(path, create);
    if (!file) return undefined;
    let shared = this.#shared.get(path);
    try {
      if (shared?.file !== file) {
        shared = new SharedFile(file, env, { role: roleOf(path), pins: pinsOf(path) });
        this.#shared.set(path, shared);
        const deletedAbove = await shared.opened();
        const durationMs = this.#deps.monotonicMs() - started;
        this.#report(shared, recoveryReport(file, { deletedAbove, durationMs }));
      }
    } catch (cause) {
      shared?.close();
      this.#shared.delete(path);
      volume.release(file);
      throw cause;
    }
    shared.users++;
    return shared;
  }

  /** What is loaded whole must not be reclaimed meanwhile. */
  async #acquire(path: string, create: boolean): Promise<BlockFile | undefined> {
    const { volume, pinsOf } = this.#deps;
    const pins = volume.isResident && !this.#shared.has(path) ? pinsOf(path) : undefined;
    const unpin = pins && (await pinEverything(pins, path));
    try {
      return await volume.acquire(path, create);
    } finally {
      unpin?.();
    }
  }

  #report(shared: SharedFile, report: RecoveryReport): void {
    const { emitter, volume, onOpened } = this.#deps;
    shared.recovery = report;
    onOpened(report);
    emitter.emit('recovery', () => report);
    for (const error of report.defects) {
      emitError(emitter, error, { volume: volume.connection.name, path: report.path });
    }
  }

  /** The page may not run for long. */
  rest(): void {
    for (const shared of this.#shared.values()) shared.rest();
  }

  /** One more user of a file that is open. */
  retain(shared: SharedFile): void {
    shared.users++;
    this.#deps.volume.retain(shared.file);
  }

  unshare(shared: SharedFile): void {
    if (--shared.users === 0) {
      shared.close();
      this.#shared.delete(shared.file.path);
    }
    this.#deps.volume.release(shared.file);
  }

  /** The same when `landing`, which never rejects, is over: until then who opens it shares its state. */
  unshareAfter(landing: Promise<unknown>, shared: SharedFile): void {
    const closing = landing.then(() => {
      this.#closing.delete(closing);
      this.unshare(shared);
    });
    this.#closing.add(closing);
  }

  /** Reads what others committed. Never rejects: whoever uses a file is told what is wrong with it. */
  async catchUp(): Promise<void> {
    const open = [...this.#shared.values()].filter(({ users }) => users > 0);
    await Promise.allSettled(open.map((shared) => shared.catchUp()));
  }

  /** Resolves when nothing is under way that keeps a closed connection's file open. Never rejects. */
  async quiet(): Promise<void> {
    await this.#deps.volume.committer.settled();
    await Promise.all(this.#closing);
  }

  /**
   * Lends a file to `use`, as a connection has it.
   * @param options `exclusive`: with the writer lock, and with no connection writing. `create`: also
   *   one that does not exist yet.
   */
  async withFile<T>(
    path: string,
    options: { readonly exclusive: boolean; readonly create?: boolean },
    use: (file: BlockFile, shared: SharedFile) => Promise<T>,
  ): Promise<T> {
    const shared = await this.#shareOrFail(path, options.create ?? false);
    const borrower = new DatabaseFile(shared, new ConnectionPragmas());
    try {
      const { file, pins } = shared;
      if (options.exclusive) await shared.beginWrite(borrower);
      else if (pins && !file.exclusive) return await pins.reading(() => use(file, shared));
      return await use(file, shared);
    } finally {
      shared.endWrite(borrower);
      this.unshare(shared);
    }
  }

  /** Lends the newest version of a file, as a connection pins it. @throws OptionError if there is no such file */
  async snapshot(path: string): Promise<FileSnapshot> {
    const shared = await this.#shareOrFail(path, false);
    try {
      if (!shared.isCurrent) await shared.share();
    } catch (cause) {
      this.unshare(shared);
      throw cause;
    }
    const { file } = shared;
    const map = file.pin();
    const release = () => {
      file.unpin(map);
      this.unshare(shared);
    };
    return { file, map, release };
  }

  async #shareOrFail(path: string, create: boolean): Promise<SharedFile> {
    const shared = await this.share(path, create);
    if (!shared) throw new OptionError('path', `there is no database "${path}"`);
    return shared;
  }
}
