/** The pragmas a VFS has a say in, as one connection set them. */
import type { Durability } from '../types.js';

/** SQLite's words for `synchronous`; any other word means NORMAL to it. */
const SYNCHRONOUS: Readonly<Record<string, Durability>> = {
  off: 'deferred',
  no: 'deferred',
  false: 'deferred',
  '0': 'deferred',
  full: 'strict',
  '2': 'strict',
  extra: 'strict',
  '3': 'strict',
};

export class ConnectionPragmas {
  durability: Durability = 'strict';
  busyTimeoutMs = 0;

  /**
   * Takes note of a pragma.
   * @returns true if SQLite must be kept from seeing its argument: WAL cannot be had.
   */
  observe(name: string, value: string | undefined): boolean {
    if (value === undefined) return false;
    const word = value.trim().toLowerCase();
    switch (name.toLowerCase()) {
      case 'synchronous':
        this.durability = SYNCHRONOUS[word] ?? 'relaxed';
        return false;
      case 'busy_timeout':
        this.busyTimeoutMs = Math.max(0, Number.parseInt(word, 10) || 0);
        return false;
      case 'journal_mode':
        return word === 'wal';
      default:
        return false;
    }
  }
}
