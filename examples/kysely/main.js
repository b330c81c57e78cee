import { openDatabase } from 'idb-block-vfs';
import { Kysely, sql } from 'kysely';
import { IDBBlockDialect } from './dialect.js';

/** @typedef {{ visits: { at: string } }} Tables */

/** @type {Kysely<Tables>} */
const kysely = new Kysely({ dialect: new IDBBlockDialect(await openDatabase('kysely.db')) });
await kysely.schema.createTable('visits').ifNotExists().addColumn('at', 'text').execute();
await kysely.transaction().execute(async (tx) => {
  await tx.insertInto('visits').values({ at: sql`datetime('now')` }).execute();
});
const { n } = await kysely
  .selectFrom('visits')
  .select(({ fn }) => fn.countAll().as('n'))
  .executeTakeFirstOrThrow();
document.body.textContent = `Visit number ${n}`;
