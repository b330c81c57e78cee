/** Streams of bytes, as tests make and read them. */

/** Everything a stream gives. */
export async function readAll(stream: ReadableStream<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  // WebKit's streams cannot be iterated over.
  const reader = stream.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return joined(chunks);
    chunks.push(value);
  }
}

export function joined(chunks: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(chunks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, at);
    at += chunk.length;
  }
  return bytes;
}

/** A stream that gives bytes in chunks of a length that divides no page; then ends, or fails with `error`. */
export function streamOf(
  bytes: Uint8Array,
  { chunkBytes = 7919, error }: { readonly chunkBytes?: number; readonly error?: Error } = {},
): ReadableStream<Uint8Array> {
  let at = 0;
  return new ReadableStream({
    pull(controller) {
      const chunk = bytes.slice(at, at + chunkBytes);
      at += chunk.length;
      if (chunk.length > 0) controller.enqueue(chunk);
      else if (error) controller.error(error);
      else controller.close();
    },
  });
}

/** Places where two sequences of bytes differ, at most as many as are told. */
export function differences(a: Uint8Array, b: Uint8Array, most = 20): number[] {
  const found: number[] = [];
  if (a.length !== b.length) found.push(Math.min(a.length, b.length));
  for (let i = 0; i < Math.min(a.length, b.length) && found.length < most; i++) {
    if (a[i] !== b[i]) found.push(i);
  }
  return found;
}
