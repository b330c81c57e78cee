import { beforeEach, describe, expect, test } from 'vitest';
import { quiet, type RoleContext, RoleLab, STEAL_AFTER_MS } from '../../support/role-lab.ts';

// Goal: who waits for the writer lock gets it: from an idle holder at once, from one that writes when
// it ends, from one that is silent within the limit, and in the order of asking. Method: contexts in one
// thread over simulated locks, and a clock set by hand.

const LONG_MS = 100 * STEAL_AFTER_MS;

let lab: RoleLab;
let first: RoleContext;
let second: RoleContext;
beforeEach(() => {
  lab = new RoleLab();
  first = lab.context();
  second = lab.context();
});

/** What became of an attempt that is under way. */
function outcomeOf(attempt: Promise<boolean>): { entered: boolean | undefined } {
  const outcome: { entered: boolean | undefined } = { entered: undefined };
  void attempt.then((entered) => {
    outcome.entered = entered;
  });
  return outcome;
}

describe('handing over', () => {
  test('an idle holder lets go as soon as another one asks', async () => {
    expect(await first.role.take()).toBe(true);
    expect(first.role.state).toBe('held');
    expect(await second.role.enter(1000)).toBe(true);
    expect(first.changes).toEqual(['acquired', 'released']);
    expect(second.changes).toEqual(['acquired']);
    expect([first.role.state, second.role.state]).toEqual(['none', 'writing']);
  });

  test('one that writes lets go when it ends, and never before', async () => {
    await first.role.enter(0);
    const waiting = outcomeOf(second.role.enter(LONG_MS));
    await lab.pass(10 * STEAL_AFTER_MS);
    expect(waiting.entered).toBeUndefined();
    expect([first.role.state, second.role.state]).toEqual(['wanted', 'waiting']);
    first.role.leave();
    await quiet();
    expect(waiting.entered).toBe(true);
    expect(first.thefts).toBe(0);
    expect(first.changes).toEqual(['acquired', 'released']);
  });

  test('without anybody who asks it is kept', async () => {
    await first.role.enter(0);
    first.role.leave();
    await lab.pass(LONG_MS);
    expect(first.role.state).toBe('held');
    expect(await first.role.enter(0)).toBe(true);
    expect(first.changes).toEqual(['acquired']);
  });

  // Goal: no context starves. Method: the holder writes on and on, a connection always beginning before
  // the one before has ended; another one asks once.
  test('who is asked ends what it writes, and queues behind the one who asked', async () => {
    const order: string[] = [];
    await first.role.enter(0);
    const other = second.role.enter(LONG_MS).then(() => order.push('second'));
    await quiet();
    const again = first.role.enter(LONG_MS).then(() => order.push('first'));
    await quiet();
    expect(order).toEqual([]);
    first.role.leave();
    await other;
    await lab.pass(20);
    expect(order).toEqual(['second']);
    second.role.leave();
    await again;
    expect(order).toEqual(['second', 'first']);
  });

  test('eight contexts that write on and on take turns', async () => {
    const contexts = [first, second, ...Array.from({ length: 6 }, () => lab.context())];
    const turns: number[] = [];
    const write = async ({ role }: RoleContext, number: number) => {
      for (let i = 0; i < 10; i++) {
        expect(await role.enter(LONG_MS)).toBe(true);
        turns.push(number);
        await lab.pass(6);
        role.leave();
      }
    };
    const writing = Promise.all(contexts.map(write));
    for (const all = outcomeOf(writing.then(() => true)); !all.entered; ) await lab.pass(1);
    expect(turns).toHaveLength(80);
    // While all of them write, each comes within the turns of the others: two commits each.
    for (let from = 16; from < 56; from += 8) {
      expect(new Set(turns.slice(from, from + 16)).size).toBe(8);
    }
    const isThird = (n: number, i: number) => n === turns[i - 1] && n === turns[i - 2];
    expect(turns.some(isThird)).toBe(false);
  });

  // Goal: no time is lost between holders. Method: the clock stands still, so nobody asks a second time.
  test('who gets the lock knows that others are queued', async () => {
    await first.role.enter(0);
    const third = lab.context();
    const waiting = [second, third].map(({ role }) => outcomeOf(role.enter(LONG_MS)));
    await quiet();
    first.role.leave();
    await quiet();
    expect(second.role.state).toBe('wanted');
    second.role.leave();
    await quiet();
    expect(waiting.map(({ entered }) => entered)).toEqual([true, true]);
  });

  test('what was acknowledged lands first, and nobody enters meanwhile', async () => {
    let land: () => void = () => undefined;
    let asked = 0;
    const landing = new Promise<void>((resolve) => {
      land = resolve;
    });
    const unlanded = () => {
      asked++;
      return landing;
    };
    const deferring = lab.context({ unlanded });
    await deferring.role.enter(0);
    deferring.role.leave();
    const other = outcomeOf(second.role.enter(LONG_MS));
    await quiet();
    const again = outcomeOf(deferring.role.enter(LONG_MS));
    await lab.pass(2 * STEAL_AFTER_MS);
    expect(deferring.role.state).toBe('wanted');
    expect([other.entered, again.entered]).toEqual([undefined, undefined]);
    land();
    await quiet();
    // What is acknowledged later is of other files: nobody waits for that.
    expect(asked).toBeGreaterThan(0);
    expect([other.entered, again.entered]).toEqual([true, undefined]);
    expect(deferring.thefts).toBe(0);
  });

  test('what this context reads is covered last', async () => {
    let isCovered = false;
    let cover: () => void = () => undefined;
    const covering = new Promise<void>((resolve) => {
      cover = resolve;
    });
    const reading = lab.context({ uncovered: () => (isCovered ? undefined : covering) });
    await reading.role.take();
    const other = outcomeOf(second.role.enter(LONG_MS));
    await quiet();
    expect(other.entered).toBeUndefined();
    isCovered = true;
    cover();
    await quiet();
    expect(other.entered).toBe(true);
  });
});

describe('a silent holder', () => {
  test('is robbed within the limit, and hears of it', async () => {
    await first.role.enter(0);
    first.freeze();
    const waiting = outcomeOf(second.role.enter(LONG_MS));
    await lab.pass(STEAL_AFTER_MS - 1);
    expect(waiting.entered).toBeUndefined();
    await lab.pass(STEAL_AFTER_MS / 4 + 1);
    expect(waiting.entered).toBe(true);
    expect(second.changes).toEqual(['seized']);
    expect(first.changes).toEqual(['acquired', 'stolen']);
    expect([first.role.state, first.thefts]).toEqual(['none', 1]);
    // It wakes, ends what it wrote, and waits like everybody else.
    first.thaw();
    first.role.leave();
    const again = outcomeOf(first.role.enter(LONG_MS));
    await lab.pass(20);
    expect(again.entered).toBeUndefined();
    second.role.leave();
    await quiet();
    expect(again.entered).toBe(true);
  });

  test('is robbed by attempts each of which is shorter than the limit', async () => {
    await first.role.enter(0);
    first.freeze();
    let tries = 0;
    for (let entered = false; !entered && tries < 100; tries++) {
      const attempt = outcomeOf(second.role.enter(300));
      await lab.pass(301);
      entered = attempt.entered ?? false;
      await lab.pass(50);
    }
    expect(tries).toBeGreaterThan(STEAL_AFTER_MS / 351);
    expect(tries).toBeLessThan((1.25 * STEAL_AFTER_MS) / 351 + 2);
    expect(second.changes).toEqual(['seized']);
  });

  test('is asked anew by an attempt long after the last', async () => {
    await first.role.enter(0);
    first.freeze();
    expect(await tryFor(second, STEAL_AFTER_MS - 500)).toBe(false);
    await lab.pass(LONG_MS);
    expect(await tryFor(second, STEAL_AFTER_MS - 500)).toBe(false);
    expect(first.thefts).toBe(0);
  });

  test('is not robbed once it has answered, however late', async () => {
    await first.role.enter(0);
    const waiting = outcomeOf(second.role.enter(LONG_MS));
    for (let i = 0; i < 10; i++) {
      first.freeze();
      await lab.pass(STEAL_AFTER_MS - 600);
      first.thaw();
      await lab.pass(300);
    }
    expect(waiting.entered).toBeUndefined();
    expect(first.thefts).toBe(0);
  });

  test('is not robbed because the one who waits stood still', async () => {
    await first.role.enter(0);
    const waiting = outcomeOf(second.role.enter(LONG_MS));
    await quiet();
    first.freeze();
    for (let i = 0; i < 3; i++) {
      lab.standStill(STEAL_AFTER_MS);
      await lab.pass(0);
    }
    first.thaw();
    await lab.pass(300);
    expect(waiting.entered).toBeUndefined();
    expect(first.thefts).toBe(0);
  });

  test('is not robbed while it computes and breathes', async () => {
    await first.role.enter(0);
    first.freeze();
    const waiting = outcomeOf(second.role.enter(LONG_MS));
    for (let i = 0; i < 100; i++) {
      for (let call = 0; call < 64; call++) first.role.breathe();
      await lab.pass(STEAL_AFTER_MS / 10);
    }
    expect(waiting.entered).toBeUndefined();
    expect(first.thefts).toBe(0);
  });

  test('is robbed once, however many wait', async () => {
    await first.role.enter(0);
    first.freeze();
    const others = [second, lab.context(), lab.context()];
    const waiting = others.map(({ role }) => outcomeOf(role.enter(LONG_MS)));
    await lab.pass(2 * STEAL_AFTER_MS);
    expect(waiting.filter(({ entered }) => entered)).toHaveLength(1);
    for (const { role } of others) {
      if (role.state === 'wanted' || role.state === 'writing') role.leave();
      await lab.pass(1);
    }
    for (const { role } of others) {
      if (role.state === 'wanted' || role.state === 'writing') role.leave();
      await lab.pass(1);
    }
    expect(waiting.map(({ entered }) => entered)).toEqual([true, true, true]);
    expect(others.flatMap(({ changes }) => changes).filter((why) => why === 'seized')).toHaveLength(
      1,
    );
    expect(others.map(({ thefts }) => thefts)).toEqual([0, 0, 0]);
  });

  test('that lets go just then is not robbed', async () => {
    await first.role.enter(0);
    first.freeze();
    const waiting = outcomeOf(second.role.enter(LONG_MS));
    await lab.pass(STEAL_AFTER_MS - 200);
    first.thaw();
    first.role.leave();
    await lab.pass(STEAL_AFTER_MS);
    expect(waiting.entered).toBe(true);
    expect(second.changes).toEqual(['acquired']);
    expect(first.thefts).toBe(0);
  });

  test('is not robbed where nobody could hear it', async () => {
    const hearsNothing = { hears: false, say: () => undefined, listen: () => () => undefined };
    const deaf = lab.context({ channel: hearsNothing });
    await first.role.enter(0);
    const waiting = outcomeOf(deaf.role.enter(3 * STEAL_AFTER_MS));
    await lab.pass(3 * STEAL_AFTER_MS);
    expect(waiting.entered).toBe(false);
    expect(first.thefts).toBe(0);
  });
});

/** One attempt that lasts `ms` at most, and its outcome. */
async function tryFor({ role }: RoleContext, ms: number): Promise<boolean> {
  const attempt = outcomeOf(role.enter(ms));
  await lab.pass(ms + 1);
  return attempt.entered ?? false;
}

describe('waiting', () => {
  test('ends when its time is up', async () => {
    await first.role.enter(0);
    const waiting = outcomeOf(second.role.enter(1000));
    await lab.pass(999);
    expect(waiting.entered).toBeUndefined();
    await lab.pass(2);
    expect(waiting.entered).toBe(false);
    expect(second.role.state).toBe('none');
    first.role.leave();
    await quiet();
    // Nobody is left in the queue.
    expect(await first.role.take()).toBe(true);
  });

  // Goal: busy_timeout=0. Method: no time passes at all.
  test('for no time ends as soon as the holder says that it is busy', async () => {
    await first.role.enter(0);
    expect(await second.role.enter(0)).toBe(false);
    expect(lab.nowMs).toBe(0);
  });

  test('for no time is long enough for an idle holder to hand over', async () => {
    await first.role.take();
    expect(await second.role.enter(0)).toBe(true);
    expect(lab.nowMs).toBe(0);
  });

  test('for no time does not wait for a silent holder', async () => {
    await first.role.enter(0);
    first.freeze();
    expect(await tryFor(second, 250)).toBe(false);
  });

  test('ends with the one who waits', async () => {
    await first.role.enter(0);
    const ended = new AbortController();
    const waiting = second.role.enter(LONG_MS, ended.signal);
    await quiet();
    ended.abort();
    expect(await waiting).toBe(false);
    expect(await second.role.enter(LONG_MS, ended.signal)).toBe(false);
  });

  test('ends when the file is closed, and nothing is held then', async () => {
    await first.role.enter(0);
    const waiting = second.role.enter(LONG_MS);
    await quiet();
    second.role.close();
    expect(await waiting).toBe(false);
    first.role.close();
    expect(first.changes).toEqual(['acquired', 'closed']);
    await quiet();
    expect(await lab.context().role.take()).toBe(true);
  });
});

describe('how long it is kept', () => {
  test('for good: others get nothing until it is closed', async () => {
    const keeping = lab.context({ policy: 'keep' });
    await keeping.role.enter(0);
    keeping.role.leave();
    expect(await tryFor(second, 4 * STEAL_AFTER_MS)).toBe(false);
    expect([keeping.role.state, keeping.thefts]).toEqual(['held', 0]);
    expect(keeping.role.mayLend).toBe(true);
    keeping.role.close();
    expect(await second.role.enter(0)).toBe(true);
  });

  test('for good: a silent one is robbed all the same', async () => {
    const keeping = lab.context({ policy: 'keep' });
    await keeping.role.take();
    keeping.freeze();
    expect(await tryFor(second, 2 * STEAL_AFTER_MS)).toBe(true);
    expect(keeping.changes).toEqual(['acquired', 'stolen']);
  });

  test('for good, once it was asked to', async () => {
    first.role.keep();
    await first.role.take();
    expect(await tryFor(second, STEAL_AFTER_MS)).toBe(false);
  });

  test('for one sqliteTx: it is free when that has ended', async () => {
    const brief = lab.context({ policy: 'each-commit' });
    await brief.role.enter(0);
    expect(brief.role.mayLend).toBe(false);
    brief.role.leave();
    expect(brief.changes).toEqual(['acquired', 'released']);
    await quiet();
    expect(await second.role.take()).toBe(true);
  });

  test('a lock that is wanted is not lent', async () => {
    await first.role.enter(0);
    expect(first.role.mayLend).toBe(true);
    void second.role.enter(LONG_MS);
    await quiet();
    expect(first.role.mayLend).toBe(false);
  });
});
