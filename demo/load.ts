/** Loads the cities, one sqliteTx for each line of JSON that the server sends. */
import { report } from '../tools/host-client.js';
import type { Database } from './database.js';

const SCHEMA = `
  CREATE TABLE cities (
    id INTEGER PRIMARY KEY, name TEXT NOT NULL, country TEXT NOT NULL, admin TEXT, feature TEXT,
    population INTEGER NOT NULL, latitude REAL NOT NULL, longitude REAL NOT NULL,
    census INTEGER NOT NULL DEFAULT 0
  );
  CREATE INDEX cities_by_country ON cities (country, population DESC);
  CREATE INDEX cities_by_place ON cities (latitude, longitude);
  CREATE VIRTUAL TABLE city_names USING fts5 (
    name, content = 'cities', content_rowid = 'id', tokenize = 'unicode61 remove_diacritics 2'
  );
`;

const INSERT = `
  INSERT INTO cities (id, name, country, admin, feature, population, latitude, longitude)
  SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6,
    value ->> 7
  FROM json_each(?)
`;
const INDEX_NAMES = `
  INSERT INTO city_names (rowid, name) SELECT value ->> 0, value ->> 1 FROM json_each(?)
`;

export async function loadCities(db: Database, url: string): Promise<void> {
  await db.rows(SCHEMA);
  let rows = 0;
  for await (const line of linesOf(url)) {
    await db.rows('BEGIN');
    await db.rows(INSERT, [line]);
    rows += Number(await db.value('SELECT changes()'));
    await db.rows(INDEX_NAMES, [line]);
    await db.rows('COMMIT');
    await report('loaded', rows);
  }
}

async function* linesOf(url: string): AsyncGenerator<string> {
  const { body } = await fetch(url);
  if (!body) throw new Error(`Nothing at ${url}`);
  let rest = '';
  for await (const text of body.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  if (rest !== '') yield rest;
}
