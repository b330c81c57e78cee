/** Runs one step in a dedicated worker and answers with its result. */
import { SETS } from './sets.ts';
import { storedBytes } from './space.ts';
import type {
  Ask,
  Contender,
  Measurement,
  Order,
  Phase,
  Session,
  Step,
  StepResult,
  Workload,
} from './types.ts';

// Once: later messages are for an engine that has a side in the page.
addEventListener('message', answer, { once: true });

async function answer({ data }: MessageEvent<Order>): Promise<void> {
  const { partner, profiled, ...step } = data;
  let result: StepResult;
  try {
    result = await (partner ? assist(step) : perform(step, profiled));
  } catch (error) {
    // Chromium's stacks begin with the message, others' do not have it.
    const stack = error instanceof Error ? (error.stack ?? '') : '';
    const message = String(error);
    result = { step, error: stack.startsWith(message) ? stack : `${message}\n${stack}` };
  }
  postMessage(result);
}

async function perform(step: Step, profiled = false): Promise<StepResult> {
  const { contender, workload } = partsOf(step);
  const open = await contender.load();
  const started = performance.now();
  const session = await open(step.database);
  const openMs = performance.now() - started;
  const measurement = await runPhases(session, workload, step);
  const counters = session.counters?.();
  const memoryBytes = measurement && workload.memory ? await asking('memory') : undefined;
  // Before closing: workers of the engine may end with it.
  if (profiled) await asking('hold');
  await session.close();
  if (!measurement) return { step };
  const details = {
    ...measurement.details,
    ...(typeof memoryBytes === 'number' ? { memoryBytes } : {}),
    ...(workload.space ? { storedBytes: await storedBytes(step.database) } : {}),
  };
  return {
    step,
    openMs,
    measurement: Object.keys(details).length > 0 ? { ...measurement, details } : measurement,
    ...(counters ? { counters } : {}),
  };
}

/** The second worker of a workload that has two. */
async function assist(step: Step): Promise<StepResult> {
  const { contender, workload } = partsOf(step);
  const open = await contender.load();
  const session = await open(step.database);
  await workload.partner?.(session);
  await session.close();
  return { step };
}

function partsOf(step: Step): { contender: Contender; workload: Workload } {
  const contender = SETS[step.set].contenders.find(({ name }) => name === step.contender);
  const workload = SETS[step.set].workloads.find(({ name }) => name === step.workload);
  if (!contender || !workload) throw new Error(`No such step: ${JSON.stringify(step)}`);
  return { contender, workload };
}

async function runPhases(
  session: Session,
  workload: Workload,
  step: Step,
): Promise<Measurement | undefined> {
  let measurement: Measurement | undefined;
  for (const phase of step.phases) {
    const found = session.raw
      ? await runFloor(session, workload, phase)
      : await workload[phase]?.(session);
    if (found) measurement = found;
  }
  return measurement;
}

async function runFloor(
  { raw }: Session,
  { floor }: Workload,
  phase: Phase,
): Promise<Measurement | undefined> {
  if (!raw) return undefined;
  if (phase === 'prepare') await floor?.prepare?.(raw);
  return phase === 'run' ? await floor?.run(raw) : undefined;
}

/** What the page answers. */
function asking(ask: Ask['ask']): Promise<unknown> {
  return new Promise((resolve) => {
    addEventListener('message', function listen({ data }: MessageEvent<object>) {
      if (!('reply' in data)) return;
      removeEventListener('message', listen);
      resolve(data.reply);
    });
    postMessage({ ask } satisfies Ask);
  });
}
