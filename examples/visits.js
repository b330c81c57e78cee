/** What most of the examples do: note this visit, and count them. */

/** @param {import('idb-block-vfs').Database} db */
export async function countVisits(db) {
  await db.exec('CREATE TABLE IF NOT EXISTS visits(at)');
  await db.exec("INSERT INTO visits VALUES (datetime('now'))");
  const [row] = await db.query('SELECT count(*) AS n FROM visits');
  return `Visit number ${row?.['n']}`;
}
