/** Names of files, as SQLite passes them and as the volume keeps them. */

/** Strips what SQLite's URI syntax and relative paths add to a name. */
export function normalisePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return parts.join('/');
}

/** Journals are never in the store: what bears such a name there is a database called so. */
export function isJournal(path: string): boolean {
  return /-(journal|wal)$/.test(path);
}
