/** Makes a history of what a run left: the plan says what those did of whom nothing was heard. */
import { planTx, type SeatJob, type TxPlan } from './plan.ts';
import type { Finale, Recording, SeatRecord } from './protocol.ts';
import type { History, Op, SqliteTx } from './record.ts';
import { SEATS, seatName } from './seats.ts';

/** Id of the reading at the end. */
const FINALE = 1;

/** @param toleranceMs by how much the clocks of two contexts may disagree; Infinity: nothing is known */
export function assemble(recording: Recording, toleranceMs: number): History {
  const { plan, records, startedAt, finale } = recording;
  const sqliteTxs = plan.jobs.flatMap((job) => {
    const told = records[job.seat] ?? [];
    return [...told.map((record) => heard(job, record)), ...unheard(job, told, startedAt)];
  });
  return {
    toleranceMs,
    sqliteTxs: [...sqliteTxs, lastReading(finale)],
    log: finale.log.map(([version, id]) => ({ version, id })),
    contexts: [...SEATS.map((_, number) => seatName(number)), 'control'],
  };
}

function heard(job: SeatJob, record: SeatRecord): SqliteTx {
  const { sequence, outcome, startedAt, snapshot, commit, ops } = record;
  const plan = planTx(job, sequence);
  const isUnknown = outcome === 'unknown';
  return {
    id: plan.id,
    context: job.seat,
    sequence,
    outcome: isUnknown && plan.rollsBack ? 'aborted' : outcome,
    startedAt,
    endedAt: isUnknown ? undefined : record.endedAt,
    snapshot: isUnknown ? undefined : snapshot,
    commit: isUnknown ? undefined : commit,

    ops: isUnknown ? appendsOf(plan) : ops,
  };
}

/** What a seat that died may have done; it began no sooner than the last one that was heard of ended. */
function unheard(job: SeatJob, told: readonly SeatRecord[], startedAt: number): SqliteTx[] {
  const last = told.at(-1);
  return Array.from({ length: job.sqliteTxs - told.length }, (_, i): SqliteTx => {
    const sequence = told.length + i + 1;
    const plan = planTx(job, sequence);
    return {
      id: plan.id,
      context: job.seat,
      sequence,
      outcome: plan.rollsBack ? 'aborted' : 'unknown',
      startedAt: last?.endedAt ?? startedAt,
      endedAt: undefined,
      snapshot: undefined,
      commit: undefined,
      ops: appendsOf(plan),
    };
  });
}

function appendsOf({ steps }: TxPlan): Op[] {
  return steps.flatMap((step) => (step.op === 'append' ? [step] : []));
}

function lastReading({ log, lists, startedAt, endedAt }: Finale): SqliteTx {
  return {
    id: FINALE,
    context: SEATS.length,
    sequence: 1,
    outcome: 'committed',
    startedAt,
    endedAt,
    snapshot: log.at(-1)?.[0],
    commit: undefined,
    ops: lists.map((values, key) => ({ op: 'read', key, values })),
  };
}
