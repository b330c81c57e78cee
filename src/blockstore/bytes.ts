/** Compares bytes, by words where both views are aligned. */
export function equalBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  let i = 0;
  if (((a.byteOffset | b.byteOffset) & 3) === 0) {
    const wordCount = a.length >>> 2;
    const x = new Int32Array(a.buffer, a.byteOffset, wordCount);
    const y = new Int32Array(b.buffer, b.byteOffset, wordCount);
    for (let w = 0; w < wordCount; w++) if (x[w] !== y[w]) return false;
    i = wordCount << 2;
  }
  for (; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}
