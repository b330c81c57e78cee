/**
 * The storage worker's end of the channel in contexts that lack something: a SharedWorker must not block,
 * and older browsers have no `Atomics.waitAsync`.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createShared, type SharedParts, WORD } from '../../../src/vfs/shared/layout.js';
import { encodeRequest, type Request } from '../../../src/vfs/shared/protocol.js';
import { RingWriter } from '../../../src/vfs/shared/ring.js';
import { soon } from '../../support/soon.ts';

const FIELDS_BYTES = 64;

let parts: SharedParts;
let served: number[];
beforeEach(() => {
  parts = createShared(256 * 1024);
  served = [];
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.resetModules();
});

/** The module looks at what its context has when it is loaded. */
async function startServer(holdsIdbTx: boolean) {
  vi.resetModules();
  const { ChannelServer } = await import('../../../src/vfs/shared/server.js');
  const serve = (request: Request) => {
    served.push('id' in request ? request.id : 0);
    return undefined;
  };
  const server = new ChannelServer(parts, { holdsIdbTx, serve, paused: () => undefined });
  return { server, running: server.run() };
}

function send(id: number): void {
  new RingWriter(parts).write(FIELDS_BYTES, (to) => encodeRequest(to, { op: 'discard', id }));
  Atomics.notify(parts.words, WORD.TAIL);
}

const aTurn = () => new Promise((resolve) => setTimeout(resolve, 5));

test('a context that must not block serves all the same, and never blocks to hold an idbTx', async () => {
  const wait = vi.spyOn(Atomics, 'wait').mockImplementation(() => {
    throw new TypeError('Atomics.wait cannot be called in this context');
  });
  const { server, running } = await startServer(true);
  const asked = wait.mock.calls.length;
  for (const id of [1, 2, 3]) {
    send(id);
    await aTurn();
  }
  await soon(() => expect(served).toEqual([1, 2, 3]));
  expect(wait.mock.calls.length).toBe(asked);
  server.close();
  await running;
});

test('without Atomics.waitAsync it sleeps until the doorbell rings', async () => {
  const atomics = Atomics as { waitAsync?: unknown };
  const { waitAsync } = atomics;
  atomics.waitAsync = undefined;
  try {
    const { server, running } = await startServer(false);
    await soon(() => expect(Atomics.load(parts.words, WORD.DOORBELL)).toBe(1));
    send(7);
    await aTurn();
    // Nothing but the message wakes it.
    expect(served).toEqual([]);
    server.doorbell();
    await soon(() => expect(served).toEqual([7]));
    // What came before it hung the doorbell is seen.
    send(8);
    server.doorbell();
    await soon(() => expect(served).toEqual([7, 8]));
    server.close();
    await running;
  } finally {
    atomics.waitAsync = waitAsync;
  }
});
