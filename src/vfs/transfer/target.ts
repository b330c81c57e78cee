/** A database that is being written anew from outside SQLite: one sqliteTx, spilled like every large one. */
import type { Committer } from '../../blockstore/committer.js';
import type { BlockFile } from '../../blockstore/file.js';
import type { BlockMap } from '../../blockstore/map.js';
import { ReadAhead } from '../../blockstore/readahead.js';
import { CorruptionError, MemoryLimitError } from '../../errors.js';
import { outdate, unknownBefore } from '../../transfer/sqlite-header.js';
import type { SharedFile } from '../shared-file.js';
import { Staging, type StagingOptions } from '../staging.js';
import { View } from '../view.js';

export interface TargetDeps {
  readonly committer: Committer;
  readonly options: StagingOptions;
  /** Bytes that the VFS may hold in memory, and those that it holds; of a mirror only. */
  readonly memory?: { readonly bytesMax: number; heldBytes(): number } | undefined;
}

/**
 *   I2  The old content stays until the commit record of the new one is in the store.
 *   I9  Memory is that of a spilling sqliteTx; a mirror keeps within its own limit.
 */
export class Target {
  readonly file: BlockFile;
  readonly base: BlockMap;
  readonly #shared: SharedFile;
  readonly #deps: TargetDeps;
  readonly #staging: Staging;

  /** @param shared a file whose writer lock the caller holds */
  constructor(shared: SharedFile, deps: TargetDeps) {
    this.#shared = shared;
    this.#deps = deps;
    this.file = shared.file;
    this.base = this.file.pin();
    this.#staging = new Staging(this.file, this.base, {
      readAhead: new ReadAhead(0),
      options: deps.options,
      playedBack: () => undefined,
      landed: () => deps.committer.drained(),
    });
  }

  /** Runs `work`, which writes, then commits; if it fails nothing has happened. */
  async commitAfter<T>(work: () => Promise<T>): Promise<T> {
    try {
      const done = await work();
      await this.#staging.finish();
      const doubt = this.#shared.confirmRole();
      if (doubt !== undefined) await doubt;
      const { draft } = this.#staging;
      if (draft.isEmpty) this.#staging.discard();
      else await this.#deps.committer.commit([{ file: this.file, draft }], 'strict');
      return done;
    } catch (cause) {
      this.#staging.discard();
      throw cause;
    } finally {
      this.file.unpin(this.base);
    }
  }

  write(bytes: Uint8Array, offset: number): Promise<void> | undefined {
    this.#assertFits(bytes.length);
    this.#shared.role?.breathe();
    return this.#staging.write(bytes, offset);
  }

  truncate(fileBytes: number): void {
    this.#staging.truncate(fileBytes);
  }

  #assertFits(length: number): void {
    const { memory } = this.#deps;
    if (!memory) return;
    const wanted = memory.heldBytes() + this.#staging.draft.heldBytes + length;
    if (wanted <= memory.bytesMax) return;
    const limit = memory.bytesMax;
    throw new MemoryLimitError(this.file.path, { wanted, limit }, 'write');
  }

  /**
   * Makes page 1 newer than the one whose place it takes, if that has one.
   * @returns false if it was, or nobody can know an older one
   */
  async outdate(page: Uint8Array): Promise<boolean> {
    if (this.base.fileBytes === 0) return false;
    return outdate((await this.#basePage()) ?? unknownBefore(page), page);
  }

  /** Undefined if it is damaged: that is no reason to keep it. */
  async #basePage(): Promise<Uint8Array | undefined> {
    try {
      const view = new View(this.file, new ReadAhead(0), this.base, undefined);
      return (await view.load(0)) ?? undefined;
    } catch (cause) {
      if (cause instanceof CorruptionError) return undefined;
      throw cause;
    }
  }
}
