/** The pragmas a VFS has a say in, as one connection set them. */
import type { Durability } from '../types.js';

/** SQLite's words for `synchronous`; any other word means NORMAL to it. */
const SYNCHRONOUS: Readonly<Record<string, Durability>> = {
  off: 'deferred',
  no: 'deferred',
  false: 'deferred',
  full: 'strict',
  extra: 'strict',
};

/** SQLite reads a word that begins with a digit as a number. */
function durabilityOf(word: string): Durability {
  const level = Number.parseInt(word, 10);
  if (!/^\d/.test(word)) return SYNCHRONOUS[word] ?? 'relaxed';
  if (level === 0) return 'deferred';
  return level === 1 ? 'relaxed' : 'strict';
}

export class ConnectionPragmas {
  durability: Durability = 'strict';
  /** Undefined until the connection has set it. */
  busyTimeoutMs: number | undefined;
  /** `locking_mode=exclusive`: SQLite keeps its locks and does not look for others' commits. */
  exclusive = false;
  /** Address of SQLite's connection, which it hands over after xOpen; 0 before. */
  connection: () => number = () => 0;
  /** Whether the connection is inside a BEGIN. */
  inSqliteTx: () => boolean = () => false;
  /** Whether the statement that is being run is BEGIN IMMEDIATE or EXCLUSIVE. */
  beginsToWrite: () => boolean = () => false;

  /**
   * Takes note of a pragma.
   * @returns true if SQLite must be kept from seeing its argument: WAL cannot be had.
   */
  observe(name: string, value: string | undefined): boolean {
    if (value === undefined) return false;
    const word = value.trim().toLowerCase();
    switch (name.toLowerCase()) {
      case 'synchronous':
        // SQLite asks us first and refuses it inside a BEGIN.
        if (!this.inSqliteTx()) this.durability = durabilityOf(word);
        return false;
      case 'busy_timeout':
        this.busyTimeoutMs = Math.max(0, Number.parseInt(word, 10) || 0);
        return false;
      case 'locking_mode':
        if (word === 'exclusive' || word === 'normal') this.exclusive = word === 'exclusive';
        return false;
      case 'journal_mode':
        // SQLite takes any beginning of a mode's name for the mode.
        return word !== '' && 'wal'.startsWith(word);
      default:
        return false;
    }
  }
}
