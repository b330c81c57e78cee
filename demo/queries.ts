/** Questions that a person would ask of a database of cities. */
import type { Database, Value } from './database.js';
import type { Answer } from './protocol.js';

const NUMBER = new Intl.NumberFormat('en');

/** The prime meridian's telescope. */
const GREENWICH = { latitude: 51.4778, longitude: -0.0014 };
const KM_PER_DEGREE = 111.2;

export async function answerQuestions(db: Database): Promise<Answer[]> {
  return [await largestOf(db, 'JP'), await nearestTo(db, GREENWICH), await search(db, 'san fran*')];
}

async function largestOf(db: Database, country: string): Promise<Answer> {
  const sql = `
    SELECT name, population FROM cities WHERE country = ? ORDER BY population DESC LIMIT 5`;
  return ask(
    db,
    { question: `Largest cities of ${country}`, sql, parameters: [country] },
    (row) => [String(row[0]), NUMBER.format(Number(row[1]))],
  );
}

/** A box around the point by index, then the distance on a plane: good enough for a few km. */
async function nearestTo(db: Database, point: typeof GREENWICH): Promise<Answer> {
  const { latitude, longitude } = point;
  const narrowing = Math.cos((latitude * Math.PI) / 180);
  const sql = `
    SELECT name, (latitude - ?1) * (latitude - ?1) + (longitude - ?2) * (longitude - ?2) * ?3 AS d
    FROM cities
    WHERE latitude BETWEEN ?1 - 0.2 AND ?1 + 0.2 AND longitude BETWEEN ?2 - 0.3 AND ?2 + 0.3
    ORDER BY d LIMIT 5`;
  const parameters = [latitude, longitude, narrowing * narrowing];
  const question = 'Nearest to the Greenwich observatory';
  return ask(db, { question, sql, parameters }, ([name, squared]) => [
    String(name),
    `${(Math.sqrt(Number(squared)) * KM_PER_DEGREE).toFixed(1)} km`,
  ]);
}

async function search(db: Database, words: string): Promise<Answer> {
  const sql = `
    SELECT cities.name, country, population FROM city_names JOIN cities ON cities.id = city_names.rowid
    WHERE city_names MATCH ? ORDER BY population DESC LIMIT 5`;
  const question = `Full-text search for "${words}"`;
  return ask(db, { question, sql, parameters: [words] }, ([name, country, population]) => [
    `${name}, ${country}`,
    NUMBER.format(Number(population)),
  ]);
}

async function ask(
  db: Database,
  query: { question: string; sql: string; parameters: SQLiteCompatibleType[] },
  format: (row: Value[]) => [string, string],
): Promise<Answer> {
  const started = performance.now();
  const rows = await db.rows(query.sql, query.parameters);
  const durationMs = performance.now() - started;
  return { question: query.question, rows: rows.map(format), durationMs };
}
