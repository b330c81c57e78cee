import { describe, expect, test } from 'vitest';
import { assemble } from '../../support/history/assemble.ts';
import {
  planHistory,
  planTx,
  STEAL_AFTER_MS,
  type StrikeKind,
} from '../../support/history/plan.ts';
import type { Finale, Recording, SeatRecord } from '../../support/history/protocol.ts';
import { check } from '../../support/history/runner.ts';
import { PAGES, SEATS, seatsOf } from '../../support/history/seats.ts';

const OPTIONS = { transactions: 200 };
const plans = Array.from({ length: 100 }, (_, i) => planHistory(7, i + 1, OPTIONS));

describe('plans', () => {
  test('are the same for the same seed and number, and others for others', () => {
    expect(planHistory(7, 3, OPTIONS)).toEqual(plans[2]);
    expect(new Set(plans.map((plan) => JSON.stringify(plan))).size).toBe(plans.length);
  });

  // Goal: nothing is forgotten. Method: what a hundred plans have in them.
  test('have every seat, durability, kind of strike and of sqliteTx in them', () => {
    const jobs = plans.flatMap((plan) => plan.jobs);
    expect(new Set(jobs.map(({ seat }) => seat)).size).toBe(SEATS.length);
    expect(new Set(jobs.map(({ durability }) => durability)).size).toBe(3);
    const strikes = new Set(plans.flatMap((plan) => plan.strikes.map(({ kind }) => kind)));
    const kinds: StrikeKind[] = [
      'close',
      'freeze',
      'kill',
      'release',
      'steal',
      'stop',
      'terminate',
    ];
    expect([...strikes].sort()).toEqual(kinds);
    const sqliteTxs = jobs.flatMap((job) => [1, 2, 3, 4].map((sequence) => planTx(job, sequence)));
    expect(new Set(sqliteTxs.map(({ style }) => style)).size).toBe(3);
    expect(sqliteTxs.some(({ spills }) => spills)).toBe(true);
    expect(sqliteTxs.some(({ rollsBack, steps }) => rollsBack && steps.length > 1)).toBe(true);
  });

  test('give every history so many sqliteTxs, each with an id and values of its own', () => {
    for (const { jobs } of plans) {
      const sqliteTxs = jobs.flatMap((job) =>
        Array.from({ length: job.sqliteTxs }, (_, i) => planTx(job, i + 1)),
      );
      expect(sqliteTxs).toHaveLength(OPTIONS.transactions);
      const values = sqliteTxs.flatMap(({ steps }) =>
        steps.flatMap((step) => ('value' in step ? [step.value] : [])),
      );
      expect(new Set(values).size).toBe(values.length);
      expect(new Set(sqliteTxs.map(({ id }) => id)).size).toBe(sqliteTxs.length);
    }
  });

  test('seats are in pages that can be killed, but for the SharedWorker', () => {
    expect(PAGES.flatMap(seatsOf).sort()).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
  });
});

// Goal: what nobody heard of is neither taken for done nor for undone. Method: a seat that is heard of once, in
// a plan of its own; what it had still to do may be in the log as a whole, in half it is found.
describe('a seat that died', () => {
  const [plan] = plans;
  if (!plan) throw new Error('no plan');
  const [job] = plan.jobs;
  if (!job) throw new Error('no job');
  const writer = Array.from({ length: job.sqliteTxs }, (_, i) => planTx(job, i + 1)).find(
    ({ rollsBack, steps }) => !rollsBack && steps.filter(({ op }) => op === 'append').length > 1,
  );
  if (!writer) throw new Error('no writer');
  const appends = writer.steps.filter((step) => step.op === 'append');

  function recordingOf(landed: readonly { key: number; value: number }[]): Recording {
    const lists = Array.from({ length: plan?.keys ?? 0 }, (_, key) =>
      landed.filter((append) => append.key === key).map(({ value }) => value),
    );
    const log: Finale['log'] =
      landed.length > 0
        ? [
            [1, 0],
            [2, writer?.id ?? 0],
          ]
        : [[1, 0]];
    const finale: Finale = { log, lists, startedAt: 900, endedAt: 910, defects: [] };
    const first: SeatRecord = {
      sequence: 1,
      outcome: 'aborted',
      startedAt: 100,
      endedAt: 110,
      snapshot: undefined,
      commit: undefined,
      ops: [],
      error: 'BUSY',
    };
    const records = { [job?.seat ?? 0]: [first] };
    return {
      plan: { ...plan, jobs: [job] } as Recording['plan'],
      startedAt: 90,
      records,
      dead: [],
      struck: [],
      deceived: [],
      finale,
    };
  }

  test('may have done nothing', () => {
    const history = assemble(recordingOf([]), 2);
    expect(check(history)).toEqual([]);
    const unheard = history.sqliteTxs.filter(({ endedAt }) => endedAt === undefined);
    expect(unheard).toHaveLength(job.sqliteTxs - 1);
    expect(unheard.every(({ startedAt }) => startedAt === 110)).toBe(true);
  });

  test('may have done what it was at', () => {
    expect(check(assemble(recordingOf(appends), 2))).toEqual([]);
  });

  test('cannot have done half of that', () => {
    const found = check(assemble(recordingOf(appends.slice(1)), 2));
    expect(new Set(found.map(({ by }) => by))).toEqual(new Set(['versions', 'lists']));
  });
});

// Goal: what a lock that is taken without waiting may cost is allowed, and no more. Method: a read that misses
// an acknowledged commit, by another context, sooner or later after the deed.
describe('a lock taken from one that was not told', () => {
  function foundAfter(readAt: number, deceived: Recording['deceived']): readonly unknown[] {
    const [plan] = plans;
    if (!plan) throw new Error('no plan');
    const jobs = plan.jobs.slice(0, 2).map((job) => ({ ...job, sqliteTxs: 1 }));
    const [writer, reader] = jobs;
    if (!writer || !reader) throw new Error('no jobs');
    const commit = { op: 'append', key: 0, value: 77 } as const;
    const records: Recording['records'] = {
      [writer.seat]: [
        {
          sequence: 1,
          outcome: 'committed',
          startedAt: 100,
          endedAt: 110,
          snapshot: 1,
          commit: 2,
          ops: [commit],
          error: undefined,
        },
      ],
      [reader.seat]: [
        {
          sequence: 1,
          outcome: 'aborted',
          startedAt: readAt,
          endedAt: readAt + 1,
          snapshot: 1,
          commit: undefined,
          ops: [{ op: 'read', key: 0, values: [] }],
          error: 'BUSY_SNAPSHOT',
        },
      ],
    };
    const lists = Array.from({ length: plan.keys }, (_, key) => (key === 0 ? [77] : []));
    const log: Finale['log'] = [
      [1, 0],
      [2, planTx(writer, 1).id],
    ];
    const finale: Finale = { log, lists, startedAt: 9000, endedAt: 9010, defects: [] };
    const recording = {
      plan: { ...plan, jobs },
      startedAt: 90,
      records,
      dead: [],
      struck: [],
      deceived,
      finale,
    };
    return check(assemble(recording as Recording, 2));
  }
  const deed = [{ seats: [plans[0]?.jobs[0]?.seat ?? 0], at: 95 }];

  test('who has it then may miss what that one commits', () => {
    expect(foundAfter(120, deed)).toEqual([]);
  });

  test('but not for longer than a context knows by its lock alone', () => {
    expect(foundAfter(95 + STEAL_AFTER_MS, deed)).not.toEqual([]);
  });

  test('and never without the deed', () => {
    expect(foundAfter(120, [])).not.toEqual([]);
  });
});
