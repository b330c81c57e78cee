/** Runs one step in a dedicated worker and answers with its result. */
import { SETS } from './sets.ts';
import type { Measurement, Phase, RawStore, Session, Step, StepResult, Workload } from './types.ts';

// Once: later messages are for an engine that has a side in the page.
addEventListener('message', answer, { once: true });

async function answer({ data }: MessageEvent<Step>): Promise<void> {
  let result: StepResult;
  try {
    result = await perform(data);
  } catch (error) {
    result = { step: data, error: error instanceof Error ? (error.stack ?? '') : String(error) };
  }
  postMessage(result);
}

async function perform(step: Step): Promise<StepResult> {
  const contender = SETS[step.set].contenders.find(({ name }) => name === step.contender);
  const workload = SETS[step.set].workloads.find(({ name }) => name === step.workload);
  if (!contender || !workload) throw new Error(`No such step: ${JSON.stringify(step)}`);
  const open = await contender.load();
  const started = performance.now();
  const session = await open(step.database);
  const openMs = performance.now() - started;
  const measurement = await runPhases(session, workload, step);
  const counters = session.counters?.();
  await session.close();
  if (!measurement) return { step };
  return { step, openMs, measurement, ...(counters ? { counters } : {}) };
}

async function runPhases(
  session: Session,
  workload: Workload,
  step: Step,
): Promise<Measurement | undefined> {
  let measurement: Measurement | undefined;
  for (const phase of step.phases) {
    const found = session.raw
      ? await runFloor(session.raw, workload, phase)
      : await workload[phase]?.(session);
    if (found) measurement = found;
  }
  return measurement;
}

async function runFloor(
  store: RawStore,
  { floor }: Workload,
  phase: Phase,
): Promise<Measurement | undefined> {
  if (phase === 'prepare') await floor?.prepare?.(store);
  return phase === 'run' ? await floor?.run(store) : undefined;
}
