/**
 * The check that trusts no version: from the lists that were read it infers who wrote before whom, and
 * looks for circles in that, in the manner of Elle (Kingsbury, Alvaro: "Elle: Inferring Isolation
 * Anomalies from Experimental Observations", 2020).
 *
 * All values are different, and a list only grows, so the longest reading of a list is the order of its
 * appends, and every other one has to be a beginning of it.
 *
 *   ww  appended right behind the other's value
 *   wr  read a list that ended with the other's value
 *   rw  read a list that the other appended to next
 *   rt  began after the other had ended, or followed it in its context
 *
 * Of those with an unknown outcome only such take part whose values somebody has seen.
 */
import { type Edge, Graph } from './graph.ts';
import { precedences } from './precedence.ts';
import { checkReads, longestReads, type Reading, readings } from './readings.ts';
import { type Anomaly, describe, type History, type SqliteTx } from './record.ts';

type Kind = 'ww' | 'wr' | 'rw' | 'rt';

export function checkListAppend(history: History): Anomaly[] {
  const all = readings(history);
  const orders = longestReads(all);
  return [...checkReads(history, all, orders), ...cycleAnomalies(history, all, orders)];
}

function cycleAnomalies(
  history: History,
  all: readonly Reading[],
  orders: ReadonlyMap<number, readonly number[]>,
): Anomaly[] {
  const seen = new Set([...orders.values()].flat());
  const members = history.sqliteTxs.filter((sqliteTx) => takesPart(sqliteTx, seen));
  const edges = [...listEdges(members, all, orders), ...timeEdges(history, members)];
  const cycle = worstCycle(new Graph(edges));
  return cycle ? [{ kind: cycle.kind, text: story(cycle.edges, history) }] : [];
}

function takesPart({ outcome, ops }: SqliteTx, seen: ReadonlySet<number>): boolean {
  if (outcome !== 'unknown') return outcome === 'committed';
  return ops.some((op) => op.op === 'append' && seen.has(op.value));
}

function listEdges(
  members: readonly SqliteTx[],
  all: readonly Reading[],
  orders: ReadonlyMap<number, readonly number[]>,
): Edge<Kind>[] {
  const writers = new Map<number, number>();
  /** Of each key, what was appended and nobody has seen: it can only come behind what was seen. */
  const unseen = new Map<number, number[]>();
  for (const { id, ops } of members) {
    for (const op of ops) {
      if (op.op !== 'append') continue;
      writers.set(op.value, id);
      if (!orders.get(op.key)?.includes(op.value))
        unseen.set(op.key, [...(unseen.get(op.key) ?? []), op.value]);
    }
  }
  const edges: Edge<Kind>[] = [];
  const add = (kind: Kind, from: number | undefined, to: number | undefined, why: string) => {
    if (from !== undefined && to !== undefined) edges.push({ from, to, kind, why });
  };
  for (const [key, order] of orders) {
    for (const [i, value] of order.entries()) {
      const next = order[i + 1];
      if (next === undefined) continue;
      add('ww', writers.get(value), writers.get(next), `${next} stands behind ${value} in ${key}`);
    }
  }
  const isMember = new Set(members.map(({ id }) => id));
  for (const { by, key, foreign, values } of all) {
    if (!isMember.has(by.id)) continue;
    const last = foreign.at(-1);
    if (last !== undefined) add('wr', writers.get(last), by.id, `saw its ${last} in ${key}`);
    const order = orders.get(key) ?? [];
    const next = order[values.length];
    const followers = next === undefined ? (unseen.get(key) ?? []) : [next];
    for (const value of followers)
      add('rw', by.id, writers.get(value), `added ${value} to ${key}, not seen`);
  }
  return edges;
}

function timeEdges(history: History, members: readonly SqliteTx[]): Edge<Kind>[] {
  return precedences(history, members).map(({ from, to }) => {
    const sameContext = from.context === to.context;
    const why = sameContext
      ? 'followed in the same context'
      : `began at ${to.startedAt} ms, after ${from.endedAt}`;
    return { from: from.id, to: to.id, kind: 'rt', why };
  });
}

/** The first of the kinds of cycles that there is, from the plainest on. */
function worstCycle(
  graph: Graph<Kind>,
): { readonly kind: string; readonly edges: readonly Edge<Kind>[] } | undefined {
  if (graph.shortestCycle(['ww', 'wr', 'rw', 'rt']).length === 0) return undefined;
  for (const [suffix, time] of [
    ['', []],
    [', in real time', ['rt']],
  ] as const) {
    const searches = [
      ['G0 (writes in a circle)', () => graph.shortestCycle(['ww', ...time])],
      ['G1c (information in a circle)', () => graph.shortestCycle(['ww', 'wr', ...time])],
      [
        'G-single (one read is too old)',
        () => graph.shortestCycleWithOne('rw', ['ww', 'wr', ...time]),
      ],
      ['G2 (reads too old)', () => graph.shortestCycle(['ww', 'wr', 'rw', ...time])],
    ] as const;
    for (const [name, search] of searches) {
      const edges = search();
      if (edges.length > 0) return { kind: `${name}${suffix}`, edges };
    }
  }
  return undefined;
}

function story(edges: readonly Edge<Kind>[], history: History): string {
  const byId = new Map(history.sqliteTxs.map((sqliteTx) => [sqliteTx.id, sqliteTx]));
  const circle = withoutDetours(edges);
  const steps = circle.map(({ from, to, kind, why }) => `  T${from} ──${kind}──▶ T${to}: ${why}`);
  const names = circle.flatMap(({ from }) => {
    const sqliteTx = byId.get(from);
    return sqliteTx ? [`  ${describe(sqliteTx, history)}`] : [];
  });
  return `${circle.length} in a circle\n${[...steps, ...names].join('\n')}`;
}

/** What came before in real time by way of others, came before. */
function withoutDetours(edges: readonly Edge<Kind>[]): Edge<Kind>[] {
  const first = edges.findIndex(({ kind }) => kind !== 'rt');
  const turned = [...edges.slice(first), ...edges.slice(0, first)];
  const circle: Edge<Kind>[] = [];
  for (const edge of turned) {
    const last = circle.at(-1);
    if (last?.kind !== 'rt' || edge.kind !== 'rt') circle.push(edge);
    else circle.splice(-1, 1, { ...last, to: edge.to, why: 'began after it had ended' });
  }
  return circle;
}
