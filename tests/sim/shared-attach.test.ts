/**
 * A client is taken in by its storage worker once, also when a browser loses or delays what it asks through a
 * port (vfs/shared/remote.ts).
 *
 * Method: a storage worker in this thread, over a simulated IndexedDB, and a port to it that loses messages or
 * keeps them back.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SimulatedIndexedDB } from '../../src/testing/index.js';
import { Emitter } from '../../src/vfs/events.js';
import { resolveOptions, type VFSOptions } from '../../src/vfs/options.js';
import { createShared } from '../../src/vfs/shared/layout.js';
import { Pulse } from '../../src/vfs/shared/pulse.js';
import { RemoteStorage, type StorageTarget } from '../../src/vfs/shared/remote.js';
import { serveStorage } from '../../src/vfs/shared/serve.js';
import { useGlobals } from '../support/globals.ts';

type Message = [message: unknown, ports: MessagePort[]];

const VOLUME = 'volume';
const never = new Promise<never>(() => undefined);

useGlobals();

let sim: SimulatedIndexedDB;
let toStorage: MessagePort;
beforeEach(() => {
  sim = new SimulatedIndexedDB({ trace: false });
  const { port1, port2 } = new MessageChannel();
  serveStorage({ indexedDB: sim as IDBFactory, locks: null, port: port1 });
  toStorage = port2;
});
afterEach(() => {
  vi.restoreAllMocks();
  toStorage.close();
});

/** A target that does with messages what `deliver` does. */
function targetOf(deliver: (...message: Message) => void): StorageTarget {
  return { postMessage: deliver as StorageTarget['postMessage'] };
}

async function attach(
  target: StorageTarget,
  { timeoutMs = 60_000, ...more }: VFSOptions & { timeoutMs?: number } = {},
): Promise<RemoteStorage> {
  const given = { indexedDB: sim as IDBFactory, locks: null, ...more };
  const { indexedDB: _, locks: __, ...options } = resolveOptions(VOLUME, given);
  const { buffer, words } = createShared(256 * 1024);
  const type = 'idb-block-vfs:attach';
  const asked = {
    type,
    buffer,
    options: { ...options, locks: false },
    aliveLock: undefined,
  } as const;
  const pulse = new Pulse(words, timeoutMs);
  return await RemoteStorage.attach(target, asked, {
    emitter: new Emitter(),
    pulse,
    timeoutMs,
    failed: never,
  });
}

/** A volume that is open has the options it was opened with: with others it opens when nobody has it. */
async function expectClosed(): Promise<void> {
  const other = await attach(toStorage, { cacheBytes: 2 ** 20 });
  await other.close();
}

test.each([0, 1, 2])('a client that was not heard %i times is taken in', async (lost) => {
  let left = lost;
  const remote = await attach(
    targetOf((message, ports) => {
      if (left-- > 0) for (const port of ports) port.close();
      else toStorage.postMessage(message, ports);
    }),
  );
  expect(await remote.call('listFiles')).toEqual([]);
  await remote.close();
  await expectClosed();
});

test('a client that is heard three times is taken in once', async () => {
  const post = vi.spyOn(MessagePort.prototype, 'postMessage');
  const kept: Message[] = [];
  const remote = await attach(
    targetOf((...message) => {
      kept.push(message);
      if (kept.length === 3) for (const each of kept) toStorage.postMessage(...each);
    }),
  );
  expect(await remote.call('listFiles')).toEqual([]);
  await remote.close();
  const answers = post.mock.calls.filter(([said]) => said.type === 'attached');
  expect(answers).toHaveLength(1);
  await expectClosed();
});

test('a client whose answers are lost at first is taken in', async () => {
  const { postMessage } = MessagePort.prototype;
  let left = 2;
  vi.spyOn(MessagePort.prototype, 'postMessage').mockImplementation(function (
    this: MessagePort,
    ...said: unknown[]
  ) {
    const [message] = said as [{ readonly type?: unknown }];
    if (message.type === 'attached' && left-- > 0) return;
    return Reflect.apply(postMessage, this, said);
  });
  const remote = await attach(toStorage);
  expect(left).toBeLessThan(0);
  expect(await remote.call('listFiles')).toEqual([]);
  await remote.close();
  await expectClosed();
});

test('a client that has given up is not taken in when it is heard at last', async () => {
  const kept: Message[] = [];
  const attaching = attach(
    targetOf((...message) => kept.push(message)),
    { timeoutMs: 300 },
  );
  await expect(attaching).rejects.toMatchObject({ code: 'STORAGE_WORKER' });
  for (const message of kept) toStorage.postMessage(...message);
  await expectClosed();
});

test('a storage worker that hears nothing is an error after the limit', async () => {
  const asked: unknown[] = [];
  const attaching = attach(
    targetOf((message) => asked.push(message)),
    { timeoutMs: 600 },
  );
  await expect(attaching).rejects.toMatchObject({ code: 'STORAGE_WORKER' });
  const { length } = asked;
  expect(length).toBeGreaterThan(0);
  await new Promise((resolve) => setTimeout(resolve, 600));
  expect(asked).toHaveLength(length);
});
