/** The global names of IndexedDB, for programs that use them where there is none. */
import { SimulatedCursor, SimulatedCursorWithValue } from './cursor.js';
import { SimulatedDatabase } from './database.js';
import { SimulatedVersionChangeEvent } from './events.js';
import { SimulatedTab } from './factory.js';
import { SimulatedIndex } from './index-handle.js';
import { SimulatedKeyRange } from './key-range.js';
import { SimulatedObjectStore } from './object-store.js';
import { SimulatedOpenRequest, SimulatedRequest } from './request.js';
import { SimulatedTransaction } from './transaction.js';

const CLASSES: Readonly<Record<string, unknown>> = {
  IDBCursor: SimulatedCursor,
  IDBCursorWithValue: SimulatedCursorWithValue,
  IDBDatabase: SimulatedDatabase,
  IDBFactory: SimulatedTab,
  IDBIndex: SimulatedIndex,
  IDBKeyRange: SimulatedKeyRange,
  IDBObjectStore: SimulatedObjectStore,
  IDBOpenDBRequest: SimulatedOpenRequest,
  IDBRequest: SimulatedRequest,
  IDBTransaction: SimulatedTransaction,
  IDBVersionChangeEvent: SimulatedVersionChangeEvent,
};

/**
 * Defines `IDBKeyRange`, `IDBRequest` and the other classes where they are missing, and `indexedDB`
 * if `factory` is given.
 * @returns a function that puts everything back
 */
export function installGlobals(factory?: IDBFactory): () => void {
  const undo: (() => void)[] = [];
  for (const [name, value] of Object.entries(CLASSES)) {
    if (!(name in globalThis)) undo.push(define(name, value));
  }
  if (factory) undo.push(define('indexedDB', factory));
  return () => {
    for (const step of undo.splice(0).reverse()) step();
  };
}

function define(name: string, value: unknown): () => void {
  const before = Reflect.getOwnPropertyDescriptor(globalThis, name);
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  return () => {
    if (before) Object.defineProperty(globalThis, name, before);
    else Reflect.deleteProperty(globalThis, name);
  };
}
