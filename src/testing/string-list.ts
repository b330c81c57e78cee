/** A DOMStringList: names in order. */
export class StringList extends Array<string> implements DOMStringList {
  static sorted(names: Iterable<string>): StringList {
    const list = new StringList();
    for (const name of [...names].sort(byCodeUnit)) list.push(name);
    return list;
  }

  /** Plain arrays come out of `map`, `filter` and the like. */
  static override get [Symbol.species](): ArrayConstructor {
    return Array;
  }

  contains(name: string): boolean {
    return this.includes(name);
  }

  item(index: number): string | null {
    return this[index] ?? null;
  }
}

function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
