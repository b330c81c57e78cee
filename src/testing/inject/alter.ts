/**
 * Changes inside a stored value. It is the largest binary part that is changed; if there is none, the
 * longest string; if there is none, a number. What makes up an in-line key is left alone.
 */

/** A place inside a value. */
interface Leaf {
  readonly size: number;
  readonly value: unknown;
  /** @returns the whole value with `replacement` in this place */
  put(replacement: unknown): unknown;
}

export interface Inside {
  /** Parts that are in-line keys. */
  readonly keyPaths: readonly string[];
  /** An integer from 0 up to, and without, `limit`. */
  readonly draw: (limit: number) => number;
}

/** @returns the value with one bit inverted, undefined if it has none */
export function flipBit(
  value: unknown,
  bit: number | undefined,
  inside: Inside,
): { readonly value: unknown } | undefined {
  const leaf = leafOf(value, inside.keyPaths);
  if (!leaf || leaf.size === 0) return undefined;
  if (typeof leaf.value === 'string')
    return { value: leaf.put(flipInText(leaf.value, bit, inside)) };
  const isNumber = typeof leaf.value === 'number';
  const bytes = isNumber ? bytesOf(new Float64Array([leaf.value as number])) : bytesOf(leaf.value);
  const at = bit ?? inside.draw(isNumber ? MANTISSA_BITS : bytes.length * 8);
  const byte = Math.floor(at / 8) % bytes.length;
  bytes[byte] = (bytes[byte] as number) ^ (1 << (at % 8));
  const flipped = isNumber ? new Float64Array(bytes.buffer)[0] : like(leaf.value, bytes);
  return { value: leaf.put(flipped) };
}

/** Of a number, only these are drawn: with any of them inverted it is still a number. */
const MANTISSA_BITS = 52;

function flipInText(text: string, bit: number | undefined, { draw }: Inside): string {
  const at = bit ?? draw(text.length * 16);
  const unit = Math.floor(at / 16) % text.length;
  const code = text.charCodeAt(unit) ^ (1 << (at % 16));
  return text.slice(0, unit) + String.fromCharCode(code) + text.slice(unit + 1);
}

/** @returns the value cut short, undefined if there is nothing to cut */
export function truncate(
  value: unknown,
  length: number | undefined,
  inside: Inside,
): { readonly value: unknown } | undefined {
  const leaf = leafOf(value, inside.keyPaths);
  if (!leaf || leaf.size === 0 || typeof leaf.value === 'number') return undefined;
  const left = length ?? inside.draw(leaf.size);
  if (left >= leaf.size) return undefined;
  if (typeof leaf.value === 'string') return { value: leaf.put(leaf.value.slice(0, left)) };
  return { value: leaf.put(like(leaf.value, bytesOf(leaf.value).slice(0, left))) };
}

/** @returns the value with its leaf of another type */
export function retype(value: unknown, keyPaths: readonly string[], other?: unknown): unknown {
  const leaf = leafOf(value, keyPaths);
  if (!leaf) return other ?? (typeof value === 'string' ? 0 : 'of another type');
  return leaf.put(other ?? (typeof leaf.value === 'string' ? 0 : 'of another type'));
}

/** Puts a key into a copy of a value with in-line keys. */
export function withKey(
  value: unknown,
  keyPath: string | readonly string[],
  key: IDBValidKey,
): unknown {
  const paths = typeof keyPath === 'string' ? [keyPath] : keyPath;
  const parts = typeof keyPath === 'string' ? [key] : (key as IDBValidKey[]);
  const copy = structuredClone(value);
  for (const [i, path] of paths.entries()) {
    const names = path.split('.');
    const last = names.pop() ?? '';
    let current = copy as Record<string, unknown>;
    for (const name of names) current = current[name] as Record<string, unknown>;
    current[last] = parts[i];
  }
  return copy;
}

/** The leaf that is changed. */
function leafOf(value: unknown, keyPaths: readonly string[]): Leaf | undefined {
  let best: Leaf | undefined;
  for (const leaf of leaves(value, '', keyPaths)) {
    if (!best || rankOf(leaf) > rankOf(best)) best = leaf;
  }
  return best;
}

function rankOf({ value, size }: Leaf): number {
  if (typeof value === 'number') return 0;
  return typeof value === 'string' ? 1 + size / 2 ** 40 : 2 + size / 2 ** 40;
}

function* leaves(value: unknown, path: string, keyPaths: readonly string[]): Generator<Leaf> {
  if (keyPaths.includes(path)) return;
  const put = (replacement: unknown) => replacement;
  if (typeof value === 'number') yield { size: 1, value, put };
  else if (typeof value === 'string') yield { size: value.length, value, put };
  else if (value instanceof ArrayBuffer) yield { size: value.byteLength, value, put };
  else if (ArrayBuffer.isView(value)) yield { size: value.byteLength, value, put };
  else if (isContainer(value)) {
    for (const [name, part] of Object.entries(value)) {
      for (const leaf of leaves(part, path === '' ? name : `${path}.${name}`, keyPaths)) {
        yield { ...leaf, put: (replacement) => replace(value, name, leaf.put(replacement)) };
      }
    }
  }
}

function isContainer(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
}

function replace(container: Record<string, unknown>, name: string, part: unknown): unknown {
  if (!Array.isArray(container)) return { ...container, [name]: part };
  return container.map((other, i) => (String(i) === name ? part : (other as unknown)));
}

function bytesOf(value: unknown): Uint8Array<ArrayBuffer> {
  if (value instanceof ArrayBuffer) return new Uint8Array(value.slice(0));
  const { buffer, byteOffset, byteLength } = value as ArrayBufferView;
  return new Uint8Array(buffer, byteOffset, byteLength).slice();
}

/** The bytes as what they were, or as plain ones if they are too few for it. */
function like(value: unknown, bytes: Uint8Array<ArrayBuffer>): unknown {
  if (value instanceof ArrayBuffer) return bytes.buffer;
  const View = (value as ArrayBufferView).constructor as new (buffer: ArrayBuffer) => unknown;
  try {
    return new View(bytes.buffer);
  } catch {
    return bytes;
  }
}
