/**
 * For a client that keeps sending the event loop turns all the same, also while an idbTx is held open.
 *
 * Method: another thread sends a request each millisecond, so that holding never times out; or so many
 * that the ring is never empty; or the next one comes just before the storage worker would sleep.
 */
import { Worker } from 'node:worker_threads';
import { afterEach, expect, test } from 'vitest';
import { createShared, type SharedParts, WORD } from '../../../src/vfs/shared/layout.js';
import { encodeRequest, type Request } from '../../../src/vfs/shared/protocol.js';
import { RingWriter } from '../../../src/vfs/shared/ring.js';
import { ChannelServer } from '../../../src/vfs/shared/server.js';

/** How long requests come if nothing ends them: much longer than the timers take on a busy machine. */
const LASTS_MS = 20_000;
/** A turn may take a quarter of a second then; the server gives one every 50 ms. */
const TIMERS = 60;
const RECORD_BYTES = 16;
/** What a record has besides its length, and what its length is rounded up by. */
const FIELDS_BYTES = 8;
/** Of requests that are in the ring already it only says that they are sent. */
const SENDER = `
const { words, tail, head, lastsMs, recordBytes, ahead } = require('node:worker_threads').workerData;
const nobody = new Int32Array(new SharedArrayBuffer(4));
const until = performance.now() + lastsMs;
while (performance.now() < until) {
  if (ahead === undefined) Atomics.wait(nobody, 0, 0, 1);
  else if (Atomics.load(words, tail) - Atomics.load(words, head) > ahead) continue;
  Atomics.add(words, tail, recordBytes);
  Atomics.notify(words, tail);
}`;

let sender: Worker | undefined;
afterEach(() => sender?.terminate());

/** A ring that is full of requests, none of which is sent yet. */
function fullRing(): SharedParts {
  const parts = createShared(256 * 1024);
  const request: Request = { op: 'discard', id: 1 };
  const writer = new RingWriter(parts);
  while (writer.hasRoom(FIELDS_BYTES))
    writer.write(FIELDS_BYTES, (to) => encodeRequest(to, request));
  Atomics.store(parts.words, WORD.TAIL, 0);
  return parts;
}

/** Timers come through before the requests end. */
async function expectTurns(): Promise<void> {
  const started = performance.now();
  for (let i = 0; i < TIMERS; i++) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(performance.now() - started).toBeLessThan(0.8 * LASTS_MS);
}

test.each([
  ['an idbTx is held open', { holdsIdbTx: true, ahead: undefined }],
  ['the ring is never empty', { holdsIdbTx: false, ahead: 1000 * RECORD_BYTES }],
])('a timer comes through while %s', async (_what, { holdsIdbTx, ahead }) => {
  const parts = fullRing();
  let served = 0;
  const server = new ChannelServer(parts, {
    holdsIdbTx,
    paused: () => undefined,
    serve: () => {
      served++;
      return undefined;
    },
  });
  sender = new Worker(SENDER, {
    eval: true,
    workerData: {
      words: parts.words,
      tail: WORD.TAIL,
      head: WORD.HEAD,
      ahead,
      lastsMs: LASTS_MS,
      recordBytes: RECORD_BYTES,
    },
  });
  await new Promise((online) => sender?.once('online', online));
  const running = server.run();
  await expectTurns();
  expect(served).toBeGreaterThan(10);
  server.close();
  await running;
});

test('a timer comes through while each request comes just before it would sleep', async () => {
  const parts = fullRing();
  const until = performance.now() + LASTS_MS;
  const server = new ChannelServer(parts, {
    // Asked when the ring was seen to be empty.
    get holdsIdbTx() {
      if (performance.now() < until) Atomics.add(parts.words, WORD.TAIL, RECORD_BYTES);
      return false;
    },
    paused: () => undefined,
    serve: () => undefined,
  });
  const running = server.run();
  await expectTurns();
  server.close();
  await running;
});
