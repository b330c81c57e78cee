/** The injector's sequence of points, the forms of plans, and that a run can be repeated. */
import { describe, expect, test } from 'vitest';
import {
  FAULT_KINDS,
  type Fault,
  FaultInjector,
  type InjectorOptions,
  parseReplay,
  SimulatedIndexedDB,
} from '../../src/testing/index.js';
import { Program } from '../support/fault-program.ts';

function inject(options: InjectorOptions = {}, seed = 1) {
  const factory = new SimulatedIndexedDB({ seed });
  const faults = new FaultInjector(factory, options);
  return { factory, faults, program: new Program(faults.factory, 'db') };
}

describe('points', () => {
  // Goal: every call and event has its number, and nothing else has one. Method: a program with each
  // kind of call, and the whole of its trace.
  test('every call and event is numbered, in one sequence', async () => {
    const { faults, program } = inject();
    const db = await program.open();
    expect(await program.put(db, 7, 'x', { commits: true })).toBe('success complete');
    const idbTx = db.transaction(['a'], 'readwrite');
    const cursors = idbTx.objectStore('a').openCursor();
    cursors.onsuccess = () => {
      const cursor = cursors.result;
      if (!cursor) return;
      cursor.update('y');
      cursor.continue();
    };
    await program.ended(idbTx);
    const aborted = db.transaction('b');
    aborted.abort();
    await program.ended(aborted);
    db.close();
    await program.remove();
    expect(faults.lines()).toEqual([
      '1 open db',
      '2 event upgradeneeded db',
      '3 event complete #1',
      '4 event success db',
      '5 transaction readwrite a #2',
      '6 request put a 7 #2',
      '7 commit #2',
      '8 event success put a 7 #2',
      '9 event complete #2',
      '10 transaction readwrite a #3',
      '11 request openCursor a #3',
      '12 event success openCursor a #3',
      '13 request update a 7 #3',
      '14 step continue a #3',
      '15 event success update a 7 #3',
      '16 event success continue a #3',
      '17 commit auto #3',
      '18 event complete #3',
      '19 transaction readonly b #4',
      '20 abort #4',
      '21 event abort #4',
      '22 close db',
      '23 delete db',
      '24 event success db',
    ]);
    expect(faults.trace().map(({ number }) => number)).toEqual(faults.lines().map((_, i) => i + 1));
    expect(faults.count(({ kind }) => kind === 'request')).toBe(3);
  });

  test('indexes, upgrades and other tabs are seen too, and onlookers are told', async () => {
    const { factory, faults, program } = inject();
    const seen: string[] = [];
    const stop = faults.onPoint(({ kind, event, method }) => seen.push(event || method || kind));
    const request = faults.factory.open('db', 1);
    request.onupgradeneeded = () => {
      const store = request.result.createObjectStore('a', { keyPath: 'id' });
      store.createIndex('i', 'v').get('none');
      store.put({ id: 1, v: 'one' });
    };
    await program.answer(request);
    expect(seen).toEqual([
      ...['open', 'upgradeneeded', 'get', 'put', 'success', 'success', 'auto'],
      ...['complete', 'success'],
    ]);
    const heard: string[] = [];
    request.result.onversionchange = () => heard.push('versionchange');
    factory.open('db', 2);
    await factory.idle();
    stop();
    expect(seen.at(-1)).toBe('versionchange');
    faults.closeAll();
    await factory.idle();
    expect(seen.at(-1)).toBe('versionchange');
    expect(faults.lines().at(-1)).toMatch(/event close db$/);
    expect(heard).toEqual(['versionchange']);
  });

  test('objects stay what they are, and own properties are all they have', async () => {
    const { factory, faults, program } = inject();
    expect(Object.getPrototypeOf(faults.factory)).toBe(Object.getPrototypeOf(factory));
    const db = await program.open();
    const plain = await new Program(factory, 'db').open();
    expect(Object.getPrototypeOf(db)).toBe(Object.getPrototypeOf(plain));
    const idbTx = db.transaction('a');
    expect(idbTx.objectStore('a')).toBe(idbTx.objectStore('a'));
    expect(idbTx.db).toBe(db);
    expect(faults.factory.cmp(1, 2)).toBe(-1);
    expect(await faults.factory.databases()).toEqual([{ name: 'db', version: 1 }]);
  });
});

describe('plans', () => {
  const failing = async (program: Program, db: IDBDatabase, count = 6): Promise<number[]> => {
    const failed: number[] = [];
    for (let i = 1; i <= count; i++) {
      if ((await program.put(db, i, 'x')) !== 'success complete') failed.push(i);
    }
    return failed;
  };
  const FAULT: Fault = { tag: 'request-error' };
  const FOREVER = Number.POSITIVE_INFINITY;

  test.each([
    ['once by default', FAULT, {}, [1]],
    ['the nth', FAULT, { nth: 3 }, [3]],
    ['several from the nth on', FAULT, { nth: 2, times: 3 }, [2, 3, 4]],
    ['persistently', FAULT, { nth: 5, times: FOREVER }, [5, 6]],
    ['persistently by kind', { tag: 'request-error-persistent' } as Fault, { nth: 5 }, [5, 6]],
    ['where a predicate holds', FAULT, { at: ({ key }: { key: unknown }) => key === 4 }, [4]],
    ['for a store, a method, a mode', FAULT, { store: 'a', method: 'put', mode: 'readwrite' }, [1]],
    ['not for another store', FAULT, { store: 'b' }, []],
    ['not for another database', FAULT, { database: 'other' }, []],
    ['at a commit', { tag: 'abort-at-commit' } as Fault, { kind: 'commit', nth: 2 }, [2]],
    ['only where it can', { tag: 'quota-at-put' } as Fault, { nth: 2 }, [2]],
  ] as const)('%s', async (_name, fault, where, expected) => {
    const { faults, program } = inject();
    const db = await program.open();
    faults.plan(fault, where);
    expect(await failing(program, db)).toEqual(expected);
    expect(faults.struck).toHaveLength(expected.length);
    faults.stop();
    expect(await failing(program, db)).toEqual([]);
  });

  test('the first of two that fit strikes, then the second', async () => {
    const { faults, program } = inject();
    const db = await program.open();
    faults.plan({ tag: 'abort' });
    faults.plan(FAULT);
    await failing(program, db);
    expect(faults.struck.map(({ fault }) => fault.tag)).toEqual(['abort', 'request-error']);
  });

  test('senseless ones are refused', async () => {
    const { faults, factory } = inject();
    const code = (expected: string) => expect.objectContaining({ code: expected });
    expect(() => faults.plan(FAULT, { nth: 0 })).toThrow(code('BAD_PLAN'));
    expect(() => faults.plan(FAULT, { kind: 'commit' })).toThrow(code('BAD_PLAN'));
    expect(() => faults.plan({ tag: 'nothing' } as never)).toThrow(code('UNKNOWN_KIND'));
    for (const { tag, needsHistory } of FAULT_KINDS) {
      if (!needsHistory) continue;
      expect(() => faults.plan({ tag } as Fault)).toThrow(code('NEEDS_HISTORY'));
      const random = { rate: 1, kinds: [tag as Fault['tag']] };
      expect(() => new FaultInjector(factory, { random })).toThrow(code('NEEDS_HISTORY'));
    }
    const random = { rate: 2 };
    expect(() => new FaultInjector(factory, { random })).toThrow(code('BAD_PLAN'));
    await expect(faults.loseRelaxed('db')).rejects.toThrow(code('NEEDS_HISTORY'));
    await expect(faults.damage('db', { tag: 'record-stale' })).rejects.toThrow(
      code('NEEDS_HISTORY'),
    );
  });

  test('a damage without a victim is told by settled()', async () => {
    const { faults, program } = inject();
    const db = await program.open();
    faults.plan({ tag: 'record-dropped' });
    expect(await program.all(db)).toEqual({});
    await expect(faults.settled()).rejects.toMatchObject({ code: 'NO_VICTIM' });
    await faults.settled();
    expect(faults.damaged).toEqual([]);
  });
});

describe('seeds', { timeout: 60_000 }, () => {
  /** A program that goes on whatever happens, under faults drawn from `seed`. */
  async function run(options: InjectorOptions, seed = 1): Promise<FaultInjector> {
    const { faults, factory, program } = inject(options, seed);
    let db: IDBDatabase | undefined;
    for (let i = 0; i < 40; i++) {
      try {
        db ??= await program.open();
        const commits = i % 2 === 0;
        await Promise.all([
          program.put(db, i % 5, new Uint8Array(9).fill(i), { commits }),
          program.put(db, i, `text ${i}`, { store: 'b', durability: 'relaxed' }),
        ]);
        await program.all(db);
      } catch {
        db?.close();
        db = undefined;
      }
    }
    await factory.idle();
    await faults.settled().catch(() => undefined);
    return faults;
  }

  const RANDOM = { rate: 0.04 };

  test('equal seeds give equal traces, others do not', async () => {
    const hashes = new Set<string>();
    const tags = new Set<string>();
    for (let seed = 1; seed <= 8; seed++) {
      const faults = await run({ seed, random: RANDOM });
      expect((await run({ seed, random: RANDOM })).lines()).toEqual(faults.lines());
      hashes.add(faults.traceHash());
      for (const { fault } of faults.struck) tags.add(fault.tag);
    }
    expect(hashes.size).toBe(8);
    expect(tags.size).toBeGreaterThan(15);
  });

  test('a run is repeated from one line', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const faults = await run({ seed, random: RANDOM, history: true });
      expect(faults.struck).not.toHaveLength(0);
      const line = faults.replayLine();
      const again = await run({ replay: parseReplay(line), history: true });
      expect(again.lines()).toEqual(faults.lines());
      expect(again.damaged).toEqual(faults.damaged);
      expect(again.replayLine()).toBe(line);
    }
  });

  test('no more than countMax, only of the kinds given, only where told', async () => {
    const random = {
      rate: 1,
      kinds: ['abort', 'delay'] as const,
      countMax: 3,
      at: ({ store }: { store: string }) => store === 'b',
    };
    const faults = await run({ random });
    expect(faults.struck).toHaveLength(3);
    for (const { fault, point } of faults.struck) {
      expect(['abort', 'delay']).toContain(fault.tag);
      expect(point.store).toBe('b');
    }
    expect((await run({ random: { rate: 0 } })).struck).toEqual([]);
  });

  test('a line holds what JSON has no word for; another line is refused', () => {
    const { faults } = inject();
    const fault: Fault = { tag: 'delay', rounds: Number.POSITIVE_INFINITY };
    faults.plan(fault);
    faults.factory.open('db');
    expect(parseReplay(faults.replayLine())).toEqual({ seed: 1, faults: [[1, fault]] });
    for (const line of ['replay: {', '{"seed":1}', 'nothing']) {
      expect(() => parseReplay(line)).toThrow(expect.objectContaining({ code: 'BAD_PLAN' }));
    }
  });
});
