/**
 * A directed graph with edges of several kinds, and its shortest cycles.
 *
 * Of our own, since there is so little of it: the shortest cycle takes a search from each edge anyway, and
 * strongly connected components, for which there are libraries, would only say where to search. To take
 * away what nothing leads to says that well enough, and leaves nothing where there is no cycle.
 */

export interface Edge<Kind extends string> {
  readonly from: number;
  readonly to: number;
  readonly kind: Kind;
  /** Why, for people. */
  readonly why: string;
}

export class Graph<Kind extends string> {
  readonly #edges: readonly Edge<Kind>[];

  constructor(edges: readonly Edge<Kind>[]) {
    this.#edges = edges.filter(({ from, to }) => from !== to);
  }

  /** The shortest cycle with edges of these kinds only; empty if there is none. */
  shortestCycle(kinds: readonly Kind[]): Edge<Kind>[] {
    const edges = onCycles(this.#edges.filter(({ kind }) => kinds.includes(kind)));
    const ways = bySource(edges);
    return shortest(edges.map((edge) => closed(edge, ways)));
  }

  /** The shortest cycle with one edge of kind `once`, and all others of `kinds`. */
  shortestCycleWithOne(once: Kind, kinds: readonly Kind[]): Edge<Kind>[] {
    const rest = this.#edges.filter(({ kind }) => kinds.includes(kind));
    const special = this.#edges.filter(({ kind }) => kind === once);
    const cyclic = new Set(onCycles([...rest, ...special]));
    const ways = bySource(rest.filter((edge) => cyclic.has(edge)));
    return shortest(special.filter((edge) => cyclic.has(edge)).map((edge) => closed(edge, ways)));
  }
}

type Ways<Kind extends string> = ReadonlyMap<number, readonly Edge<Kind>[]>;

function bySource<Kind extends string>(edges: readonly Edge<Kind>[]): Ways<Kind> {
  const ways = new Map<number, Edge<Kind>[]>();
  for (const edge of edges) {
    const others = ways.get(edge.from);
    if (others) others.push(edge);
    else ways.set(edge.from, [edge]);
  }
  return ways;
}

/** The edges that are left when nodes that nothing leads to are taken away, as long as there are some. */
function onCycles<Kind extends string>(edges: readonly Edge<Kind>[]): readonly Edge<Kind>[] {
  const ways = bySource(edges);
  const incoming = new Map<number, number>();
  for (const { to } of edges) incoming.set(to, (incoming.get(to) ?? 0) + 1);
  const free = [...ways.keys()].filter((node) => !incoming.has(node));
  const gone = new Set<number>();
  for (const node of free) {
    gone.add(node);
    for (const { to } of ways.get(node) ?? []) {
      const left = (incoming.get(to) ?? 0) - 1;
      incoming.set(to, left);
      if (left === 0) free.push(to);
    }
  }
  return edges.filter(({ from }) => !gone.has(from));
}

/** The edge with the shortest way back from its end to its beginning; empty if there is none. */
function closed<Kind extends string>(edge: Edge<Kind>, ways: Ways<Kind>): Edge<Kind>[] {
  const reachedBy = new Map<number, Edge<Kind>>();
  const queue = [edge.to];
  for (const node of queue) {
    for (const way of ways.get(node) ?? []) {
      if (way.to === edge.to || reachedBy.has(way.to)) continue;
      reachedBy.set(way.to, way);
      if (way.to === edge.from) return [edge, ...pathTo(edge.from, reachedBy)];
      queue.push(way.to);
    }
  }
  return [];
}

function pathTo<Kind extends string>(
  node: number,
  reachedBy: ReadonlyMap<number, Edge<Kind>>,
): Edge<Kind>[] {
  const path: Edge<Kind>[] = [];
  for (let last = reachedBy.get(node); last; last = reachedBy.get(last.from)) path.unshift(last);
  return path;
}

function shortest<Kind extends string>(cycles: readonly Edge<Kind>[][]): Edge<Kind>[] {
  return cycles
    .filter(({ length }) => length > 0)
    .reduce<Edge<Kind>[]>(
      (best, cycle) => (best.length === 0 || cycle.length < best.length ? cycle : best),
      [],
    );
}
