/** Events are built for listeners, and for nobody else. */
import { describe, expect, test, vi } from 'vitest';
import type { PreparedCommit } from '../../../src/blockstore/prepare.js';
import { CommitUnknownError, CorruptionError, StorageError } from '../../../src/errors.js';
import { Emitter, emitError, type VFSEventMap } from '../../../src/vfs/events.js';
import { Syncs } from '../../../src/vfs/syncs.js';

const LOST = { why: 'gone' };
const detailOf = () => vi.fn(() => LOST);

describe('an event is built', () => {
  test('for nobody: not', () => {
    const emitter = new Emitter();
    const detail = detailOf();
    emitter.addEventListener('commit', () => undefined);
    emitter.emit('connectionlost', detail);
    expect(detail).not.toHaveBeenCalled();
    expect(emitter.hears('connectionlost')).toBe(false);
  });

  test('once for all listeners', () => {
    const emitter = new Emitter();
    const heard: unknown[] = [];
    for (let i = 0; i < 3; i++) {
      emitter.addEventListener('connectionlost', (event) => heard.push(event.detail));
    }
    const detail = detailOf();
    emitter.emit('connectionlost', detail);
    expect(detail).toHaveBeenCalledTimes(1);
    expect(heard).toEqual([LOST, LOST, LOST]);
  });

  test.each<[string, (emitter: Emitter) => void]>([
    [
      'was removed',
      (emitter) => {
        const listener = () => undefined;
        emitter.addEventListener('connectionlost', listener);
        emitter.removeEventListener('connectionlost', listener);
      },
    ],
    [
      'was to hear once and has',
      (emitter) => {
        emitter.addEventListener('connectionlost', () => undefined, { once: true });
        emitter.emit('connectionlost', detailOf());
      },
    ],
    [
      'was called off',
      (emitter) => {
        const { signal, ...calling } = callingOff();
        emitter.addEventListener('connectionlost', () => undefined, { signal });
        calling.off();
      },
    ],
    [
      'was called off before',
      (emitter) => {
        const { signal, ...calling } = callingOff();
        calling.off();
        emitter.addEventListener('connectionlost', () => undefined, { signal });
      },
    ],
  ])('not for a listener that %s', (_what, listen) => {
    const emitter = new Emitter();
    listen(emitter);
    const detail = detailOf();
    emitter.emit('connectionlost', detail);
    expect(detail).not.toHaveBeenCalled();
  });

  test('for the one that is left', () => {
    const emitter = new Emitter();
    const [first, second] = [vi.fn(), vi.fn()];
    for (const listener of [first, second]) emitter.addEventListener('connectionlost', listener);
    emitter.removeEventListener('connectionlost', first);
    emitter.emit('connectionlost', detailOf());
    expect(first).not.toHaveBeenCalled();
    expect(second).toHaveBeenCalledTimes(1);
  });
});

function callingOff(): { readonly signal: AbortSignal; off(): void } {
  const controller = new AbortController();
  return { signal: controller.signal, off: () => controller.abort() };
}

test('an error is counted whether anybody listens or not; damage says where', () => {
  const emitter = new Emitter();
  const at = { volume: 'v', path: 'a.db' };
  const key = [1, 2, 3];
  const location = { volume: 'v', store: 'segments', key, version: 2 } as const;
  const damage = new CorruptionError(location, 'a missing segment');
  emitError(emitter, damage, at);
  const heard: VFSEventMap['corruption'][] = [];
  emitter.addEventListener('corruption', ({ detail }) => heard.push(detail));
  emitError(emitter, damage, at);
  emitError(emitter, new StorageError('v', 'a request'), at);
  expect(heard).toEqual([{ path: 'a.db', location, error: damage }]);
  expect(emitter.errors.byCode).toEqual({ CORRUPTION: 2, STORAGE: 1 });
});

describe('a sync', () => {
  function syncs(pendingCommits = 0) {
    const emitter = new Emitter();
    const clock = { ms: 100 };
    const monotonicMs = vi.fn(() => clock.ms);
    const deps = { emitter, volume: 'v', monotonicMs, pendingCommits: () => pendingCommits };
    return { emitter, clock, monotonicMs, syncs: new Syncs(deps) };
  }

  const commits = [
    { file: { path: 'a.db' }, record: { entryCount: 3 }, bytes: 12_288 },
    { file: { path: 'b.db' }, record: { entryCount: 1 }, bytes: 4096 },
    { file: { path: 'a.db' }, record: { entryCount: 2 }, bytes: 8192 },
  ] as never as readonly PreparedCommit[];
  const start = { paths: ['a.db', 'b.db'], commits: 3, blocks: 6, bytes: 24_576 };

  test('that nobody hears of costs no look at the clock', () => {
    const { syncs: told, monotonicMs } = syncs();
    expect(told.begin(commits, 'strict')).toBeUndefined();
    expect(monotonicMs).not.toHaveBeenCalled();
  });

  test.each([
    [undefined, 'complete'],
    [new StorageError('v', 'a commit'), 'failed'],
    [new CommitUnknownError('v', 'a.db'), 'unknown'],
  ] as const)('that ends with %s is %s', (failure, outcome) => {
    const { emitter, clock, syncs: told } = syncs(4);
    const heard: unknown[] = [];
    emitter.addEventListener('syncstart', ({ detail }) => heard.push(detail));
    emitter.addEventListener('syncend', ({ detail }) => heard.push(detail));
    const ended = told.begin(commits, 'relaxed');
    expect(heard).toEqual([{ ...start, durability: 'relaxed' }]);
    clock.ms += 25;
    ended?.(failure);
    const end = { outcome, error: failure, durationMs: 25, pendingCommits: 4 };
    expect(heard.slice(1)).toEqual([{ ...start, durability: 'relaxed', ...end }]);
  });

  test('is told to who listens for its end alone', () => {
    const { emitter, syncs: told } = syncs();
    const heard = vi.fn();
    emitter.addEventListener('syncend', heard);
    told.begin(commits, 'strict')?.(new DOMException('full', 'QuotaExceededError'));
    expect(heard.mock.calls[0]?.[0].detail).toMatchObject({
      outcome: 'failed',
      error: { code: 'QUOTA' },
    });
  });
});
