/**
 * Sends a draft's full segments ahead of its commit, through long-lived readwrite idbTxs.
 *
 *   I2  What is spilled lies above the marker; only the commit record makes it readable.
 *   I3  The first idbTx clears what others left there and says whose it is from now on; it aborts if
 *       its base is not the marker any more, and each later one if it was taken for an orphan since.
 *   I9  One batch is under way at a time: the next waits, so memory stays bounded. An idbTx takes
 *       at most TX_SEGMENTS_MAX segments, for readers of other contexts wait until it ends.
 *
 * The idbTx stays open as long as batches follow each other: a writer that waits for a batch goes
 * on inside its last request's callback, where the idbTx is still active. When the browser has
 * ended it, the next batch opens another one.
 *
 *   idle ──send──▶ open ──send──▶ open ──last request answered, nothing follows──▶ idle
 *                    └──abort──▶ failed (sticky: the sqliteTx can only be rolled back)
 */
import { assert, BusyError, fromDomException } from '../errors.js';
import { type Nonce, sameNonce } from '../format/commit.js';
import { decodeFile } from '../format/files.js';
import { commitsFrom, segmentKey, segmentsAbove, spillOwnerKey } from '../format/keys.js';
import { decodeSpillOwner, encodeSpillOwner } from '../format/spill-owner.js';
import type { FileId, Version } from '../types.js';
import type { Connection } from './connection.js';
import type { OutgoingSegment } from './draft.js';
import { abort, type Requests } from './requests.js';

/** 15 MiB: a reader that comes in between waits for about as long as that takes to write. */
const TX_SEGMENTS_MAX = 256;

export interface SpillTarget {
  readonly connection: Connection;
  readonly path: string;
  readonly file: FileId;
  readonly version: Version;
  /** The nonce that the commit record will bear. */
  readonly nonce: Nonce;
  /** The commit records there are while its base is the marker. */
  readonly fence: { readonly from: Version; readonly count: number };
}

export class Spill {
  readonly #target: SpillTarget;
  #requests: Requests | undefined;
  /** Ends with the idbTx under way; never rejects. */
  #ended: Promise<void> = Promise.resolve();
  #completions: Promise<void>[] = [];
  #failure: unknown;
  #owned = false;
  #batch: Promise<void> = Promise.resolve();
  #sentInTx = 0;
  segmentsSent = 0;

  constructor(target: SpillTarget) {
    this.#target = target;
  }

  /** Resolves when the batch before this one was taken by IndexedDB and this one is on its way. */
  async send(segments: readonly OutgoingSegment[], taken: (part: number) => void): Promise<void> {
    await this.#batch;
    if (this.#failure !== undefined) throw this.#error();
    if (this.#sentInTx >= TX_SEGMENTS_MAX) this.#endTx();
    if (!this.#tryAdd(segments, taken)) {
      this.#requests = await this.#begin();
      assert(this.#tryAdd(segments, taken), 'an idbTx just begun takes requests');
    }
    if (this.#failure !== undefined) throw this.#error();
  }

  /** Resolves when every idbTx so far is complete. */
  async settled(): Promise<void> {
    await this.#batch;
    await Promise.all(this.#completions);
    if (this.#failure !== undefined) throw this.#error();
  }

  #endTx(): void {
    try {
      this.#requests?.tx.commit();
    } catch {
      // It has ended on its own.
    }
    this.#requests = undefined;
  }

  async #begin(): Promise<Requests> {
    this.#sentInTx = 0;
    const stores = [
      'segments',
      'maps',
      ...(this.#owned ? [] : (['files', 'commits'] as const)),
    ] as const;
    const requests = await this.#target.connection.begin(stores, 'default');
    this.#ended = requests.completion().catch((cause) => {
      this.#failure ??= cause;
    });
    this.#completions.push(this.#ended);
    return requests;
  }

  /** False if there is no active idbTx to add to. */
  #tryAdd(segments: readonly OutgoingSegment[], taken: (part: number) => void): boolean {
    const r = this.#requests;
    if (!r) return false;
    const { file, version, nonce } = this.#target;
    const added: IDBRequest[] = [];
    try {
      if (this.#sentInTx === 0) this.#guard(r);
      if (!this.#owned) {
        r.delete('segments', segmentsAbove(file, (version - 1) as Version));
        r.put('maps', spillOwnerKey(file), encodeSpillOwner({ file, version, nonce }));
      }
      for (const { part, buffer } of segments) {
        added.push(r.add('segments', segmentKey(file, version, part), buffer));
      }
    } catch (cause) {
      const name = (cause as DOMException | null)?.name;
      this.#requests = undefined;
      if (name === 'TransactionInactiveError' || name === 'InvalidStateError') return false;
      this.#failure ??= cause;
      return true;
    }
    // The first idbTx has the commits in its scope: it ends soon, for every reader asks for those.
    this.#sentInTx = this.#owned ? this.#sentInTx + segments.length : TX_SEGMENTS_MAX;
    this.#owned = true;
    this.segmentsSent += segments.length;
    const answered = new Promise<void>((resolve) => {
      added.forEach((request, i) => {
        request.onsuccess = () => {
          taken((segments[i] as OutgoingSegment).part);
          if (i === added.length - 1) resolve();
        };
      });
    });
    // An idbTx that failed answers no more requests with success: the batch ends either way.
    this.#batch = Promise.race([answered, this.#ended]);
    return true;
  }

  /** I3: aborts the idbTx, before anything of it stays, if another writer came in between. */
  #guard(r: Requests): void {
    const { file, path, nonce, fence } = this.#target;
    const check = <T>(request: IDBRequest<T>, holds: (found: T) => boolean) => {
      request.onsuccess = () => {
        if (holds(request.result)) return;
        const why = 'another context committed to it or deleted it';
        this.#failure ??= new BusyError(path, why, { snapshot: true });
        abort(r.tx);
      };
    };
    if (this.#owned) {
      check(r.get('maps', spillOwnerKey(file)), (stored) => {
        const owner = decodeSpillOwner(stored, file);
        return owner.ok && sameNonce(owner.value.nonce, nonce);
      });
    } else {
      check(r.count('commits', commitsFrom(file, fence.from)), (count) => count === fence.count);
      check(r.get('files', path), (stored) => {
        const record = decodeFile(stored, path);
        return record.ok && record.value.file === file;
      });
    }
  }

  /** Stops the idbTx under way, for a sqliteTx that is rolled back. */
  async abandon(): Promise<void> {
    // If it has ended on its own, its segments are orphans now, like those before.
    if (this.#requests) abort(this.#requests.tx);
    await Promise.all(this.#completions);
  }

  #error(): Error {
    return fromDomException(this.#failure, this.#target.connection.name, 'spilling');
  }
}
