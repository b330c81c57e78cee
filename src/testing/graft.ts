/**
 * Puts a class of the simulation below a browser's class of the same kind, so that `instanceof` holds
 * for code that asks for IDBRequest and the like. Where there is no such class nothing happens.
 *
 * Everything the class inherits is first copied to its own prototype: the browser's methods, which
 * refuse foreign objects, are never reached.
 */
interface AnyClass {
  readonly prototype: object;
}

export function graft(ours: AnyClass, name: string): void {
  const theirs = (globalThis as Readonly<Record<string, unknown>>)[name] as AnyClass | undefined;
  if (typeof theirs !== 'function' || theirs === ours) return;
  const own = ours.prototype;
  for (
    let above: object | null = Object.getPrototypeOf(own);
    above !== null && above !== Object.prototype;
    above = Object.getPrototypeOf(above)
  ) {
    for (const key of Reflect.ownKeys(above)) {
      if (Object.hasOwn(own, key)) continue;
      const descriptor = Reflect.getOwnPropertyDescriptor(above, key);
      if (descriptor) Object.defineProperty(own, key, descriptor);
    }
  }
  Object.setPrototypeOf(own, theirs.prototype);
}
