/**
 * The check that looks inside: it takes the versions that sqliteTxs were told for the order they happened
 * in, and looks whether everything they saw agrees with it.
 *
 *   log          versions are contiguous, each made by one sqliteTx that may have made it
 *   commit       who was acknowledged is in the log, at the version after its snapshot; who failed is not
 *   told         what the library told of its versions goes with the log
 *   read         every read, of failed sqliteTxs too, equals the model at its snapshot, own appends on top
 *   real time    who begins after another has ended sees at least what that one saw and made
 */
import { type Before, precedences } from './precedence.ts';
import { type Anomaly, describe, type History, type SqliteTx, writes } from './record.ts';

export function checkVersions(history: History): Anomaly[] {
  const placed = history.sqliteTxs.map((sqliteTx) => place(sqliteTx, history));
  return [
    ...logAnomalies(history),
    ...history.sqliteTxs.flatMap((sqliteTx) => commitAnomalies(sqliteTx, history)),
    ...toldAnomalies(history),
    ...readAnomalies(history),
    ...precedences(history, placed.filter(isPlaced)).flatMap((before) =>
      orderAnomalies(before, history),
    ),
  ];
}

function logAnomalies(history: History): Anomaly[] {
  const found: Anomaly[] = [];
  const known = new Map(history.sqliteTxs.map((sqliteTx) => [sqliteTx.id, sqliteTx]));
  for (const [i, { version, id }] of history.log.entries()) {
    if (version !== i + 1) {
      found.push({ kind: 'skipped version', text: `${version} stands where ${i + 1} should` });
      break;
    }
    const maker = known.get(id);
    if (!maker && id !== 0)
      found.push({
        kind: 'unknown writer',
        text: `version ${version} is of T${id}, which nobody ran`,
      });
    if (maker?.outcome === 'aborted') {
      const text = `version ${version} is of ${describe(maker, history)}`;
      found.push({ kind: 'aborted commit', text });
    }
  }
  return found;
}

function commitAnomalies(sqliteTx: SqliteTx, history: History): Anomaly[] {
  const { id, snapshot, outcome } = sqliteTx;
  const made = history.log.filter((entry) => entry.id === id).map(({ version }) => version);
  const anomaly = (kind: string, text: string): Anomaly[] => [
    { kind, text: `${text}: ${describe(sqliteTx, history)}` },
  ];
  if (made.length > 1) return anomaly('committed twice', `it made versions ${made.join(' and ')}`);
  if (outcome !== 'committed') return [];
  const [version] = made;
  if (!writes(sqliteTx)) {
    return version === undefined ? [] : anomaly('read that wrote', `it made version ${version}`);
  }
  if (version === undefined) return anomaly('lost commit', 'it is not in the log');
  if (snapshot !== undefined && snapshot !== version - 1)
    return anomaly('lost update', `it read at ${snapshot} and made ${version}`);
  return [];
}

/**
 * What the library told of its versions against the log. They are equal, but that the library makes a version
 * without an entry, and without a change, for a ROLLBACK after SQLite's page cache has spilled.
 */
function toldAnomalies(history: History): Anomaly[] {
  const makers = new Map(history.sqliteTxs.map((sqliteTx) => [sqliteTx.id, sqliteTx]));
  const failed = history.sqliteTxs.filter(({ outcome }) => outcome !== 'committed');
  let aheadLeast = 0;
  for (const { version, id } of history.log) {
    const maker = makers.get(id);
    const { commit, endedAt } = maker ?? {};
    if (!maker || commit === undefined || endedAt === undefined) continue;
    const ahead = commit - version;
    const aheadMost = failed.filter(({ startedAt }) => startedAt <= endedAt).length;
    if (ahead < aheadLeast || ahead > aheadMost) {
      const text = `it was told ${commit} and made ${version}: ${describe(maker, history)}`;
      return [{ kind: 'other version', text }];
    }
    aheadLeast = ahead;
  }
  return [];
}

/** Of each key, its values with the version each came in. */
function model({ log, sqliteTxs }: History): Map<number, { value: number; version: number }[]> {
  const lists = new Map<number, { value: number; version: number }[]>();
  const makers = new Map(sqliteTxs.map((sqliteTx) => [sqliteTx.id, sqliteTx]));
  for (const { version, id } of log) {
    for (const op of makers.get(id)?.ops ?? []) {
      if (op.op !== 'append') continue;
      const list = lists.get(op.key) ?? [];
      list.push({ value: op.value, version });
      lists.set(op.key, list);
    }
  }
  return lists;
}

function readAnomalies(history: History): Anomaly[] {
  const lists = model(history);
  const found: Anomaly[] = [];
  for (const sqliteTx of history.sqliteTxs) {
    if (!isPlaced(sqliteTx)) continue;
    const own = new Map<number, number[]>();
    for (const op of sqliteTx.ops) {
      const appended = own.get(op.key) ?? [];
      if (op.op === 'append') {
        own.set(op.key, [...appended, op.value]);
        continue;
      }
      const before = (lists.get(op.key) ?? []).filter(
        ({ version }) => version <= sqliteTx.snapshot,
      );
      const expected = [...before.map(({ value }) => value), ...appended].join(' ');
      if (op.values.join(' ') !== expected) {
        const text = `key ${op.key} at ${sqliteTx.snapshot} is [${expected}]: ${describe(sqliteTx, history)}`;
        found.push({ kind: 'wrong read', text });
      }
    }
  }
  return found;
}

function orderAnomalies({ from, to, by }: Before, history: History): Anomaly[] {
  const seen =
    from.outcome === 'committed' && writes(from) ? versionOf(from, history) : from.snapshot;
  if (seen === undefined || to.snapshot === undefined || to.snapshot >= seen) return [];
  const how = by === 'time' ? 'began after it had ended' : 'followed it in its context';
  const text = `${describe(to, history)} ${how}: ${describe(from, history)}`;
  return [{ kind: 'stale read', text }];
}

/** Who writes without looking, in one statement, is told no snapshot: it is the one below its version. */
function place(sqliteTx: SqliteTx, history: History): SqliteTx {
  if (sqliteTx.snapshot !== undefined || sqliteTx.outcome !== 'committed') return sqliteTx;
  const version = versionOf(sqliteTx, history);
  return version === undefined ? sqliteTx : { ...sqliteTx, snapshot: version - 1 };
}

function versionOf({ id }: SqliteTx, { log }: History): number | undefined {
  return log.find((entry) => entry.id === id)?.version;
}

/** Its place in the order is known, and it must be right. */
function isPlaced(sqliteTx: SqliteTx): sqliteTx is SqliteTx & { readonly snapshot: number } {
  return sqliteTx.outcome !== 'unknown' && sqliteTx.snapshot !== undefined;
}
