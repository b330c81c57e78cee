/** Makes a history of what a run left: the plan says what those did of whom nothing was heard. */
import { planTx, type SeatJob, STEAL_AFTER_MS, type TxPlan } from './plan.ts';
import type { Deception, Finale, Recording, SeatRecord } from './protocol.ts';
import { type History, type Op, type SqliteTx, writes } from './record.ts';
import { SEATS, seatName } from './seats.ts';

/** Id of the reading at the end. */
const FINALE = 1;

/** @param toleranceMs by how much the clocks of two contexts may disagree; Infinity: nothing is known */
export function assemble(recording: Recording, toleranceMs: number): History {
  const { plan, records, startedAt, finale } = recording;
  const sqliteTxs = plan.jobs.flatMap((job) => {
    const told = records[job.seat] ?? [];
    return [
      ...told.map((record) => asOld(heard(job, record), recording.deceived)),
      ...unheard(job, told, startedAt),
    ];
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

/**
 * What a context knows by its lock alone is good for half of `stealAfterMs` (docs/DURABILITY.md §10). So if
 * the lock is taken from it by who does not wait for that, its reads may be as old as the deed; and what it
 * commits before it is told may be missing from reads of the context that has the lock by right. Commits
 * are fenced in any case.
 */
function asOld(sqliteTx: SqliteTx, deceived: readonly Deception[]): SqliteTx {
  const isCommit = sqliteTx.outcome === 'committed' && writes(sqliteTx);
  const { startedAt } = sqliteTx;
  const known = deceived.filter(({ at }) => at < startedAt && startedAt < at + STEAL_AFTER_MS / 2);
  if (isCommit) return sqliteTx;
  return { ...sqliteTx, startedAt: Math.min(startedAt, ...known.map(({ at }) => at)) };
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
