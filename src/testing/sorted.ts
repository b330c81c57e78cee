/**
 * A sorted collection that never changes: a change makes a new one that shares what it can.
 *
 * Entries lie in leaves of up to LEAF_MAX; a change copies one leaf and the list of leaves. Places
 * are told by predicates that are true for every entry before the place and false from there on.
 */
const LEAF_MAX = 64;

/** True for entries that come before a place. */
export type Before<E> = (entry: E) => boolean;

type Leaf<E> = readonly E[];

export class Sorted<E> {
  readonly size: number;
  readonly #leaves: readonly Leaf<E>[];

  private constructor(leaves: readonly Leaf<E>[], size: number) {
    this.#leaves = leaves;
    this.size = size;
  }

  static empty<E>(): Sorted<E> {
    return new Sorted<E>([], 0);
  }

  /** From entries already in order. */
  static of<E>(entries: readonly E[]): Sorted<E> {
    const leaves: Leaf<E>[] = [];
    for (let from = 0; from < entries.length; from += LEAF_MAX) {
      leaves.push(entries.slice(from, from + LEAF_MAX));
    }
    return new Sorted(leaves, entries.length);
  }

  *[Symbol.iterator](): Generator<E> {
    for (const leaf of this.#leaves) yield* leaf;
  }

  /** The first entry at the place or after it. */
  first(before: Before<E>): E | undefined {
    const leaf = this.#leafOf(before);
    return this.#leaves[leaf]?.[placeIn(this.#leaves[leaf] ?? [], before)];
  }

  /** The last entry before the place. */
  last(before: Before<E>): E | undefined {
    const leaf = this.#leafOf(before);
    const at = placeIn(this.#leaves[leaf] ?? [], before);
    return at > 0 ? this.#leaves[leaf]?.[at - 1] : this.#leaves[leaf - 1]?.at(-1);
  }

  /** Entries from one place up to another. */
  between(from: Before<E>, to: Before<E>, countMax: number = Number.POSITIVE_INFINITY): E[] {
    const found: E[] = [];
    for (let leaf = this.#leafOf(from); leaf < this.#leaves.length; leaf++) {
      const entries = this.#leaves[leaf] as Leaf<E>;
      const start = found.length === 0 ? placeIn(entries, from) : 0;
      for (let at = start; at < entries.length; at++) {
        const entry = entries[at] as E;
        if (found.length >= countMax || !to(entry)) return found;
        found.push(entry);
      }
    }
    return found;
  }

  /** With `entry` at the place; `replaces` what is there. */
  with(before: Before<E>, entry: E, replaces: boolean): Sorted<E> {
    if (this.#leaves.length === 0) return new Sorted([[entry]], 1);
    const index = Math.min(this.#leafOf(before), this.#leaves.length - 1);
    const leaf = this.#leaves[index] as Leaf<E>;
    const at = placeIn(leaf, before);
    const next = leaf.slice();
    next.splice(at, replaces ? 1 : 0, entry);
    const half = next.length >>> 1;
    const parts = next.length > LEAF_MAX ? [next.slice(0, half), next.slice(half)] : [next];
    return this.#replaced(index, index + 1, parts, this.size + (replaces ? 0 : 1));
  }

  /** Without the entries from one place up to another. */
  without(from: Before<E>, to: Before<E>): Sorted<E> {
    const first = this.#leafOf(from);
    const parts: Leaf<E>[] = [];
    let removed = 0;
    let index = first;
    for (; index < this.#leaves.length; index++) {
      const leaf = this.#leaves[index] as Leaf<E>;
      const start = placeIn(leaf, from);
      const end = placeIn(leaf, to);
      removed += Math.max(0, end - start);
      if (end <= start) {
        parts.push(leaf);
      } else if (end - start < leaf.length) {
        parts.push([...leaf.slice(0, start), ...leaf.slice(end)]);
      }
      if (end < leaf.length) {
        index++;
        break;
      }
    }
    return removed === 0 ? this : this.#replaced(first, index, parts, this.size - removed);
  }

  #replaced(from: number, to: number, parts: readonly Leaf<E>[], size: number): Sorted<E> {
    const leaves = [...this.#leaves.slice(0, from), ...parts, ...this.#leaves.slice(to)];
    return new Sorted(leaves, size);
  }

  /** The leaf with the first entry not before the place, or one past the last leaf. */
  #leafOf(before: Before<E>): number {
    let low = 0;
    let high = this.#leaves.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const last = this.#leaves[middle]?.at(-1) as E;
      if (before(last)) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function placeIn<E>(leaf: Leaf<E>, before: Before<E>): number {
  let low = 0;
  let high = leaf.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (before(leaf[middle] as E)) low = middle + 1;
    else high = middle;
  }
  return low;
}
