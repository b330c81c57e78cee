/** The queue by itself: commits that only have a size, a file and a durability. */
import { describe, expect, test, vi } from 'vitest';
import type { CachedSegment } from '../../../src/blockstore/cache.js';
import type { BlockFile } from '../../../src/blockstore/file.js';
import type { PreparedCommit } from '../../../src/blockstore/prepare.js';
import {
  type Enqueued,
  type Flush,
  WriteBehind,
  type WriteBehindLimits,
} from '../../../src/blockstore/write-behind.js';
import { QuotaError } from '../../../src/errors.js';
import type { Durability } from '../../../src/types.js';

const MIB = 1024 * 1024;
const GROUP_BYTES_MAX = 8 * MIB;
const LIMITS: WriteBehindLimits = {
  maxDirtyBytes: 100 * MIB,
  maxDirtyCommits: 1000,
  maxDelayMs: 100,
};

interface CommitShape {
  readonly files?: readonly string[];
  readonly bytes?: number;
  /** Of 4,096 bytes each. */
  readonly blocks?: number;
  readonly durability?: Durability;
  /** The files whose part has spilled. */
  readonly spilled?: readonly string[];
}

interface Answer {
  readonly promise: Promise<undefined>;
  readonly resolve: () => void;
  readonly reject: (cause: unknown) => void;
}

/** Writes take until `answer` is called; `names` of the groups written so far. */
function queue(limits: Partial<WriteBehindLimits> = {}) {
  const clock = { ms: 1000 };
  const writes: { readonly names: string[]; readonly durability: Durability }[] = [];
  const answers: Answer[] = [];
  const timers: ((isIdle: boolean) => void)[] = [];
  const delays: number[] = [];
  const lost: string[][] = [];
  const losing: string[] = [];
  const landed: Enqueued[] = [];
  const flushes: Flush[] = [];
  const behind = new WriteBehind({
    limits: { ...LIMITS, ...limits },
    idleTimer: (ms, callback) => {
      delays.push(ms);
      timers.push(callback);
      return () => timers.splice(timers.indexOf(callback), 1);
    },
    monotonicMs: () => clock.ms,
    write: (prepared, durability) => {
      writes.push({ names: prepared.map(({ file }) => file.path), durability });
      const answer = deferredAnswer();
      answers.push(answer);
      return answer.promise;
    },
    onLanded: (commit) => landed.push(commit),
    onFlush: (flush) => flushes.push(flush),
    onLoss: (_error, paths) => lost.push([...paths]),
  });
  const files = new Map<string, BlockFile>();
  const fileOf = (path: string): BlockFile => {
    const lose = async () => void losing.push(path);
    const file = files.get(path) ?? ({ path, lose } as never as BlockFile);
    files.set(path, file);
    return file;
  };
  const add = ({
    files: paths = ['a'],
    bytes = 1,
    blocks = 1,
    durability = 'deferred',
    spilled = [],
  }: CommitShape = {}) => {
    const segment = { pinned: true } as CachedSegment;
    const prepared = paths.map(
      (path) =>
        ({
          file: fileOf(path),
          draft: { hasSpilled: spilled.includes(path) },
          record: { entryCount: blocks, blockSize: 4096 },
          bytes,
        }) as never as PreparedCommit,
    );
    behind.add({ prepared, held: [segment], started: clock.ms, durability });
    return segment;
  };
  /** The idbTx under way ends, with an error or without. */
  const answer = async (error?: Error) => {
    await turn();
    const next = answers.shift();
    if (error) next?.reject(error);
    else next?.resolve();
    await turn();
  };
  const names = () => writes.map((write) => write.names.join(''));
  return {
    behind,
    clock,
    writes,
    timers,
    delays,
    lost,
    losing,
    landed,
    flushes,
    add,
    answer,
    names,
  };
}

function deferredAnswer(): Answer {
  let [resolve, reject]: [() => void, (cause: unknown) => void] = [() => {}, () => {}];
  const promise = new Promise<undefined>((one, other) => {
    [resolve, reject] = [() => one(undefined), other];
  });
  return { promise, resolve, reject };
}

const turn = () => new Promise((resolve) => setTimeout(resolve));
const room = () => new QuotaError('volume', { cause: undefined });

describe('an idbTx', () => {
  test.each<[Durability[], Durability]>([
    [['deferred', 'deferred'], 'deferred'],
    [['deferred', 'relaxed'], 'relaxed'],
    [['relaxed', 'strict', 'deferred'], 'strict'],
  ])('of %s commits is as durable as the strongest', async (durabilities, expected) => {
    const { add, writes, behind, answer } = queue();
    for (const durability of durabilities) add({ durability });
    behind.flush();
    await answer();
    expect(writes).toEqual([{ names: durabilities.map(() => 'a'), durability: expected }]);
  });

  test.each([
    [[3 * MIB, 5 * MIB], 1],
    [[3 * MIB, 5 * MIB + 1], 2],
    [[GROUP_BYTES_MAX + 1], 1],
  ])('of %j bytes', async (sizes, count) => {
    const { add, writes, behind, answer } = queue();
    for (const bytes of sizes) add({ bytes });
    behind.flush();
    for (let i = 0; i < sizes.length; i++) await answer();
    expect(writes).toHaveLength(count);
  });

  test('takes a commit of which a file has spilled alone, wherever it stands', async () => {
    const { add, names, behind, answer } = queue();
    for (const files of [['b', 'c'], ['a'], ['b', 'c'], ['d'], ['e']]) {
      add({ files, spilled: ['c', 'd'] });
    }
    behind.flush();
    for (let i = 0; i < 5; i++) await answer();
    expect(names()).toEqual(['bc', 'a', 'bc', 'd', 'e']);
  });

  test('says how much it was and how long it took', async () => {
    const { add, flushes, behind, answer, clock, landed } = queue();
    add({ files: ['a', 'b'], bytes: 10 });
    add({ bytes: 5 });
    behind.flush();
    await turn();
    clock.ms += 7;
    await answer();
    expect(flushes).toEqual([{ commits: 2, bytes: 25, durationMs: 7 }]);
    expect(landed).toHaveLength(2);
  });

  test('is one at a time', async () => {
    const { add, names, behind, answer } = queue();
    add();
    behind.flush();
    await turn();
    add({ files: ['b'] });
    behind.flush();
    await turn();
    expect(names()).toEqual(['a']);
    await answer();
    expect(names()).toEqual(['a', 'b']);
  });
});

describe('is sent', () => {
  test('at once, if it is not deferred', async () => {
    const { add, names } = queue();
    add({ durability: 'relaxed' });
    await turn();
    expect(names()).toEqual(['a']);
  });

  test('at once, if nothing may wait', async () => {
    const { add, names, timers } = queue({ maxDelayMs: 0 });
    add();
    await turn();
    expect(names()).toEqual(['a']);
    expect(timers).toEqual([]);
  });

  test.each([
    ['bytes', { maxDirtyBytes: 10 }, [5, 1]],
    ['commits', { maxDirtyCommits: 4 }, [1, 1, 1]],
  ])('when more than half of the %s that may wait do', async (_what, limits, sizes) => {
    const { add, names } = queue(limits);
    for (const bytes of sizes.slice(0, -1)) add({ bytes });
    await turn();
    expect(names()).toEqual([]);
    add({ bytes: sizes.at(-1) ?? 0 });
    await turn();
    expect(names()).toHaveLength(1);
  });

  test('by one timer, when the oldest has waited as long as it may', async () => {
    const { add, clock, delays, timers } = queue();
    add();
    clock.ms += 30;
    add();
    expect(delays).toEqual([100]);
    timers.shift()?.(false);
    expect(delays).toEqual([100, 70]);
    // Time has passed unnoticed.
    const late = queue();
    late.add();
    late.clock.ms += 98;
    late.add();
    late.clock.ms += 1;
    late.timers.shift()?.(false);
    expect(late.delays).toEqual([100, 1]);
  });

  test('with the next one, when it is old enough', async () => {
    const { add, names, clock } = queue();
    add();
    clock.ms += 99;
    add({ files: ['b'] });
    await turn();
    expect(names()).toEqual([]);
    clock.ms += 1;
    add({ files: ['c'] });
    await turn();
    expect(names()).toEqual(['abc']);
  });

  test.each([
    [4, 0],
    [5, 1],
  ])('by a timer that finds the last commit %i ms old: %i', async (ms, count) => {
    const { add, names, clock, timers } = queue();
    add();
    clock.ms += ms;
    timers.shift()?.(false);
    await turn();
    expect(names()).toHaveLength(count);
    expect(timers).toHaveLength(1 - count);
  });
});

describe('waiting', () => {
  test('is full by bytes or by commits', () => {
    const { add, behind } = queue({ maxDirtyBytes: 10, maxDirtyCommits: 3 });
    add({ bytes: 10 });
    expect(behind.isFull).toBe(false);
    add({ bytes: 1 });
    expect(behind.isFull).toBe(true);
    const other = queue({ maxDirtyCommits: 2 });
    other.add();
    expect(other.behind.isFull).toBe(false);
    other.add();
    expect(other.behind.isFull).toBe(true);
  });

  // Goal: what is not safe is told at any moment. Method: some wait, are sent, tried singly, landed, lost.
  test('has dirty blocks until all have landed or are lost', async () => {
    const { add, behind, answer } = queue();
    const dirty = (blocks: number) => ({ blocks, bytes: blocks * 4096 });
    expect(behind.dirty).toEqual(dirty(0));
    add({ files: ['a', 'b'], blocks: 2 });
    add({ blocks: 3 });
    expect(behind.dirty).toEqual(dirty(7));
    const failed = behind.drained();
    failed.catch(() => undefined);
    await turn();
    add({ blocks: 5 });
    expect(behind.dirty).toEqual(dirty(12));
    await answer(room());
    expect(behind.dirty).toEqual(dirty(12));
    await answer();
    expect(behind.dirty).toEqual(dirty(8));
    await answer(new Error('it'));
    await expect(failed).rejects.toThrow('it');
    expect(behind.dirty).toEqual(dirty(0));
  });

  test('ends for everybody when nothing waits, and at once if nothing did', async () => {
    const { add, behind, answer } = queue();
    await behind.settled();
    const segment = add();
    const told = vi.fn();
    for (const waited of [behind.settled(), behind.drained()]) void waited.then(told);
    await turn();
    expect(told).not.toHaveBeenCalled();
    expect(segment.pinned).toBe(true);
    await answer();
    expect(told).toHaveBeenCalledTimes(2);
    expect(segment.pinned).toBe(false);
    expect(behind).toMatchObject({ commits: 0, bytes: 0, losses: 0 });
  });
});

describe('a failure', () => {
  test('takes along what waits behind it, and no file that has landed', async () => {
    const { add, behind, answer, lost, losing, names } = queue();
    add({ files: ['landed'] });
    behind.flush();
    await turn();
    add({ files: ['b', 'c'] });
    const failed = behind.drained();
    await answer();
    const behindIt = add({ files: ['d', 'b'] });
    failed.catch(() => undefined);
    await answer(new Error('it'));
    await expect(failed).rejects.toThrow('it');
    expect(lost).toEqual([['b', 'c', 'd']]);
    expect(losing).toEqual(['b', 'c', 'd']);
    expect(names()).toEqual(['landed', 'bc']);
    expect(behindIt.pinned).toBe(false);
    expect(behind).toMatchObject({ commits: 0, bytes: 0, losses: 1 });
    add({ files: ['e'] });
    const next = behind.drained();
    await answer();
    await next;
    expect(lost).toHaveLength(1);
  });

  test('that is no Error is told as one', async () => {
    const { add, behind, answer } = queue();
    add();
    const failed = behind.drained();
    failed.catch(() => undefined);
    await answer('a word' as never as Error);
    await expect(failed).rejects.toMatchObject({ message: 'a word', cause: 'a word' });
  });

  test('for want of room is tried singly, and only what has none is lost', async () => {
    const { add, behind, answer, lost, names } = queue();
    for (const path of ['a', 'b', 'c']) add({ files: [path] });
    const failed = behind.drained();
    failed.catch(() => undefined);
    await answer(room());
    await answer();
    await answer(room());
    await expect(failed).rejects.toThrow(QuotaError);
    expect(names()).toEqual(['abc', 'a', 'b']);
    expect(lost).toEqual([['b', 'c']]);
    for (const path of ['d', 'e']) add({ files: [path] });
    behind.flush();
    await answer();
    expect(names().at(-1)).toBe('de');
  });

  test('for want of room, and each has some: nothing is lost, and the next share again', async () => {
    const { add, behind, answer, lost, names } = queue({ maxDirtyBytes: 10 });
    for (const path of ['a', 'b']) add({ files: [path], bytes: 3 });
    await answer(room());
    // What is left is below what would be sent, and goes all the same.
    for (let i = 0; i < 2; i++) await answer();
    expect(names()).toEqual(['ab', 'a', 'b']);
    for (const path of ['c', 'd']) add({ files: [path] });
    behind.flush();
    await answer();
    expect(names().at(-1)).toBe('cd');
    expect(lost).toEqual([]);
  });

  test('is told to everybody who asks for durability, once each', async () => {
    const { add, behind, answer } = queue();
    const [one, other, late] = [{ losses: 0 }, { losses: 0 }, { losses: 1 }];
    add();
    const asked = behind.durable(one);
    asked.catch(() => undefined);
    await answer(new Error('it'));
    await expect(asked).rejects.toThrow('it');
    await behind.durable(one);
    await expect(behind.durable(other)).rejects.toThrow('it');
    await behind.durable(late);
    expect([one, other, late]).toEqual([{ losses: 1 }, { losses: 1 }, { losses: 1 }]);
  });
});
