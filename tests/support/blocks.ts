/** A database file as blocks: read and committed without SQLite, through the VFS's own block store. */

import type { BlockFile } from '../../src/blockstore/file.js';
import { ReadAhead } from '../../src/blockstore/readahead.js';
import { Volume } from '../../src/blockstore/volume.js';
import { findLost, recover } from '../../src/recovery/recover.js';
import { hostTimer } from '../../src/timer.js';
import { Staging } from '../../src/vfs/staging.js';
import { View } from '../../src/vfs/view.js';
import { AT_ONCE } from './write-behind.ts';

const MIB = 1024 * 1024;
const CACHE_BYTES = MIB;

export class Blocks {
  readonly #volume: Volume;
  readonly #file: BlockFile;

  private constructor(volume: Volume, file: BlockFile) {
    this.#volume = volume;
    this.#file = file;
  }

  /** Opens a file that exists and that nobody else has open. */
  static async open(idbName: string, path: string): Promise<Blocks> {
    const volume = await Volume.open({
      name: idbName,
      factory: indexedDB,
      cacheBytes: CACHE_BYTES,
      now: () => Date.now(),
      requestTimeoutMs: 30_000,
      timer: hostTimer,
      recover,
      findLost,
      ...AT_ONCE,
      onLost: () => undefined,
      onHealed: () => undefined,
      onLoss: () => undefined,
      onCommit: () => undefined,
    });
    const file = await volume.acquire(path, false);
    if (!file) throw new Error(`there is no ${path}`);
    return new Blocks(volume, file);
  }

  get blockBytes(): number {
    return this.#file.state.map.blockSize;
  }

  get fileBytes(): number {
    return this.#file.state.map.fileBytes;
  }

  /** A copy of the block's bytes; null for one that was never written. */
  async read(block: number): Promise<Uint8Array | null> {
    const { map } = this.#file.state;
    const bytes = await new View(this.#file, new ReadAhead(CACHE_BYTES), map, undefined).load(
      block,
    );
    return bytes?.slice() ?? null;
  }

  /** Commits blocks in one sqliteTx; the file grows to the last one. */
  async commit(blocks: ReadonlyMap<number, Uint8Array>): Promise<void> {
    const file = this.#file;
    const base = file.pin();
    const staging = new Staging(file, base, {
      readAhead: new ReadAhead(CACHE_BYTES),
      options: { spillBytes: 4 * MIB, checksum: 'xxhash32', nonce: randomNonce },
      playedBack: () => undefined,
      landed: () => this.#volume.committer.drained(),
    });
    for (const [block, bytes] of blocks) await staging.write(bytes, block * this.blockBytes);
    await staging.finish();
    await this.#volume.committer.commit([{ file, draft: staging.draft }], 'relaxed');
    file.unpin(base);
  }

  async close(): Promise<void> {
    this.#volume.release(this.#file);
    await this.#volume.close();
  }
}

function randomNonce(): [number, number] {
  const [high = 0, low = 0] = crypto.getRandomValues(new Uint32Array(2));
  return [high, low];
}
