/** Counts what is asked of a volume's object stores, behind the VFS's back. */

export interface SeenRequest {
  readonly method: string;
  readonly store: string;
  readonly key: unknown;
}

export interface RequestSpy {
  readonly seen: SeenRequest[];
  /** What was seen since the last `take`. */
  take(): SeenRequest[];
  restore(): void;
}

const METHODS = [
  'add',
  'put',
  'delete',
  'clear',
  'get',
  'getKey',
  'getAll',
  'getAllKeys',
  'count',
  'openCursor',
  'openKeyCursor',
] as const;

type Method = (this: IDBObjectStore, ...args: unknown[]) => IDBRequest;

/** Patches the prototype until `restore`: the VFS gets genuine objects. */
export function spyRequests(volume: string): RequestSpy {
  const prototype = IDBObjectStore.prototype as object as Record<string, Method>;
  const originals = METHODS.map((method) => [method, prototype[method] as Method] as const);
  const seen: SeenRequest[] = [];
  for (const [method, original] of originals) {
    prototype[method] = function (...args) {
      if (this.transaction.db.name === volume) {
        const key = method === 'add' || method === 'put' ? args[1] : args[0];
        seen.push({ method, store: this.name, key });
      }
      return original.apply(this, args);
    };
  }
  return {
    seen,
    take: () => seen.splice(0),
    restore: () => {
      for (const [method, original] of originals) prototype[method] = original;
    },
  };
}

/** How often each method was used on each store: { 'add segments': 2, … }. */
export function tally(requests: readonly SeenRequest[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { method, store } of requests) {
    const name = `${method} ${store}`;
    counts[name] = (counts[name] ?? 0) + 1;
  }
  return counts;
}
