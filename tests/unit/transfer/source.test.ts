import { expect, test } from 'vitest';
import { ContentDigest } from '../../../src/transfer/digest.js';
import { type ByteSource, SourceReader } from '../../../src/transfer/source.js';
import { streamOf } from '../../support/bytes.ts';

const BYTES = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

const sources: Readonly<Record<string, () => ByteSource>> = {
  stream: () => streamOf(BYTES, { chunkBytes: 77 }),
  'stream of one chunk': () => streamOf(BYTES, { chunkBytes: 5000 }),
  blob: () => new Blob([BYTES]),
  array: () => BYTES,
  'array in a larger buffer': () => Uint8Array.from([9, ...BYTES, 9]).subarray(1, 1001),
  buffer: () => BYTES.slice().buffer,
};

test.each(Object.entries(sources))('all bytes of a %s come in pieces as asked', async (_, make) => {
  for (const length of [1, 76, 77, 78, 500, 999, 1000, 1001]) {
    const reader = new SourceReader(make());
    const got: number[] = [];
    for (;;) {
      const piece = await reader.take(length);
      expect(piece.length).toBe(Math.min(length, BYTES.length - got.length));
      if (piece.length === 0) break;
      got.push(...piece);
    }
    expect(reader.taken).toBe(BYTES.length);
    expect(Uint8Array.from(got)).toEqual(BYTES);
  }
});

test('what is known of the length', () => {
  const known = Object.entries(sources).map(([name, make]) => [
    name,
    new SourceReader(make()).totalBytes,
  ]);
  expect(Object.fromEntries(known)).toEqual({
    stream: undefined,
    'stream of one chunk': undefined,
    blob: 1000,
    array: 1000,
    'array in a larger buffer': 1000,
    buffer: 1000,
  });
});

test.each([['text'], [null], [undefined], [7], [{}]])('%j is no source', (given) => {
  const make = () => new SourceReader(given as unknown as ByteSource);
  expect(make).toThrow(expect.objectContaining({ code: 'OPTION' }));
});

test('a stream that somebody reads, or of something else', async () => {
  const stream = streamOf(BYTES);
  stream.getReader();
  expect(() => new SourceReader(stream)).toThrow(expect.objectContaining({ code: 'OPTION' }));
  const odd = new ReadableStream({ start: (controller) => controller.enqueue('text') });
  await expect(new SourceReader(odd).take(1)).rejects.toMatchObject({ code: 'OPTION' });
});

test('a signal ends a wait, and cancels the stream', async () => {
  let cancelled: unknown;
  const silent = new ReadableStream<Uint8Array>({
    cancel: (reason) => {
      cancelled = reason;
    },
  });
  const stop = new AbortController();
  const taking = new SourceReader(silent, stop.signal).take(1);
  const reason = new Error('enough');
  stop.abort(reason);
  await expect(taking).rejects.toBe(reason);
  expect(cancelled).toBe(reason);
});

test('a digest is of the bytes, however they are cut', () => {
  const bytes = Uint8Array.from({ length: 300_000 }, (_, i) => (i * i) % 253);
  const digestOf = (chunk: number, of = bytes) => {
    const digest = new ContentDigest();
    for (let at = 0; at < of.length; at += chunk) digest.add(of.subarray(at, at + chunk));
    return [digest.bytes, digest.end()];
  };
  const whole = digestOf(bytes.length);
  for (const chunk of [1, 4096, 65536, 100_000]) expect(digestOf(chunk)).toEqual(whole);
  for (const at of [0, 65535, 65536, 299_999]) {
    expect(digestOf(4096, bytes.with(at, 254))).not.toEqual(whole);
  }
});
