import { count, sql } from 'drizzle-orm';
import { sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { drizzle } from 'drizzle-orm/sqlite-proxy';
import { openDatabase } from 'idb-block-vfs';

const db = await openDatabase('drizzle.db');
const orm = drizzle(async (query, params, method) => {
  const rows = await db.query(query, params, { rows: 'arrays' });
  return { rows: method === 'get' ? /** @type {any} */ (rows[0]) : rows };
});

const visits = sqliteTable('visits', { at: text().notNull() });
await db.exec('CREATE TABLE IF NOT EXISTS visits(at TEXT NOT NULL)');
await orm.insert(visits).values({ at: sql`datetime('now')` });
const [found] = await orm.select({ n: count() }).from(visits);
document.body.textContent = `Visit number ${found?.n}`;
