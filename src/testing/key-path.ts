/** Key paths: which are valid, the key a value has there, and putting a generated key in. */
import { type Key, tagOf, toKey } from './keys.js';

export type KeyPath = string | readonly string[];

/** What a value has at a key path; `none` if the path leads nowhere. */
export type Extracted =
  | { readonly tag: 'key'; readonly key: Key }
  /** For a multiEntry index: the valid keys of an array, each once. */
  | { readonly tag: 'keys'; readonly keys: readonly Key[] }
  | { readonly tag: 'invalid' }
  | { readonly tag: 'none' };

const IDENTIFIER = /^[\p{ID_Start}$_][\p{ID_Continue}$\u200c\u200d]*$/u;

export function isKeyPath(path: unknown): path is KeyPath {
  if (Array.isArray(path)) return path.length > 0 && path.every((p) => isPathString(p));
  return isPathString(path);
}

function isPathString(path: unknown): path is string {
  if (typeof path !== 'string') return false;
  return path === '' || path.split('.').every((part) => IDENTIFIER.test(part));
}

export function extractKey(value: unknown, path: KeyPath, multiEntry = false): Extracted {
  const found = evaluate(value, path);
  if (!found) return { tag: 'none' };
  if (multiEntry && Array.isArray(found.value)) return { tag: 'keys', keys: eachOf(found.value) };
  const key = toKey(found.value);
  return key === undefined ? { tag: 'invalid' } : { tag: 'key', key };
}

function eachOf(values: readonly unknown[]): Key[] {
  return values.map(toKey).filter((key) => key !== undefined);
}

function evaluate(value: unknown, path: KeyPath): { readonly value: unknown } | undefined {
  if (typeof path !== 'string') {
    const parts = path.map((part) => evaluate(value, part));
    return parts.includes(undefined) ? undefined : { value: parts.map((part) => part?.value) };
  }
  if (path === '') return { value };
  let current: unknown = value;
  for (const name of path.split('.')) {
    const step = property(current, name);
    if (!step) return undefined;
    current = step.value;
  }
  return { value: current };
}

const SPECIAL: Readonly<Record<string, readonly string[]>> = {
  String: ['length'],
  Array: ['length'],
  Blob: ['size', 'type'],
  File: ['size', 'type', 'name', 'lastModified'],
};

function property(value: unknown, name: string): { readonly value: unknown } | undefined {
  if (value === undefined || value === null) return undefined;
  const object = Object(value) as Record<string, unknown>;
  const known = SPECIAL[tagOf(value)]?.includes(name) ?? false;
  if (!known && !Object.hasOwn(object, name)) return undefined;
  const found = object[name];
  return found === undefined ? undefined : { value: found };
}

/** True if a generated key can be put into `value`. */
export function isInjectable(value: unknown, path: string): boolean {
  const names = path.split('.');
  names.pop();
  let current: unknown = value;
  for (const name of names) {
    if (!isContainer(current)) return false;
    if (!Object.hasOwn(current, name)) return true;
    current = current[name];
  }
  return isContainer(current);
}

/** Puts a generated key into `value`, a private copy. */
export function injectKey(value: unknown, path: string, key: number): void {
  const names = path.split('.');
  const last = names.pop() ?? '';
  let current = value as Record<string, unknown>;
  for (const name of names) {
    if (!Object.hasOwn(current, name)) current[name] = {};
    current = current[name] as Record<string, unknown>;
  }
  current[last] = key;
}

function isContainer(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
