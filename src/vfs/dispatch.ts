/**
 * Spares the synchronous build the decoding of a method's name at every call.
 *
 * wa-sqlite's C side names the method it calls by a C string. When an object is registered, its name is
 * decoded at each call, which takes longer than most methods do; a function is given the address instead.
 * The names are constants of the wasm module, so an address stands for the same name for ever.
 */
import { UnsupportedError } from '../errors.js';
import type { CurrentMethods } from './methods-current.js';
import type { SqliteModule } from './module.js';

type Method = (...args: number[]) => unknown;

/** From when `vfs` is registered, SQLite calls its methods by address. */
export function callByAddress(module: SqliteModule, vfs: object, methods: CurrentMethods): void {
  const { setCallback } = module;
  // A build that registers in another way decodes the names.
  if (!setCallback) return;
  const known = new Map<number, Method>();
  const learn = (address: number): Method => {
    const name = module.UTF8ToString(address);
    const method = Object.hasOwn(methods, name) ? methods[name as `x${string}`] : undefined;
    if (!method) {
      throw new UnsupportedError('VFS methods by name', `this build calls "${name}".`);
    }
    known.set(address, method);
    return method;
  };
  // No method has more arguments.
  const dispatch = (name: number, a: number, b: number, c: number, d: number, e: number): unknown =>
    (known.get(name) ?? learn(name))(a, b, c, d, e);
  module.setCallback = (key, target) => setCallback(key, target === vfs ? dispatch : target);
}
