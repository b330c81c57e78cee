/** Runs one step in a dedicated worker and answers with its result. */
import { CONTENDERS } from './contenders/index.ts';
import type { Measurement, Session, Step, StepResult, Workload } from './types.ts';
import { WORKLOADS } from './workloads/index.ts';

addEventListener('message', async ({ data }: MessageEvent<Step>) => {
  let answer: StepResult;
  try {
    answer = await perform(data);
  } catch (error) {
    answer = { step: data, error: error instanceof Error ? (error.stack ?? '') : String(error) };
  }
  postMessage(answer);
});

async function perform(step: Step): Promise<StepResult> {
  const contender = CONTENDERS.find(({ name }) => name === step.contender);
  const workload = WORKLOADS.find(({ name }) => name === step.workload);
  if (!contender || !workload) throw new Error(`No such step: ${JSON.stringify(step)}`);
  const session = await contender.open(step.database);
  const measurement = await runPhases(session, workload, step);
  const counters = session.counters?.();
  await session.close();
  return { step, ...(measurement ? { measurement } : {}), ...(counters ? { counters } : {}) };
}

async function runPhases(
  session: Session,
  workload: Workload,
  step: Step,
): Promise<Measurement | undefined> {
  let measurement: Measurement | undefined;
  for (const phase of step.phases) {
    if (phase === 'run') measurement = await workload.run(session);
    else await workload[phase]?.(session);
  }
  return measurement;
}
