/** Tabs of one origin in Node: each with SQLite, a VFS, and Web Locks that can be taken from it as from a dead page. */
import type { VFSOptions } from '../../src/index.js';
import { FaultyLocks, SimulatedIndexedDB, SimulatedLocks } from '../../src/testing/index.js';
import type { Database } from './database.ts';
import { PATIENT } from './patience.ts';
import { NodeSQLite, type Page } from './sqlite-node.ts';

export const PATH = 't.db';

export interface Tab {
  readonly page: Page;
  readonly db: Database;
  readonly locks: FaultyLocks;
}

export class Tabs {
  readonly sim: SimulatedIndexedDB = new SimulatedIndexedDB({ trace: false });
  readonly locks: SimulatedLocks = new SimulatedLocks();
  readonly #open: Set<Tab> = new Set();

  /** A new tab that has the database open. */
  async open(options: VFSOptions = {}): Promise<Tab> {
    const sqlite = await NodeSQLite.create();
    const locks = new FaultyLocks(this.locks as unknown as LockManager);
    const usual = { autoSync: false, ...PATIENT, locks };
    const page = await sqlite.page(this.sim.openTab(), { ...usual, ...options });
    const db = await page.open(PATH);
    const tab = { page, db, locks };
    this.#open.add(tab);
    return tab;
  }

  async close(tab: Tab): Promise<void> {
    this.#open.delete(tab);
    await tab.page.close();
  }

  async closeAll(): Promise<void> {
    for (const tab of [...this.#open]) await this.close(tab);
  }

  /** Names of the pins that tabs hold. */
  async pinNames(): Promise<string[]> {
    const { held = [] } = await this.locks.query();
    return held.flatMap(({ name }) => (name?.includes(':pin:') ? [name] : []));
  }
}
