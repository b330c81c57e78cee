/**
 * What a plain IndexedDB program sees of each fault kind, as cases for any IndexedDB: the simulated one
 * and a browser's. The table at the end says which kinds have a case; none may be missing.
 */
import { expect, test } from 'vitest';
import {
  damageRecord,
  FAULT_KINDS,
  type Fault,
  FaultInjector,
  type Point,
} from '../../src/testing/index.js';
import { Program, pause } from './fault-program.ts';
import { soon } from './soon.ts';

export interface FaultSubject {
  /** Whether an idbTx writes while another does, to another store: in Firefox and WebKit one writes at a time. */
  readonly writesAbreast: boolean;
  /** A factory, and a name that no other case uses. */
  fresh(): { readonly factory: IDBFactory; readonly name: string };
}

interface Scene extends Pick<FaultSubject, 'writesAbreast'> {
  readonly faults: FaultInjector;
  readonly program: Program;
  readonly db: IDBDatabase;
  /** The same database without faults. */
  readonly other: Program;
}

type Case = (scene: Scene) => Promise<void>;

const UNKNOWN = 'error:UnknownError abort:UnknownError';
const FULL = 'QuotaExceededError';
const isOfA = ({ stores }: Point) => stores.includes('a');

/** Cases by the kind's number. */
const CASES: Readonly<Record<number, Case>> = {
  0: async ({ faults, program, db }) => {
    faults.plan({ tag: 'connection-dead' });
    expect(() => db.transaction('a')).toThrow(
      expect.objectContaining({ name: 'InvalidStateError' }),
    );
    expect(await program.put(db, 1, 'x')).toBe('success complete');
  },
  1: async ({ faults, program, db }) => {
    faults.plan({ tag: 'request-error', name: 'DataError' }, { method: 'put' });
    expect(await program.put(db, 1, 'x')).toBe('error:DataError abort:DataError');
    expect(await program.put(db, 2, 'y')).toBe('success complete');
    expect(await program.all(db)).toEqual({ 2: 'y' });
    faults.plan({ tag: 'request-error' }, { method: 'put' });
    const idbTx = db.transaction('a', 'readwrite');
    const failing = idbTx.objectStore('a').put('z', 3);
    failing.onerror = (event) => event.preventDefault();
    idbTx.objectStore('a').put('w', 4);
    expect(await program.ended(idbTx)).toBe('complete');
    // What failed has no effect, also if the idbTx goes on.
    expect(await program.all(db)).toEqual({ 2: 'y', 4: 'w' });
  },
  2: async ({ faults, program, db }) => {
    faults.plan({ tag: 'request-error-persistent' }, { method: 'put', store: 'a' });
    for (let i = 0; i < 3; i++) expect(await program.put(db, i, 'x')).toBe(UNKNOWN);
    expect(await program.put(db, 1, 'x', { store: 'b' })).toBe('success complete');
    faults.stop();
    expect(await program.put(db, 1, 'x')).toBe('success complete');
  },
  3: async ({ faults, program, db }) => {
    faults.plan({ tag: 'abort' }, { method: 'put', nth: 2 });
    const idbTx = db.transaction('a', 'readwrite');
    const answers = [1, 2, 3].map((key) => program.answer(idbTx.objectStore('a').put('x', key)));
    expect(await program.ended(idbTx)).toBe('abort:null');
    expect(await Promise.all(answers)).toEqual(['success', 'error:AbortError', 'error:AbortError']);
    faults.plan({ tag: 'abort', name: 'UnknownError' }, { method: 'put' });
    // A commit() that was called before comes too late for it.
    const told = 'error:AbortError abort:UnknownError';
    expect(await program.put(db, 1, 'x', { commits: true })).toBe(told);
    expect(await program.all(db)).toEqual({});
  },
  4: async ({ faults, program, db }) => {
    for (const commits of [true, false]) {
      faults.plan({ tag: 'abort-at-commit' });
      expect(await program.put(db, 1, 'x', { commits })).toBe('success abort:null');
      faults.plan({ tag: 'abort-at-commit', name: 'UnknownError' });
      expect(await program.put(db, 1, 'x', { commits })).toBe('success abort:UnknownError');
    }
    expect(await program.all(db)).toEqual({});
  },
  5: async ({ faults, program, db }) => {
    faults.plan({ tag: 'quota-at-put' });
    expect(await program.all(db)).toEqual({});
    expect(await program.put(db, 1, 'x')).toBe(`error:${FULL} abort:${FULL}`);
    expect(await program.put(db, 1, 'x')).toBe('success complete');
  },
  6: async ({ faults, program, db }) => {
    for (const commits of [true, false]) {
      faults.plan({ tag: 'quota-at-commit' });
      expect(await program.put(db, 1, 'x', { commits })).toBe(`success abort:${FULL}`);
    }
    expect(await program.all(db)).toEqual({});
  },
  7: async ({ faults, program, db, other }) => {
    for (const at of ['request', 'commit'] as const) {
      const mine = await program.open();
      program.heard.length = 0;
      faults.plan({ tag: 'close' }, { kind: at });
      const answer = at === 'request' ? 'error:AbortError' : 'success';
      expect(await program.put(mine, 1, 'x')).toBe(`${answer} abort:AbortError`);
      await soon(() => expect(program.heard).toEqual(['close']));
      expect(() => mine.transaction('a')).toThrow(/./);
    }
    expect(await program.put(db, 2, 'y')).toBe('success complete');
    expect(await other.all(await other.open())).toEqual({ 2: 'y' });
    // A connection that was closed already is told nothing.
    program.heard.length = 0;
    db.close();
    faults.closeAll();
    await pause();
    expect(program.heard).toEqual([]);
  },
  8: async ({ faults, program, db }) => {
    for (const [key, commits] of [true, false].entries()) {
      const mine = await program.open();
      program.heard.length = 0;
      faults.plan({ tag: 'close-after-landing' });
      expect(await program.put(mine, key, 'x', { commits })).toBe('success abort:AbortError');
      await soon(() => expect(program.heard).toEqual(['close']));
    }
    expect(await program.all(db)).toEqual({ 0: 'x', 1: 'x' });
  },
  9: async ({ faults, program, db, other }) => {
    faults.plan({ tag: 'versionchange' }, { kind: 'request' });
    expect(await program.put(db, 1, 'x')).toBe('success complete');
    await soon(() => expect(program.heard).toEqual(['versionchange 1→2']));
    db.close();
    const again = await other.open();
    expect([again.version, await other.all(again)]).toEqual([1, { 1: 'x' }]);
    again.close();
    for (const [then, version] of [
      ['upgrade', 2],
      ['delete', 1],
    ] as const) {
      const mine = await program.open('current');
      program.onversionchange = () => mine.close();
      faults.plan({ tag: 'versionchange', then }, { kind: 'transaction' });
      await program.put(mine, 2, 'y');
      const late = await other.open(then === 'upgrade' ? 'current' : 1);
      expect(late.version).toBe(version);
      if (then === 'delete') expect(await other.all(late)).toEqual({});
      late.close();
    }
  },
  10: async ({ faults, program, db }) => {
    db.close();
    faults.plan({ tag: 'open-blocked' });
    program.heard.length = 0;
    await program.open(2);
    expect(program.heard).toEqual(['blocked', 'upgradeneeded', 'open']);
    faults.plan({ tag: 'open-blocked', rounds: Number.POSITIVE_INFINITY });
    program.heard.length = 0;
    const opening = program.open(2);
    await soon(() => expect(program.heard).toEqual(['blocked']));
    await pause();
    expect(program.heard).toEqual(['blocked']);
    faults.release();
    await opening;
  },
  11: async ({ faults, program, db, other }) => {
    db.close();
    for (const version of [1, 2]) {
      faults.plan({ tag: 'open-error', name: 'UnknownError' });
      await expect(program.open(version)).rejects.toMatchObject({ name: 'UnknownError' });
    }
    const late = await other.open();
    expect(late.version).toBe(1);
    late.close();
    faults.plan({ tag: 'open-error' });
    await expect(program.remove()).rejects.toMatchObject({ name: 'UnknownError' });
    expect((await other.open('current')).version).toBe(1);
  },
  12: async ({ faults, program, db }) => {
    faults.plan({ tag: 'no-answer' }, { kind: 'open' });
    let opened = false;
    const open = () => {
      opened = true;
    };
    program.open().then(open, open);
    faults.plan({ tag: 'no-answer' }, { kind: 'request' });
    const waiting = program.put(db, 1, 'x');
    const behind = program.put(db, 2, 'y');
    expect(await Promise.race([waiting, behind, pause().then(() => 'waits')])).toBe('waits');
    expect(program.heard).toEqual([]);
    faults.release();
    expect(await waiting).toBe('success complete');
    expect(await behind).toBe('success complete');
    expect(opened).toBe(false);
    faults.plan({ tag: 'no-answer' }, { kind: 'request' });
    const idbTx = db.transaction('a', 'readwrite');
    const answer = program.answer(idbTx.objectStore('a').put('x', 3));
    await pause();
    idbTx.abort();
    expect(await answer).toBe('error:AbortError');
    expect(await program.put(db, 4, 'z')).toBe('success complete');
  },
  13: async ({ faults, program, db, writesAbreast }) => {
    for (const kind of ['request', 'commit'] as const) {
      const where = kind === 'request' ? { kind, store: 'a' } : { kind, at: isOfA };
      faults.plan({ tag: 'delay', rounds: 60 }, where);
      const late = program.put(db, 1, kind).then(() => 'late');
      const early = program.all(db, 'b').then(() => 'early');
      expect(await Promise.race([late, early])).toBe('early');
      await late;
      if (!writesAbreast) continue;
      faults.plan({ tag: 'delay', rounds: Number.POSITIVE_INFINITY }, where);
      const putBeside = (key: number) => program.put(db, key, kind, { store: 'b' });
      const before = putBeside(1);
      let isHeld = true;
      const held = program.put(db, 1, kind).then(() => {
        isHeld = false;
      });
      expect(await Promise.all([before, putBeside(2)])).toEqual(Array(2).fill('success complete'));
      expect(isHeld).toBe(true);
      // It may not have come so far yet that there is something to let go.
      await soon(() => {
        faults.release();
        expect(isHeld).toBe(false);
      });
      await held;
    }
    faults.plan({ tag: 'delay' }, { kind: 'request' });
    const idbTx = db.transaction('b', 'readwrite');
    const order: number[] = [];
    for (const key of [1, 2, 3]) {
      idbTx.objectStore('b').put('x', key).onsuccess = () => order.push(key);
    }
    // It would be over before the late answer, if it were let.
    idbTx.commit();
    expect(await program.ended(idbTx)).toBe('complete');
    expect(order).toEqual([1, 2, 3]);
    faults.plan({ tag: 'delay', ms: 50 }, { kind: 'request' });
    const from = Date.now();
    // A late answer still finds its idbTx active.
    expect(await program.increment(db, 7)).toBe('complete');
    expect(Date.now() - from).toBeGreaterThanOrEqual(45);
    expect(await program.all(db)).toEqual({ 1: 'commit', 7: 1 });
  },
  14: async ({ faults, program, db }) => {
    faults.plan({ tag: 'reorder', rounds: 100_000 }, { at: isOfA });
    const order: string[] = [];
    const note = (name: string) => () => order.push(name);
    await Promise.all([
      program.put(db, 1, 'x').then(note('first')),
      program.put(db, 1, 'x', { store: 'b' }).then(note('second')),
    ]);
    expect(order).toEqual(['second', 'first']);
    // One that must wait for it still hears of it later; and alone it is told all the same.
    faults.plan({ tag: 'reorder', rounds: Number.POSITIVE_INFINITY });
    order.length = 0;
    await Promise.all([
      program.put(db, 1, 'x').then(note('first')),
      program.put(db, 2, 'x').then(note('dependent')),
    ]);
    expect(order).toEqual(['first', 'dependent']);
    faults.plan({ tag: 'reorder' });
    expect(await program.put(db, 3, 'x')).toBe('success complete');
  },
  15: async ({ faults, program, db }) => {
    await program.put(db, 1, 'kept', { durability: 'strict' });
    await program.put(db, 1, 'oldest', { durability: 'relaxed' });
    await program.put(db, 1, 'older', { durability: 'relaxed' });
    await program.put(db, 2, 'new', { durability: 'relaxed' });
    const idbTx = db.transaction(['a', 'b'], 'readwrite', { durability: 'relaxed' });
    idbTx.objectStore('a').clear();
    idbTx.objectStore('b').put('b', 1);
    await program.ended(idbTx);
    expect(await faults.loseRelaxed(db.name, 1)).toBe(1);
    await soon(() => expect(program.heard).toEqual(['close']));
    const again = await program.open();
    expect(await program.all(again)).toEqual({ 1: 'older', 2: 'new' });
    expect(await program.all(again, 'b')).toEqual({});
    faults.plan({ tag: 'relaxed-suffix-lost' }, { kind: 'transaction' });
    expect(() => again.transaction('a')).toThrow(/./);
    await faults.settled();
    expect(await program.all(await program.open())).toEqual({ 1: 'kept' });
    expect(await faults.loseRelaxed(db.name)).toBe(0);
  },
  16: damaging({ tag: 'record-dropped', key: 1 }, (now) => {
    expect(now).toEqual({ 2: [5, 6, 7, 8] });
  }),
  17: damaging({ tag: 'record-duplicated', key: 1 }, (now) => {
    expect(now).toEqual({ 1: [1, 2, 3, 4], 2: [5, 6, 7, 8], 3: [1, 2, 3, 4] });
  }),
  18: damaging({ tag: 'record-stale', key: 2 }, (now) => {
    expect(now).toEqual({ 1: [1, 2, 3, 4], 2: [0, 0, 0, 0] });
  }),
  19: damaging({ tag: 'bit-flip', key: 1, bit: 9 }, (now) => {
    expect(now).toEqual({ 1: [1, 0, 3, 4], 2: [5, 6, 7, 8] });
  }),
  20: damaging({ tag: 'truncation', key: 1, length: 3 }, (now) => {
    expect(now).toEqual({ 1: [1, 2, 3], 2: [5, 6, 7, 8] });
  }),
  21: damaging({ tag: 'wrong-type', key: 1 }, (now) => {
    expect(now).toEqual({ 1: 'of another type', 2: [5, 6, 7, 8] });
  }),
  22: async ({ faults, program, db, other }) => {
    await program.put(db, 1, 'mine');
    program.heard.length = 0;
    faults.freeze();
    const frozen = program.put(db, 2, 'frozen', { store: 'b', commits: true });
    const open = await other.open();
    expect(await other.put(open, 1, 'theirs')).toBe('success complete');
    open.close();
    const upgrade = other.open(2);
    expect(await Promise.race([frozen, upgrade, pause().then(() => 'silent')])).toBe('silent');
    expect(program.heard).toEqual([]);
    program.onversionchange = () => db.close();
    await faults.thaw();
    expect(await frozen).toBe('success complete');
    expect(await other.all(await upgrade)).toEqual({ 1: 'theirs' });
    expect(program.heard).toEqual(['versionchange 1→2']);
    const late = await program.open(2);
    faults.plan({ tag: 'freeze', rounds: 200 }, { kind: 'request' });
    const idbTx = late.transaction('a', 'readwrite');
    const heard: string[] = [];
    for (const key of [3, 4]) {
      program.answer(idbTx.objectStore('a').put('x', key)).then(
        (answer) => heard.push(`${key} ${answer}`),
        () => undefined,
      );
    }
    for (let i = 0; i < 10; i++) await factoryTrip(other);
    expect(heard).toEqual([]);
    expect(await program.ended(idbTx)).toBe('complete');
    expect(heard).toEqual(['3 success', '4 success']);
  },
  24: damaging({ tag: 'store-cleared', store: 'a' }, (now) => expect(now).toEqual({})),
};

function factoryTrip({ factory }: Program): Promise<unknown> {
  return factory.databases();
}

/** Cases of 23 are those of FaultyLocks. */
const ELSEWHERE = [23];

/** The damage is stored: planned and read by the idbTx it strikes at, and done at any time. */
function damaging(fault: Fault, check: (now: Record<string, unknown>) => void): Case {
  return async ({ faults, program, db, other }) => {
    const fill = async () => {
      await program.put(db, 2, new Uint8Array(4));
      await program.put(db, 1, new Uint8Array([1, 2, 3, 4]));
      await program.put(db, 2, new Uint8Array([5, 6, 7, 8]));
    };
    await fill();
    const kind = 'transaction';
    faults.plan(fault, { kind });
    check(await program.all(db));
    await faults.settled();
    expect(faults.damaged).toMatchObject([{ tag: fault.tag, store: 'a' }]);
    check(await other.all(await other.open()));
    await program.wipe(db);
    await fill();
    if (fault.tag === 'record-stale') await faults.damage(db.name, fault);
    else await damageRecord(other.factory, db.name, fault as never);
    check(await program.all(db));
  };
}

export function defineFaultSuite(subject: FaultSubject): void {
  const kinds = FAULT_KINDS.filter(({ number }) => !ELSEWHERE.includes(number));
  test.each(kinds)('$number: $tag', async ({ number, tag }) => {
    const { writesAbreast } = subject;
    const { factory, name } = subject.fresh();
    const faults = new FaultInjector(factory, { history: true });
    const program = new Program(faults.factory, name);
    const other = new Program(factory, name);
    const db = await program.open();
    program.heard.length = 0;
    await (CASES[number] as Case)({ writesAbreast, faults, program, db, other });
    expect(faults.struck).not.toHaveLength(0);
    for (const { fault } of faults.struck) expect(fault.tag).toBe(tag);
    program.closeAll();
    other.closeAll();
  });
}
