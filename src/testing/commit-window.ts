/**
 * One idbTx's way to the medium.
 *
 *   closed ──open──▶ window ──land──▶ landed ──settle──▶ durable, if strict
 *                      └──close──▶ landed | lost
 */
import { type DatabaseLog, Pending } from './medium.js';
import type { TransactionView } from './view.js';

export class CommitWindow {
  readonly #log: DatabaseLog;
  #pending: Pending | undefined;
  /** How many idbTxs had completed with this one; undefined if it changed nothing. */
  #landed: number | undefined;

  constructor(log: DatabaseLog) {
    this.#log = log;
  }

  open(view: TransactionView): void {
    this.#pending = new Pending((base) => view.appliedTo(base));
    this.#log.open(this.#pending);
  }

  land(): void {
    const pending = this.#pending;
    if (!pending) return;
    this.#pending = undefined;
    const before = this.#log.head;
    const count = this.#log.land(pending);
    if (this.#log.head !== before) this.#landed = count;
  }

  /** It is complete. An idbTx that changed nothing makes nothing durable. */
  settle(durability: IDBTransactionDurability): void {
    if (durability === 'strict' && this.#landed !== undefined) this.#log.makeDurable(this.#landed);
  }

  /** True while a crash may keep or lose it. */
  get isOpen(): boolean {
    return this.#pending !== undefined;
  }

  /** The idbTx ends while it is open. */
  close(lands: boolean): void {
    if (lands) {
      this.land();
      return;
    }
    if (this.#pending) this.#log.drop(this.#pending);
    this.#pending = undefined;
  }
}
