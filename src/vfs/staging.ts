/**
 * One connection's sqliteTx on one file: takes xWrites into a draft, spills it, readies it for commit.
 *
 *   I2  Nothing it does can be seen by others before its commit record.
 *   I5  `discard` leaves memory as before the sqliteTx; what it spilled is left as orphans, to be
 *       deleted by the next idbTx that writes above the marker.
 *   I9  Memory: unsent segments up to spillBytes, as much again on its way.
 */
import { equalBytes } from '../blockstore/bytes.js';
import { Draft } from '../blockstore/draft.js';
import type { BlockFile } from '../blockstore/file.js';
import type { BlockMap } from '../blockstore/map.js';
import { checksumSegment } from '../blockstore/prepare.js';
import type { ReadAhead } from '../blockstore/readahead.js';
import { Spill } from '../blockstore/spill.js';
import type { Nonce } from '../format/commit.js';
import { type BlockSize, type ChecksumAlgorithm, isBlockSize, type Version } from '../types.js';
import { View } from './view.js';

export interface StagingOptions {
  readonly spillBytes: number;
  readonly checksum: ChecksumAlgorithm;
  readonly nonce: () => Nonce;
}

/** The image of `page` if SQLite has just read it from the rollback journal. */
export type PlayedBack = (page: number) => Uint8Array | undefined;

export interface StagingDeps {
  readonly readAhead: ReadAhead;
  readonly options: StagingOptions;
  readonly playedBack: PlayedBack;
  /** Resolves when every commit acknowledged so far is complete. */
  readonly landed: () => Promise<void>;
}

export class Staging {
  readonly #file: BlockFile;
  readonly #base: BlockMap;
  readonly #readAhead: ReadAhead;
  readonly #options: StagingOptions;
  readonly #nonce: Nonce;
  readonly #playedBack: PlayedBack;
  readonly #landed: () => Promise<void>;
  #spill: Spill | undefined;
  #view: View;
  draft: Draft;

  constructor(file: BlockFile, base: BlockMap, deps: StagingDeps) {
    this.#file = file;
    this.#base = base;
    this.#readAhead = deps.readAhead;
    this.#options = deps.options;
    this.#playedBack = deps.playedBack;
    this.#landed = deps.landed;
    this.#nonce = deps.options.nonce();
    this.draft = new Draft(base, { blockSize: base.blockSize, nonce: this.#nonce });
    this.#view = this.#viewOf(this.draft);
  }

  get view(): View {
    return this.#view;
  }

  /** Copies `source` in; it is copied first if it has to wait. A promise: wait before the next write. */
  write(source: Uint8Array, offset: number): Promise<void> | undefined {
    const { length } = source;
    if (length !== this.draft.blockSize && isBlockSize(length) && offset % length === 0) {
      this.#changeBlockSize(length as BlockSize);
    }
    const { blockSize } = this.draft;
    if (length !== blockSize || offset % blockSize !== 0) return this.#writeAcross(source, offset);
    const block = offset / blockSize;
    if (this.#isOriginal(block, source) && this.draft.restore(block)) return undefined;
    this.draft.stage(block).set(source);
    return this.#spillIfFull();
  }

  #spillIfFull(): Promise<void> | undefined {
    return this.draft.unsentBytes < this.#options.spillBytes ? undefined : this.#sendFull();
  }

  truncate(fileBytes: number): void {
    this.draft.truncate(fileBytes);
  }

  /** Readies the draft to be committed: the file has an id, spilled segments are in the store. */
  async finish(): Promise<void> {
    await this.#file.settling;
    await this.identify();
    await this.makeWhole();
    await this.#orDistrust(this.#spill?.settled());
  }

  /** Gives the file an id if it has none yet. */
  async identify(): Promise<void> {
    if (!this.#file.record) await this.#file.create(this.#options.checksum);
  }

  /** Forgets everything written. */
  discard(): void {
    const { draft } = this;
    if (!draft.hasSpilled) return;
    this.#file.cleanAbove = true;
    this.#file.reader.forget(draft.version, draft.endPart);
    this.#file.settling = this.#spill?.abandon() ?? Promise.resolve();
  }

  /** A page that SQLite plays back from its journal is that of the base: nothing to write. */
  #isOriginal(block: number, source: Uint8Array): boolean {
    const image = this.#playedBack(block + 1);
    return image !== undefined && equalBytes(source, image);
  }

  #viewOf(draft: Draft): View {
    return new View(this.#file, this.#readAhead, this.#base, draft);
  }

  #changeBlockSize(blockSize: BlockSize): void {
    const fresh = this.#base.version === 0 && this.draft.isEmpty;
    const under = fresh ? undefined : this.draft;
    this.draft = new Draft(this.#base, { blockSize, nonce: this.#nonce, under });
    this.#view = this.#viewOf(this.draft);
  }

  /** A write that is not one block: part of one, or several. */
  #writeAcross(source: Uint8Array, offset: number): Promise<void> | undefined {
    const { blockSize } = this.draft;
    for (let at = 0; at < source.length; ) {
      const position = offset + at;
      const block = Math.floor(position / blockSize);
      const from = position - block * blockSize;
      const length = Math.min(blockSize - from, source.length - at);
      const before = length === blockSize ? null : this.#view.peek(block);
      if (before === undefined) return this.#writeRest(source.slice(at), position);
      this.#overwrite(block, from, source.subarray(at, at + length), before);
      at += length;
    }
    return this.#spillIfFull();
  }

  /** Goes on where a block has to be fetched; the wasm memory may move meanwhile. */
  async #writeRest(source: Uint8Array, offset: number): Promise<void> {
    const { blockSize } = this.draft;
    const block = Math.floor(offset / blockSize);
    const from = offset - block * blockSize;
    const length = Math.min(blockSize - from, source.length);
    this.#overwrite(block, from, source.subarray(0, length), await this.#view.load(block));
    await this.#writeAcross(source.subarray(length), offset + length);
  }

  /** Writes part of a block that held `before`; null for zeros. */
  #overwrite(block: number, from: number, part: Uint8Array, before: Uint8Array | null): void {
    const { fileBytes, blockSize } = this.draft;
    const copy = before?.slice();
    const target = this.draft.stage(block);
    if (copy) target.set(copy);
    else if (part.length < blockSize) target.fill(0);
    target.set(part, from);
    this.draft.fileBytes = Math.max(fileBytes, block * blockSize + from + part.length);
  }

  async #sendFull(): Promise<void> {
    const file = this.#file;
    const { draft } = this;
    await file.settling;
    // A deferred commit still on its way clears what lies above its own version, and takes the spill
    // owner's record for its own.
    if (!this.#spill) await this.#landed();
    if (!file.record) await file.create(this.#options.checksum);
    const { connection, path } = file;
    const place = { connection, path, file: file.file };
    const fence = file.fenceOf((draft.version - 1) as Version);
    const target = { ...place, version: draft.version, nonce: this.#nonce, fence };
    this.#spill ??= new Spill(target);
    const segments = draft.takeFull();
    for (const segment of segments) checksumSegment(file, draft, segment);
    const buffers = new Map(segments.map(({ part, buffer }) => [part, buffer]));
    const sent = this.#spill.send(segments, (part) => {
      const buffer = buffers.get(part);
      if (buffer)
        file.reader.insertOwn(draft.version, part, new Uint8Array(buffer), {
          slots: draft.blocksPerSegment,
        });
      draft.released(part);
    });
    await this.#orDistrust(sent);
  }

  /** What refuses a spill may be that another writer came in between, also under the lock. */
  async #orDistrust(spilling: Promise<void> | undefined): Promise<void> {
    try {
      await spilling;
    } catch (cause) {
      this.#file.distrust();
      throw cause;
    }
  }

  /** Stages every block that only what is under the draft has, so that the new map is whole. */
  makeWhole(): Promise<void> | undefined {
    const { draft } = this;
    if (!draft.under) return undefined;
    const blockCount = Math.ceil(draft.fileBytes / draft.blockSize);
    for (let block = 0; block < blockCount; block++) {
      if (draft.whereabouts(block).tag !== 'base') continue;
      const bytes = this.#view.peek(block);
      if (bytes === undefined) return this.#makeRestWhole(block, blockCount);
      if (bytes) draft.stage(block).set(bytes);
      const wait = this.#spillIfFull();
      if (wait !== undefined) return wait.then(() => this.#makeRestWhole(block + 1, blockCount));
    }
    return undefined;
  }

  /** Goes on where something has to be waited for. */
  async #makeRestWhole(first: number, blockCount: number): Promise<void> {
    const { draft } = this;
    for (let block = first; block < blockCount; block++) {
      if (draft.whereabouts(block).tag !== 'base') continue;
      const bytes = await this.#view.load(block);
      if (bytes) draft.stage(block).set(bytes);
      await this.#spillIfFull();
    }
  }
}
