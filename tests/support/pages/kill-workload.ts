/** A workload of a kill test in SQL: does its steps, and finds out how many of them are there. */
import { BlockStoreError } from '../../../src/index.js';
import { bodyOf, type Rows, rowsAfter, SHAPES, stepOf, type Write } from '../kill-model.ts';
import type { RecoveryFound, State, Trial, VerifyFound } from '../kill-plan.ts';
import { PATIENT } from '../patience.ts';
import { openDatabase, type PageDatabase } from './open.ts';

export interface StepWatcher {
  /** Every statement before COMMIT was run; COMMIT waits for it. */
  executed(): Promise<void>;
}

/** Which steps have landed: each is one commit, and they land in order. */
class Landing {
  /** Steps that were committed and are not known to have landed. */
  readonly #steps: number[] = [];
  #landed: ((step: number) => void) | undefined;

  listen(landed: (step: number) => void): void {
    this.#landed = landed;
  }

  committing(step: number): void {
    this.#steps.push(step);
  }

  flushed(commits: number): void {
    const step = this.#steps.splice(0, commits).at(-1);
    if (step !== undefined) this.#landed?.(step);
  }
}

interface Heard {
  readonly recoveries: readonly RecoveryFound[];
  readonly landing: Landing;
}

/** What the VFS told of lost connections. */
export class Told {
  /** Codes of errors. */
  readonly codes: string[] = [];
  healed = 0;
}

export interface WorkloadOptions {
  /** Of the shared engine, where not its own is to be used. */
  readonly startStorage?: () => Worker;
  /** Hears of what goes wrong, with the opening itself, too. */
  readonly told?: Told;
}

export class Workload {
  /** What recovery said of each database, in the order they were opened. */
  readonly recoveries: readonly RecoveryFound[];
  readonly #trial: Trial;
  readonly #database: PageDatabase;
  readonly #landing: Landing;

  private constructor(trial: Trial, database: PageDatabase, heard: Heard) {
    this.#trial = trial;
    this.#database = database;
    this.recoveries = heard.recoveries;
    this.#landing = heard.landing;
  }

  static async open(
    trial: Trial,
    { startStorage, told = new Told() }: WorkloadOptions = {},
  ): Promise<Workload> {
    const { build, volume, durability, autoSync, maxDelayMs } = trial;
    const delay = autoSync ? {} : { maxDelayMs };
    const recoveries: RecoveryFound[] = [];
    const landing = new Landing();
    const { paths, spillBytes } = SHAPES[trial.workload];
    const [main = '', ...others] = paths;
    const database = await openDatabase(main, {
      build,
      vfs: {
        idbName: volume,
        durability,
        autoSync,
        ...delay,
        spillBytes,
        // Of what was killed nothing holds a lock for long: it is stolen as usual.
        busyTimeoutMs: PATIENT.busyTimeoutMs,
      },
      startStorage,
      watch: (vfs) => {
        vfs.addEventListener('recovery', ({ detail }) => recoveries.push(detail));
        vfs.addEventListener('error', ({ detail }) => told.codes.push(detail.error.code));
        vfs.addEventListener('loss', ({ detail: { error } }) => {
          if (error instanceof BlockStoreError) told.codes.push(error.code);
        });
        vfs.addEventListener('connectionhealed', () => told.healed++);
        vfs.addEventListener('flush', ({ detail }) => landing.flushed(detail.commits));
      },
    });
    for (const path of others) await database.attach(path, 'side');
    return new Workload(trial, database, { recoveries, landing });
  }

  get #schemas(): readonly string[] {
    return SHAPES[this.#trial.workload].paths.map((_path, i) => (i === 0 ? 'main' : 'side'));
  }

  /** Requests made of IndexedDB so far. */
  get requests(): number {
    return this.#database.requests;
  }

  async close(): Promise<void> {
    await this.#database.close();
  }

  /** From now on `landed` is told the last step that `flush` events have proved to be complete. */
  onLanded(landed: (step: number) => void): void {
    // A VACUUM that cuts the file may commit twice: there, commits do not count steps.
    if (!SHAPES[this.#trial.workload].vacuums) this.#landing.listen(landed);
  }

  /** Resolves when every step done so far is to stay, whatever comes. */
  async durable(): Promise<void> {
    await this.#database.vfs.durable();
  }

  /** What `verify` says of each database that exists. */
  async verify(): Promise<VerifyFound[]> {
    const { vfs } = this.#database;
    const found: VerifyFound[] = [];
    for (const path of await vfs.listFiles()) {
      const { version, defects, pendingSegments, unlistedSegments } = await vfs.verify(path);
      const texts = defects.map(({ error }) => error.message);
      found.push({ path, version, defects: texts, pendingSegments, unlistedSegments });
    }
    return found;
  }

  /** @param database index into the workload's paths */
  async serialize(database: number): Promise<Uint8Array<ArrayBuffer>> {
    return await this.#database.serialize(this.#schemas[database] ?? '');
  }

  /** After a call that failed: gives up what is left of a step, and goes on with what is there. */
  async giveUp(): Promise<void> {
    if (await this.#database.inTransaction()) await this.#database.run('ROLLBACK');
    await this.#database.reload();
  }

  /** Does step `number` in one sqliteTx; returns after COMMIT, and VACUUM if it is part of the step. */
  async step(number: number, watcher: StepWatcher): Promise<void> {
    const { workload, seed } = this.#trial;
    const step = stepOf(workload, seed, number);
    const db = this.#database;
    await db.beginImmediate();
    if (number === 1) await this.#createTables();
    if (step.undone.length > 0) {
      await db.run('SAVEPOINT undone');
      for (const write of step.undone) await this.#write(-number, write);
      await db.run('ROLLBACK TO undone; RELEASE undone');
    }
    for (const write of step.writes) await this.#write(number, write);
    for (const schema of this.#schemas)
      await db.run(`UPDATE ${schema}.progress SET step = ?`, [number]);
    await watcher.executed();
    this.#landing.committing(number);
    await db.run('COMMIT');
    if (step.vacuumTo) await db.run(`PRAGMA page_size = ${step.vacuumTo}; VACUUM`);
  }

  async #createTables(): Promise<void> {
    for (const schema of this.#schemas) {
      await this.#database.run(`
        CREATE TABLE ${schema}.item (id INTEGER PRIMARY KEY, step INTEGER NOT NULL, body BLOB NOT NULL);
        CREATE INDEX ${schema}.item_by_step ON item (step, id);
        CREATE TABLE ${schema}.progress (step INTEGER NOT NULL);
        INSERT INTO ${schema}.progress VALUES (0);
      `);
    }
  }

  async #write(step: number, { database, id, length }: Write): Promise<void> {
    const schema = this.#schemas[database];
    if (length === undefined) {
      await this.#database.run(`DELETE FROM ${schema}.item WHERE id = ?`, [id]);
      return;
    }
    const body = bodyOf(this.#trial.seed, step, id, length);
    await this.#database.run(`INSERT OR REPLACE INTO ${schema}.item VALUES (?, ?, ?)`, [
      id,
      step,
      body,
    ]);
  }

  /** Counts the steps that are there, and compares every byte with what they must have left. */
  async state(): Promise<State> {
    const integrity: string[] = [];
    const found: number[] = [];
    for (const schema of this.#schemas) {
      const tables = await this.#database.value(
        `SELECT count(*) FROM ${schema}.sqlite_schema WHERE name = 'progress'`,
      );
      found.push(
        tables === 0
          ? 0
          : Number(await this.#database.value(`SELECT step FROM ${schema}.progress`)),
      );
      integrity.push(String(await this.#database.value(`PRAGMA ${schema}.integrity_check`)));
    }
    const [steps = 0] = found;
    const differences: string[] = [];
    if (found.some((other) => other !== steps)) differences.push(`torn at steps ${found}`);
    const { workload, seed } = this.#trial;
    const expected = rowsAfter(workload, seed, steps);
    for (const [i, schema] of this.#schemas.entries()) {
      if (steps > 0) differences.push(...(await this.#differences(schema, expected[i])));
    }
    return { found: steps, integrity, differences };
  }

  async #differences(schema: string, expected: Rows = new Map()): Promise<string[]> {
    const problems: string[] = [];
    const rows = await this.#database.rows(`SELECT id, step, body FROM ${schema}.item`);
    if (rows.length !== expected.size) {
      problems.push(`${schema} has ${rows.length} rows instead of ${expected.size}`);
    }
    for (const [id, step, body] of rows) {
      const row = expected.get(Number(id));
      const same =
        row !== undefined &&
        row.step === step &&
        body instanceof Uint8Array &&
        equal(body, bodyOf(this.#trial.seed, row.step, Number(id), row.length));
      if (!same) problems.push(`${schema}.item ${id} is of step ${step}, not ${row?.step}`);
    }
    return problems;
  }
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  // Binary keys compare as their bytes do, natively: megabytes are compared after every kill.
  return indexedDB.cmp(a, b) === 0;
}
