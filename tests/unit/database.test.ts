import { describe, expect, test } from 'vitest';
import { type Capabilities, chooseEngine, type Wishes } from '../../src/database/engine-choice.ts';
import { Queue } from '../../src/database/queue.ts';

const ALL: Capabilities = { indexedDB: true, jspi: true, sharedRefusal: undefined };
const WINDOW: Capabilities = { ...ALL, sharedRefusal: 'no dedicated worker' };
const WISHES: Wishes = { engine: 'auto', given: undefined, build: undefined, orMemory: false };

function chosen(wishes: Partial<Wishes>, can: Capabilities): string {
  const { name, build } = chooseEngine({ ...WISHES, ...wishes }, can);
  return `${name} ${build}`;
}

// Goal: the engine is the fastest that the context can have, and always the one that was asked for.
// Method: the whole table of what can be had and asked for, as far as it decides something.
describe('which engine is taken', () => {
  test.each([
    [{}, ALL, 'IDBBlockSharedVFS sync'],
    [{}, WINDOW, 'IDBBlockVFS jspi'],
    [{}, { ...WINDOW, jspi: false }, 'IDBBlockVFS asyncify'],
    [{ build: 'sync' }, WINDOW, 'IDBBlockMirrorVFS sync'],
    [{ build: 'sync' }, ALL, 'IDBBlockSharedVFS sync'],
    [{ build: 'asyncify' }, ALL, 'IDBBlockVFS asyncify'],
    [{ given: 'jspi' }, ALL, 'IDBBlockVFS jspi'],
    [{ given: 'sync' }, WINDOW, 'IDBBlockMirrorVFS sync'],
    [{ engine: 'async' }, ALL, 'IDBBlockVFS jspi'],
    [{ engine: 'mirror' }, ALL, 'IDBBlockMirrorVFS sync'],
    [{ engine: 'shared' }, WINDOW, 'IDBBlockSharedVFS sync'],
    [{ engine: 'memory' }, ALL, 'memory sync'],
    [{ orMemory: true }, WINDOW, 'IDBBlockVFS jspi'],
    [{ orMemory: true }, { ...WINDOW, indexedDB: false }, 'memory sync'],
    [{}, { ...WINDOW, indexedDB: false }, 'IDBBlockVFS jspi'],
  ] as const)('%o with %o: %s', (wishes, can, expected) => {
    expect(chosen(wishes, can)).toBe(expected);
  });

  test.each([
    [{ engine: 'async', build: 'sync' }],
    [{ engine: 'async', given: 'sync' }],
    [{ engine: 'mirror', build: 'jspi' }],
    [{ engine: 'shared', given: 'asyncify' }],
  ] as const)('%o contradicts itself', (wishes) => {
    expect(() => chosen(wishes, ALL)).toThrow('build');
  });
});

// Goal: one call at a time, in order, and none that was given up. Method: turns that end by hand.
describe('turns', () => {
  test('are had one at a time, in order, whatever becomes of them', async () => {
    const queue = new Queue();
    const log: string[] = [];
    const turn = (name: string) => async () => {
      log.push(`${name} begins`);
      await Promise.resolve();
      log.push(`${name} ends`);
      if (name === 'b') throw new Error('b failed');
    };
    const all = await Promise.allSettled(['a', 'b', 'c'].map((name) => queue.run(turn(name))));
    expect(all.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(log).toEqual(['a', 'b', 'c'].flatMap((name) => [`${name} begins`, `${name} ends`]));
  });

  test('one that is given up is not had, and nobody overtakes the one before it', async () => {
    const queue = new Queue();
    let end: () => void = () => undefined;
    const log: string[] = [];
    const first = queue.run(async () => {
      await new Promise<void>((resolve) => {
        end = resolve;
      });
      log.push('first');
    });
    const control = new AbortController();
    const second = queue.run(async () => log.push('second'), control.signal);
    const third = queue.run(async () => log.push('third'));
    control.abort(new Error('given up'));
    await expect(second).rejects.toThrow('given up');
    expect(log).toEqual([]);
    end();
    await Promise.all([first, third]);
    expect(log).toEqual(['first', 'third']);
  });
});
