/**
 * SQL workloads as plans for `everyCrashPoint`.
 *
 * A workload is a list of sqliteTxs; each also counts itself in `meta.n`. After a crash the database
 * opens, `PRAGMA integrity_check` is ok, the content is that after exactly `n` of them, `n` is one of
 * those allowed, `verify` finds nothing, one more sqliteTx works and is there at the next opening.
 */
import type { VFSOptions } from '../../src/index.js';
import type { CrashContext, CrashPlan, SimulatedIndexedDB } from '../../src/testing/index.js';
import type { Database } from './database.ts';
import { NodeSQLite, type Page } from './sqlite-node.ts';

export interface SqlWorkload {
  /** For each connection. */
  readonly pragmas?: readonly string[];
  /** Files beside `main.db`, and the names they are attached under. */
  readonly attached?: Readonly<Record<string, string>>;
  /** Each a sqliteTx, `meta` apart. */
  readonly steps: readonly string[];
  /** Statements that are no part of a sqliteTx, before the step of that number. */
  readonly between?: Readonly<Record<number, string>>;
  /** A query that gives one row, equal after equal steps. */
  readonly digest: string;
  readonly options?: VFSOptions;
}

export interface SqlNotice {
  readonly step: number;
  readonly what: 'began' | 'acknowledged';
}

export interface SqlRecovered {
  readonly page: Page;
  readonly db: Database;
}

const PAGES_PER_MODULE = 100;

export class SqlCrashes {
  readonly #workload: SqlWorkload;
  readonly #digests: string[] = [];
  #sqlite: NodeSQLite | undefined;
  #pages = 0;

  constructor(workload: SqlWorkload) {
    this.#workload = workload;
  }

  plan(): CrashPlan<SqlNotice, SqlRecovered> {
    return {
      workload: async ({ factory, acknowledge }) => {
        const page = await this.#page(factory);
        const db = await this.#connect(page);
        this.#digests.length = 0;
        this.#digests.push(await this.#digest(db));
        for (const [i, sql] of this.#workload.steps.entries()) {
          await this.#between(db, i + 1);
          acknowledge({ step: i + 1, what: 'began' });
          await db.run(this.#sqliteTx(i + 1, sql));
          acknowledge({ step: i + 1, what: 'acknowledged' });
          this.#digests.push(await this.#digest(db));
        }
        await page.close();
      },
      recover: async (factory) => {
        const page = await this.#page(factory);
        return { page, db: await this.#connect(page) };
      },
      check: (crash) => this.#check(crash),
    };
  }

  async #check(crash: CrashContext<SqlNotice, SqlRecovered>): Promise<void> {
    const { recovered, acknowledged, factory } = crash;
    const { page, db } = recovered;
    const step = await this.#expectStep(db, acknowledged, crash.kind === 'power');
    await this.#expectVerified(page);
    if (step > 0) await db.run('UPDATE meta SET n = n + 1000');
    await page.close();
    const again = await this.#page(factory);
    const reopened = await this.#connect(again);
    await reopened.expectIntact();
    const n = await counted(reopened);
    if (step > 0 && n !== step + 1000) throw new Error(`One more commit left ${n}, not ${step}.`);
    await again.close();
  }

  /** The step after which the content is what it is. */
  async #expectStep(
    db: Database,
    acknowledged: readonly SqlNotice[],
    power: boolean,
  ): Promise<number> {
    await db.expectIntact();
    const step = await counted(db);
    const digest = await this.#digest(db);
    if (digest !== this.#digests[step]) {
      throw new Error(`After step ${step}: ${digest}, expected ${this.#digests[step]}`);
    }
    const last = (what: SqlNotice['what']) =>
      Math.max(0, ...acknowledged.filter((n) => n.what === what).map((n) => n.step));
    const least = this.#stays(power) ? last('acknowledged') : 0;
    const most = last('began');
    if (step < least || step > most) {
      throw new Error(`Recovered step ${step}, but ${least} … ${most} are allowed.`);
    }
    return step;
  }

  /** Whether what was acknowledged survives. */
  #stays(power: boolean): boolean {
    const pragmas = this.#workload.pragmas?.join() ?? '';
    if (pragmas.includes('synchronous = OFF')) return false;
    return !power || !pragmas.includes('synchronous = NORMAL');
  }

  async #expectVerified(page: Page): Promise<void> {
    for (const path of await page.vfs.listFiles()) {
      const [defect] = (await page.vfs.verify(path)).defects;
      if (defect) throw new Error(`verify of ${path} found a defect`, { cause: defect.error });
    }
  }

  /** A new page on an SQLite that others used before, now and then on a new one. */
  async #page(factory: SimulatedIndexedDB): Promise<Page> {
    const worn = this.#pages++ % PAGES_PER_MODULE === 0;
    const sqlite = worn || !this.#sqlite ? await NodeSQLite.create() : this.#sqlite;
    this.#sqlite = sqlite;
    return await sqlite.page(factory, this.#workload.options);
  }

  async #connect(page: Page): Promise<Database> {
    const db = await page.open('main.db');
    for (const pragma of this.#workload.pragmas ?? []) await db.run(`PRAGMA ${pragma}`);
    for (const [name, path] of Object.entries(this.#workload.attached ?? {})) {
      await db.run(`ATTACH '${path}' AS ${name}`);
    }
    return db;
  }

  async #between(db: Database, step: number): Promise<void> {
    const sql = this.#workload.between?.[step];
    if (sql !== undefined) await db.run(sql);
  }

  #sqliteTx(step: number, sql: string): string {
    const meta =
      step === 1
        ? 'CREATE TABLE meta(n INTEGER); INSERT INTO meta VALUES (1)'
        : `UPDATE meta SET n = ${step}`;
    return `BEGIN IMMEDIATE; ${sql}; ${meta}; COMMIT`;
  }

  /** Of a database without a schema: nothing. */
  async #digest(db: Database): Promise<string> {
    if ((await counted(db)) === 0) return 'empty';
    return JSON.stringify(await db.rows(this.#workload.digest));
  }
}

async function counted(db: Database): Promise<number> {
  const there = await db.value("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'");
  return there === 1 ? Number(await db.value('SELECT n FROM meta')) : 0;
}
