/**
 * Lends files to one client, and takes them back (layout.ts: LEASE).
 *
 *   I3  A file is lent only while the writer lock is held and no other connection has it.
 *   I5  What the client sent before it unlocked by its lease is acted on before the file is unlocked:
 *       its sqliteTx is committed whole or not at all.
 *
 *   asked for ──lend──▶ lent ──takeBack, nothing on its way──▶ asked for
 *                        └─takeBack─▶ owed ──what was on its way is acted on: settle──▶ asked for
 */
import * as rc from '../../result-codes.js';
import type { OpenFile } from './open-file.js';

export interface LendingDeps {
  /** A promise while something that the client has sent waits to be acted on; it never rejects. */
  readonly unacted: () => Promise<void> | undefined;
}

/** What the client held when its lease was taken back. */
interface Owed {
  readonly level: number;
}

export class Lending {
  readonly #deps: LendingDeps;
  readonly #owed: Map<OpenFile, Owed> = new Map();

  constructor(deps: LendingDeps) {
    this.#deps = deps;
  }

  /** I3: grants the lease if it can be had without waiting for anybody. */
  async lend(file: OpenFile, level: number = rc.SQLITE_LOCK_NONE): Promise<void> {
    const { database, lease } = file;
    const { shared } = database;
    const isAlone = shared.users === 1 && shared.file.exclusive && !shared.file.suspect;
    const isFree = shared.writer === undefined || shared.writer === database;
    if (!lease || !isAlone || !isFree || !shared.role?.mayLend || file.failure) return;
    try {
      await database.lock(rc.SQLITE_LOCK_SHARED);
      await database.lock(rc.SQLITE_LOCK_RESERVED);
    } catch {
      // Without a lease the client asks, and is told what is wrong.
      database.unlock(level);
      return;
    }
    shared.lessee = () => this.takeBack(file);
    lease.grant(level);
  }

  /** Takes the lease back; what the client holds stays locked until it says otherwise. */
  takeBack(file: OpenFile): void {
    const { database, lease } = file;
    const level = lease?.revoke();
    if (level === undefined) return;
    database.shared.lessee = undefined;
    // I5: it unlocked after it had sent all that it wrote, so nothing of that comes later than this.
    const wait = this.#deps.unacted();
    if (!wait) {
      database.unlock(level);
      return;
    }
    const owed: Owed = { level };
    this.#owed.set(file, owed);
    void wait.then(() => {
      if (this.#owed.get(file) === owed) this.settle(file);
    });
  }

  /** All that the client sent before it unlocked was acted on. */
  settle(file: OpenFile): void {
    const owed = this.#owed.get(file);
    if (!owed) return;
    this.#owed.delete(file);
    file.database.unlock(owed.level);
  }

  /** The same for each file: the client waits for an answer, so nothing else is on its way. */
  settleAll(): void {
    for (const file of this.#owed.keys()) this.settle(file);
  }
}
