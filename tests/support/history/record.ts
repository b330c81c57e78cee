/**
 * A history: what several contexts did to one database, as seen from outside of it.
 *
 * Every sqliteTx appends values that nobody else appends to lists, and reads whole lists. One that writes
 * also adds `(version, id)` to a log in the database, at the version after the newest it sees. So the
 * log read at the end says who made which version, also of those whose context died in their COMMIT.
 *
 *   committed   acknowledged: COMMIT returned, or `durable()` where that is the promise
 *   aborted     it failed or was rolled back, and its context lived to say so
 *   unknown     its context died or could not tell: it may be in or out, but as a whole
 */

export type Op =
  | { readonly op: 'read'; readonly key: number; readonly values: readonly number[] }
  | { readonly op: 'append'; readonly key: number; readonly value: number };

export interface SqliteTx {
  /** Unique in its history; 0 is not used. */
  readonly id: number;
  /** Those of one context follow each other in the order of `sequence`. */
  readonly context: number;
  readonly sequence: number;
  readonly outcome: 'committed' | 'aborted' | 'unknown';
  /** Not later than its BEGIN, ms. */
  readonly startedAt: number;
  /** Not earlier than its acknowledgement or failure, ms; undefined if there was none. */
  readonly endedAt: number | undefined;
  /** Version of the database it read, as it was told; undefined if it came to no read. */
  readonly snapshot: number | undefined;
  /** Version it made, as the library told it; undefined if it was not told. */
  readonly commit: number | undefined;
  /** What it did, in order; of an unknown one what it would have done, without its reads. */
  readonly ops: readonly Op[];
}

export interface LogEntry {
  readonly version: number;
  /** Of the sqliteTx that made it; 0 made version 1, with the tables. */
  readonly id: number;
}

export interface History {
  /** How much later than another's end a beginning has to be to count as later, ms. */
  readonly toleranceMs: number;
  readonly sqliteTxs: readonly SqliteTx[];
  /** As read from the database at the end. */
  readonly log: readonly LogEntry[];
  /** Names of the contexts, for reports. */
  readonly contexts?: readonly string[];
}

export interface Anomaly {
  readonly kind: string;
  readonly text: string;
}

export function writes({ ops }: SqliteTx): boolean {
  return ops.some(({ op }) => op === 'append');
}

/** One sqliteTx in a line, as reports name it. */
export function describe(sqliteTx: SqliteTx, { contexts }: Pick<History, 'contexts'>): string {
  const { id, context, outcome, startedAt, endedAt, snapshot, commit } = sqliteTx;
  const where = contexts?.[context] ?? `context ${context}`;
  const ops = sqliteTx.ops.map((op) =>
    op.op === 'read' ? `${op.key} is [${tail(op.values)}]` : `${op.key} += ${op.value}`,
  );
  const versions = commit === undefined ? `at ${snapshot}` : `at ${snapshot} made ${commit}`;
  const time = `${startedAt} to ${endedAt ?? '?'} ms`;
  return `T${id} (${where}, ${outcome}, ${versions}, ${time}): ${ops.join('; ')}`;
}

const SHOWN_MAX = 6;

function tail(values: readonly number[]): string {
  if (values.length <= SHOWN_MAX) return values.join(' ');
  return `… ${values.slice(-SHOWN_MAX).join(' ')}`;
}
