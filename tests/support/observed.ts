/** A second database beside that of a rig, to be opened, read and damaged while somebody watches. */
import { dump, flipped, put, type RawRecord } from './raw.ts';
import { insert, type Rig } from './rig.ts';

export const OTHER = 'other.db';
/** The rig's own database is the first that has an id, if something is in it. */
const OTHER_FILE = 2;
/** Behind SQLite's header. */
const AT_BYTE = 200;

/** Makes it, with `rows` rows on as many pages, and closes it. */
export async function withOther({ db, context }: Rig, rows: number): Promise<void> {
  await db.run('CREATE TABLE first(a)');
  const other = await context.open(OTHER);
  await other.run(`CREATE TABLE t(id INTEGER PRIMARY KEY, v); ${insert(rows)}`);
  await other.close();
  await context.vfs.durable();
}

/** Opens it and reads all of its rows. */
export async function readOther({ context }: Rig): Promise<void> {
  const db = await context.open(OTHER);
  await db.value('SELECT sum(length(v)) FROM t');
}

/** Flips a bit of each of its segments. */
export async function damageSegments(idbName: string): Promise<void> {
  await damage(idbName, (records) => records.filter(({ store }) => store === 'segments'));
}

/** Flips a bit of its newest commit record. */
export async function damageMarker(idbName: string): Promise<void> {
  await damage(idbName, (records) => records.filter(({ store }) => store === 'commits').slice(-1));
}

async function damage(
  idbName: string,
  choose: (records: readonly RawRecord[]) => readonly RawRecord[],
): Promise<void> {
  const records = await dump(idbName);
  const own = records.filter(({ key }) => Array.isArray(key) && key[0] === OTHER_FILE);
  const chosen = choose(own);
  if (chosen.length === 0) throw new Error('nothing to damage');
  const changed = chosen.map(({ store, key, value }) => {
    const at = Math.min(AT_BYTE, (value as ArrayBuffer).byteLength - 1);
    return { store, key, value: flipped(value, at, 3) };
  });
  await put(idbName, changed);
}
