/** Pages of IDBBlockVFS on simulated IndexedDBs, for tests in Node that move whole databases between them. */
import type { VFSOptions } from '../../src/index.js';
import { SimulatedIndexedDB } from '../../src/testing/index.js';
import { NodeSQLite, type Page } from './sqlite-node.ts';

/** One SQLite for them all, for its start takes longer than a test. */
let sqlite: Promise<NodeSQLite> | undefined;

export class PagesLab {
  readonly #pages: Page[] = [];

  /** A page with a volume of its own, or on one that is given. */
  async page(
    options: VFSOptions = {},
    indexedDB: IDBFactory = new SimulatedIndexedDB({ trace: false }),
  ): Promise<Page> {
    sqlite ??= NodeSQLite.create();
    const page = await (await sqlite).page(indexedDB, options);
    this.#pages.push(page);
    return page;
  }

  async close(): Promise<void> {
    for (const page of this.#pages.splice(0)) await page.close();
  }
}
