/** Runs one planned sqliteTx, and says how it went. */
import type { CommitEvent } from '../../../src/index.js';
import type { Database, Row } from '../database.ts';
import type { Step, TxPlan } from '../history/plan.ts';
import type { SeatRecord } from '../history/protocol.ts';
import type { Op } from '../history/record.ts';
import type { Engine } from './history-engine.ts';

export interface Connection {
  readonly engine: Engine;
  readonly database: Database;
  /** The event of a commit comes before COMMIT returns. */
  readonly hearsAtOnce: boolean;
  close(): Promise<void>;
}

/**
 * `entry` is a view, to append with all that belongs to it in one statement. The log's newest version is the
 * database's own, since each sqliteTx that writes makes one version and one entry.
 */
export const SCHEMA = `
  CREATE TABLE log (version INTEGER PRIMARY KEY, id INTEGER NOT NULL);
  CREATE TABLE list (key, position, value, pad, PRIMARY KEY (key, position)) WITHOUT ROWID;
  CREATE TABLE bulk (id INTEGER PRIMARY KEY, body);
  CREATE VIEW entry AS SELECT 0 AS id, 0 AS key, 0 AS value;
  CREATE TRIGGER entry_insert INSTEAD OF INSERT ON entry BEGIN
    INSERT INTO log SELECT version + 1, new.id FROM log
      WHERE version = (SELECT max(version) FROM log) AND id <> new.id;
    INSERT INTO list SELECT new.key, count(*), new.value, zeroblob(150) FROM list
      WHERE key = new.key;
  END;
  INSERT INTO log VALUES (1, 0);
`;
const APPEND = 'INSERT INTO entry VALUES (?, ?, ?)';
const SNAPSHOT = 'SELECT max(version) FROM log';
const LIST = 'SELECT value FROM list WHERE key = ? ORDER BY position';
/** Larger than `spillBytes`. */
const BULK = 'INSERT OR REPLACE INTO bulk VALUES (1, randomblob(120000))';

const SQLITE_BUSY = 5;
const TRIES_MAX = 4;

type Outcome = Omit<SeatRecord, 'sequence'>;

export async function perform(connection: Connection, plan: TxPlan): Promise<Outcome> {
  return await new SqliteTxRun(connection, plan).run();
}

class SqliteTxRun {
  readonly #connection: Connection;
  readonly #plan: TxPlan;
  readonly #ops: Op[] = [];
  readonly #startedAt: number = Date.now();
  /** Versions whose commit events came meanwhile. */
  readonly #committed: number[] = [];
  #snapshot: number | undefined;

  constructor(connection: Connection, plan: TxPlan) {
    this.#connection = connection;
    this.#plan = plan;
  }

  get #database(): Database {
    return this.#connection.database;
  }

  async run(): Promise<Outcome> {
    const { vfs, errors } = this.#connection.engine;
    errors.length = 0;
    const hear = ({ detail }: { readonly detail: CommitEvent }) => {
      if (detail.own) this.#committed.push(detail.version);
    };
    vfs.addEventListener('commit', hear);
    try {
      await this.#statements();
      const outcome = this.#plan.rollsBack ? 'aborted' : 'committed';
      return this.#ended(outcome, undefined);
    } catch (cause) {
      const codes = errors.map(({ code }) => code);
      const error = codes.at(-1) ?? `SQLite ${(cause as { code?: unknown }).code}: ${cause}`;
      await this.#rollBack();
      return this.#ended(codes.includes('COMMIT_UNKNOWN') ? 'unknown' : 'aborted', error);
    } finally {
      vfs.removeEventListener('commit', hear);
    }
  }

  #ended(outcome: Outcome['outcome'], error: string | undefined): Outcome {
    return {
      outcome,
      startedAt: this.#startedAt,
      endedAt: Date.now(),
      snapshot: this.#snapshot,
      commit: outcome === 'committed' ? this.#told() : undefined,
      ops: this.#ops,
      error,
    };
  }

  /** Its own version, if that is among those told; else one that it cannot be. */
  #told(): number | undefined {
    if (!this.#connection.hearsAtOnce) return undefined;
    const next = (this.#snapshot ?? 0) + 1;
    return this.#committed.includes(next) ? next : this.#committed.at(-1);
  }

  async #statements(): Promise<void> {
    const { style, steps, spills, rollsBack } = this.#plan;
    if (style === 'statement') {
      await this.#inOneStatement();
      return;
    }
    if (style === 'begin') await this.#database.run('BEGIN');
    else await untilFree(() => this.#database.run('BEGIN IMMEDIATE'));
    this.#snapshot = Number(await this.#database.value(SNAPSHOT));
    for (const step of steps) await this.#step(step);
    if (spills) await this.#database.run(BULK);
    await this.#database.run(rollsBack ? 'ROLLBACK' : 'COMMIT');
  }

  async #step(step: Step): Promise<void> {
    const { key } = step;
    if (step.op === 'read') {
      const rows = await this.#database.rows(LIST, [key]);
      this.#ops.push({ op: 'read', key, values: rows.map(([value]) => Number(value)) });
      return;
    }
    const parameters = [this.#plan.id, key, step.value];
    if (step.op === 'append') {
      await this.#database.run(APPEND, parameters);
      this.#ops.push(step);
      return;
    }
    await this.#database.run('SAVEPOINT undone');
    await this.#database.run(APPEND, parameters);
    await this.#database.run('ROLLBACK TO undone');
    await this.#database.run('RELEASE undone');
  }

  /** One append, or reads of several lists at one snapshot. */
  async #inOneStatement(): Promise<void> {
    const [first] = this.#plan.steps;
    if (first?.op === 'append') {
      await untilFree(() => this.#step(first));
      return;
    }
    const keys = this.#plan.steps.map(({ key }) => key);
    const lists = keys.map(() => `(SELECT group_concat(value, ' ') FROM (${LIST}))`);
    const [row = []] = await this.#database.rows(`SELECT (${SNAPSHOT}), ${lists.join()}`, keys);
    this.#snapshot = Number(row[0]);
    for (const [i, key] of keys.entries()) {
      this.#ops.push({ op: 'read', key, values: numbers(row[i + 1]) });
    }
  }

  async #rollBack(): Promise<void> {
    if (await this.#database.inTransaction()) {
      // It may have failed so badly that it cannot even be rolled back; closing does that.
      await this.#database.run('ROLLBACK').catch(() => undefined);
    }
  }
}

/** Repeats what failed because another context writes or has written, as an app does. */
async function untilFree(work: () => Promise<void>): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (cause) {
      const isBusy = (cause as { code?: number }).code === SQLITE_BUSY;
      if (!isBusy || tries === TRIES_MAX) throw cause;
    }
  }
}

function numbers(text: Row[number] | undefined): number[] {
  return typeof text === 'string' && text !== '' ? text.split(' ').map(Number) : [];
}
