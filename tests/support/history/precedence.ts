/**
 * What came before what in real time: a sqliteTx precedes those that begin after it has ended, and those of
 * its own context that follow it, whatever the clock says.
 */
import type { History, SqliteTx } from './record.ts';

export interface Before {
  readonly from: SqliteTx;
  readonly to: SqliteTx;
  readonly by: 'time' | 'session';
}

/** The pairs from which all others follow. An unknown outcome precedes nobody, for it may come later still. */
export function precedences(
  { toleranceMs }: Pick<History, 'toleranceMs'>,
  sqliteTxs: readonly SqliteTx[],
): Before[] {
  return [...byTime(toleranceMs, sqliteTxs), ...bySession(sqliteTxs)];
}

function byTime(toleranceMs: number, sqliteTxs: readonly SqliteTx[]): Before[] {
  const ended = sqliteTxs
    .filter(isEnded)
    .map((from) => ({ from, end: from.endedAt + toleranceMs }))
    .sort((a, b) => a.end - b.end);
  const found: Before[] = [];
  for (const to of sqliteTxs) {
    // Whoever ended before the last of them began precedes `to` by way of that one.
    let latestStart = Number.NEGATIVE_INFINITY;
    for (const { from, end } of ended) {
      if (end >= to.startedAt) break;
      latestStart = Math.max(latestStart, from.startedAt);
    }
    for (const { from, end } of ended) {
      if (end >= to.startedAt) break;
      if (end >= latestStart) found.push({ from, to, by: 'time' });
    }
  }
  return found;
}

function bySession(sqliteTxs: readonly SqliteTx[]): Before[] {
  const found: Before[] = [];
  const last = new Map<number, SqliteTx>();
  for (const to of [...sqliteTxs].sort((a, b) => a.sequence - b.sequence)) {
    const from = last.get(to.context);
    if (from) found.push({ from, to, by: 'session' });
    if (isEnded(to)) last.set(to.context, to);
  }
  return found;
}

function isEnded(sqliteTx: SqliteTx): sqliteTx is SqliteTx & { readonly endedAt: number } {
  return sqliteTx.endedAt !== undefined && sqliteTx.outcome !== 'unknown';
}
