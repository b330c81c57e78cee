/** The page of a kill test: inspects what the last trial left, then runs the next until it is killed. */
import { report, reportAndHold, reportErrors, tell } from '../../../tools/host-client.ts';
import { IDBTrace } from '../../../tools/idb-trace.ts';
import { readRawVolume } from '../../../tools/raw-volume.ts';
import type {
  Inspection,
  MessageKind,
  Messages,
  PagePlan,
  Point,
  PointName,
  StepName,
  Trial,
} from '../kill-plan.ts';
import { type State, Workload } from './kill-workload.ts';

reportErrors();
const parameters = new URLSearchParams(location.search);
const plan = JSON.parse(parameters.get('plan') ?? '{}') as PagePlan;
const trace = new IDBTrace(passed);
/** The trial under way; while inspecting there is none, and no point counts. */
let running: Trial | undefined;
/** Steps begun in this run. */
let stepsBegun = 0;
let sequence = 0;

if (plan.inspect) await send(plan.inspect, 'inspected', await inspect(plan.inspect));
if (plan.run) await run(plan.run);

async function inspect(trial: Trial): Promise<Inspection> {
  const before = await readRawVolume(trial.volume);
  const workload = await Workload.open(trial);
  const { recoveries } = workload;
  const state = await workload.state();
  const problems = [...state.problems, ...(await goOn(workload, state))];
  await workload.close();
  const after = await readRawVolume(trial.volume);
  return { found: state.found, before, after, recoveries, problems };
}

/** What was recovered must also take the next step. */
async function goOn(workload: Workload, { found }: State): Promise<string[]> {
  await workload.step(found + 1, { executed: () => {} });
  const next = await workload.state();
  const problems = next.problems.map((problem) => `after one more step: ${problem}`);
  if (next.found !== found + 1) problems.push(`one more step than ${found} made ${next.found}`);
  return problems;
}

async function run(trial: Trial): Promise<void> {
  running = trial;
  trace.restart('opening');
  const workload = await Workload.open(trial);
  const { found } = await workload.state();
  await send(trial, 'ready', { steps: found });
  for (let step = found + 1; step <= found + trial.stepsMax; step++) {
    await send(trial, 'begin', { step });
    stepsBegun++;
    trace.restart('running');
    mark('step:begun');
    await workload.step(step, { executed: () => mark('step:executed') });
    mark('step:committed');
    await send(trial, 'ack', { step });
  }
  await send(trial, 'done', { steps: found + trial.stepsMax });
}

function mark(name: StepName): void {
  passed({ name, nth: 1 });
}

/** Every point of the run comes by here. */
function passed({ name, nth }: { name: PointName; nth: number }): void {
  if (!running) return;
  sequence++;
  const point: Point = { name, nth, sequence };
  if (isTheEnd(running, point)) reportAndHold('held', { trial: running.id, ...point });
  if (running.kill.at === 'time') tell('trace', { trial: running.id, ...point });
}

function isTheEnd({ kill }: Trial, point: Point): boolean {
  switch (kill.at) {
    case 'time':
      return false;
    case 'sequence':
      return point.sequence === kill.sequence;
    case 'point':
      return kill.name === point.name && kill.nth === point.nth && kill.step === stepsBegun;
  }
}

async function send<K extends MessageKind>(
  trial: Trial,
  kind: K,
  data: Messages[K],
): Promise<void> {
  await report(kind, { trial: trial.id, ...data });
}
