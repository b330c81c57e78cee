/**
 * A file's lease, from the client's side and from the storage worker's (layout.ts: LEASE).
 *
 *   I3  While GRANTED stands, the storage worker holds SHARED and RESERVED for this connection on
 *       the newest version: whatever the client locks by itself, it has.
 *   I8  The snapshot of a leased file stays pinned until the lease is taken back.
 *
 * Both sides change the word by compare-and-exchange, so each sees exactly what the other did first.
 */
import * as rc from '../../result-codes.js';
import { LEASE, LEASES_MAX, type SharedParts, WORD } from './layout.js';

type Words = SharedParts['words'];

class LeaseWord {
  protected readonly words: Words;
  protected readonly word: number;

  constructor(words: Words, slot: number) {
    this.words = words;
    this.word = WORD.LEASES + slot;
  }

  get granted(): boolean {
    return (Atomics.load(this.words, this.word) & LEASE.GRANTED) !== 0;
  }
}

export class ClientLease extends LeaseWord {
  /** Locks without asking; false if there is no lease. */
  take(level: number): boolean {
    const bits = LEASE.SHARED | (level >= rc.SQLITE_LOCK_RESERVED ? LEASE.RESERVED : 0);
    for (;;) {
      const word = Atomics.load(this.words, this.word);
      if ((word & LEASE.GRANTED) === 0) return false;
      if (Atomics.compareExchange(this.words, this.word, word, word | bits) === word) return true;
    }
  }

  /** Unlocks without asking; false if the lease was taken back meanwhile: then the request has to go. */
  give(level: number): boolean {
    const kept = LEASE.GRANTED | (level >= rc.SQLITE_LOCK_SHARED ? LEASE.SHARED : 0);
    for (;;) {
      const word = Atomics.load(this.words, this.word);
      if ((word & LEASE.GRANTED) === 0) return false;
      if (Atomics.compareExchange(this.words, this.word, word, word & kept) === word) return true;
    }
  }
}

export class StorageLease extends LeaseWord {
  /** The client has the lease and holds no lock. */
  get isIdle(): boolean {
    return Atomics.load(this.words, this.word) === LEASE.GRANTED;
  }

  /** The client has locked RESERVED. */
  get isWriting(): boolean {
    return (Atomics.load(this.words, this.word) & LEASE.RESERVED) !== 0;
  }

  /** `level`: what the client holds already. */
  grant(level: number): void {
    const shared = level >= rc.SQLITE_LOCK_SHARED ? LEASE.SHARED : 0;
    const reserved = level >= rc.SQLITE_LOCK_RESERVED ? LEASE.RESERVED : 0;
    Atomics.store(this.words, this.word, LEASE.GRANTED | shared | reserved);
  }

  /** Takes the lease back. @returns the lock level that the client holds, undefined without a lease */
  revoke(): number | undefined {
    const word = Atomics.and(this.words, this.word, ~LEASE.GRANTED);
    if ((word & LEASE.GRANTED) === 0) return undefined;
    if ((word & LEASE.RESERVED) !== 0) return rc.SQLITE_LOCK_RESERVED;
    return (word & LEASE.SHARED) === 0 ? rc.SQLITE_LOCK_NONE : rc.SQLITE_LOCK_SHARED;
  }
}

/** Lease words by open file. A file without one locks by request. */
export class LeaseSlots {
  readonly #used: Set<number> = new Set();

  take(): number | undefined {
    for (let slot = 0; slot < LEASES_MAX; slot++) {
      if (this.#used.has(slot)) continue;
      this.#used.add(slot);
      return slot;
    }
    return undefined;
  }

  free(slot: number): void {
    this.#used.delete(slot);
  }
}
