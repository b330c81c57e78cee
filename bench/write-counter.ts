/** Counts the bytes that this context hands to IndexedDB. Costs little, but not for a measured loop. */

/** @returns what was written since. Storage workers are contexts of their own: they count nothing here. */
export function countWrites(): () => number {
  let bytes = 0;
  const { prototype } = IDBObjectStore;
  for (const name of ['add', 'put'] as const) {
    const write = prototype[name];
    prototype[name] = function (this: IDBObjectStore, ...args: Parameters<typeof write>) {
      bytes += byteCountOf(args[0]);
      return write.apply(this, args);
    };
  }
  return () => bytes;
}

/** Of the binary data in a value: the rest of it is small. */
export function byteCountOf(value: unknown): number {
  if (value instanceof ArrayBuffer || ArrayBuffer.isView(value)) return value.byteLength;
  if (value instanceof Blob) return value.size;
  if (typeof value !== 'object' || value === null) return 0;
  return Object.values(value).reduce((sum, part) => sum + byteCountOf(part), 0);
}
