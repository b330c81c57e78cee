/** Which pages every lookup in a B-tree begins with. */

/** Kinds of B-tree pages that point to others; source: SQLite's file format, "B-tree Pages". */
const INNER_INDEX = 2;
const INNER_TABLE = 5;

/** Of pages that are none, those look like one by chance whose content begins so. */
export function isInnerPage(page: Uint8Array): boolean {
  return page[0] === INNER_INDEX || page[0] === INNER_TABLE;
}
