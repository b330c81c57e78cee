/**
 * Histories written by hand: one line for each sqliteTx, numbered from 1.
 *
 *   committed('x=1,2 x+3')        reads x as [1 2], appends 3 to it
 *   aborted('…'), unknown('…')    with another outcome
 *
 * They overlap each other, each in a context of its own, unless `at` says otherwise; each writer makes the
 * next version upon the one before, unless `made` or `snapshot` do.
 */
import type { History, LogEntry, Op, SqliteTx } from './record.ts';

interface Line {
  readonly outcome: SqliteTx['outcome'];
  readonly ops: readonly Op[];
  readonly options: LineOptions;
}

interface LineOptions {
  /** Beginning and end, ms. */
  readonly at?: readonly [number, number];
  readonly context?: number;
  readonly snapshot?: number;
  readonly told?: number;
  /** The version it is in the log with; null: it is not there. */
  readonly made?: number | null;
}

export function committed(text: string, options: LineOptions = {}): Line {
  return { outcome: 'committed', ops: opsOf(text), options };
}

export function aborted(text: string, options: LineOptions = {}): Line {
  return { outcome: 'aborted', ops: opsOf(text), options };
}

export function unknown(text: string, options: LineOptions = {}): Line {
  return { outcome: 'unknown', ops: opsOf(text), options };
}

export function history(...lines: readonly Line[]): History {
  const log: LogEntry[] = [{ version: 1, id: 0 }];
  let newest = 1;
  const sqliteTxs = lines.map(({ outcome, ops, options }, i): SqliteTx => {
    const id = i + 1;
    const { at = [0, 100], context = id, told, snapshot = newest } = options;
    const lands = outcome === 'committed' && ops.some(({ op }) => op === 'append');
    const { made = lands ? newest + 1 : null } = options;
    if (made !== null) {
      log.push({ version: made, id });
      newest = made;
    }
    const isUnknown = outcome === 'unknown';
    return {
      id,
      context,
      sequence: id,
      outcome,
      startedAt: at[0],
      endedAt: isUnknown ? undefined : at[1],
      snapshot: isUnknown ? undefined : snapshot,
      commit: told ?? made ?? undefined,
      ops,
    };
  });
  return { toleranceMs: 2, sqliteTxs, log };
}

const KEYS = 'xyz';

function opsOf(text: string): Op[] {
  return text.split(' ').map((word): Op => {
    const key = KEYS.indexOf(word[0] ?? '');
    const rest = word.slice(2);
    if (word[1] === '+') return { op: 'append', key, value: Number(rest) };
    return { op: 'read', key, values: rest === '' ? [] : rest.split(',').map(Number) };
  });
}
