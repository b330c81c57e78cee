/** The page of a kill test: inspects what the last trial left, then runs the next until it is killed. */
import { report, reportAndHold, reportErrors, tell } from '../../../tools/host-client.ts';
import { IDBTrace } from '../../../tools/idb-trace.ts';
import type {
  MessageKind,
  Messages,
  PagePlan,
  Point,
  PointName,
  StepName,
  Trial,
} from '../kill-plan.ts';
import { inspect } from './kill-inspect.ts';
import { Workload } from './kill-workload.ts';

const ALIVE_PERIOD_MS = 2000;

reportErrors();
const parameters = new URLSearchParams(location.search);
const plan = JSON.parse(parameters.get('plan') ?? '{}') as PagePlan;
const trace = new IDBTrace(passed);
/** The trial under way; while inspecting there is none, and no point counts. */
let running: Trial | undefined;
/** Steps begun in this run, and the number of the last of them in the database. */
let stepsBegun = 0;
let stepNumber = 0;
let sequence = 0;
let isReady = false;
let lastPoint: PointName | undefined;

if (plan.inspect) await send(plan.inspect, 'inspected', await inspect(plan.inspect));
for (const volume of plan.discard) indexedDB.deleteDatabase(volume);
if (plan.run) await run(plan.run);

async function run(trial: Trial): Promise<void> {
  running = trial;
  trace.restart('opening');
  const workload = await Workload.open(trial);
  setInterval(() => {
    const { requests } = workload;
    tell('alive', { trial: trial.id, step: stepNumber, last: lastPoint, requests });
  }, ALIVE_PERIOD_MS);
  const { found } = await workload.state();
  stepNumber = found;
  if (trial.prelude > 0) await burst(trial, workload, trial.prelude);
  isReady = true;
  await send(trial, 'ready', { found, steps: stepNumber });
  while (stepsBegun - trial.prelude < trial.stepsMax) await burst(trial, workload, trial.burst);
  await send(trial, 'done', { steps: stepNumber });
}

/** Does so many steps between one announcement and one acknowledgement. */
async function burst(trial: Trial, workload: Workload, steps: number): Promise<void> {
  const last = stepNumber + steps;
  await send(trial, 'begin', { step: last });
  while (stepNumber < last) {
    stepNumber++;
    stepsBegun++;
    trace.restart('running');
    mark('step:begun');
    const step = stepNumber;
    await workload.step(step, {
      executed: async () => {
        mark('step:executed');
        if (trial.claim === 'executed') await send(trial, 'ack', { step });
      },
    });
    mark('step:committed');
  }
  if (trial.durability === 'deferred') await workload.durable();
  await send(trial, 'ack', { step: last });
}

function mark(name: StepName): void {
  passed({ name, nth: 1 });
}

/** Every point of the run comes by here. */
function passed({ name, nth }: { name: PointName; nth: number }): void {
  if (!running) return;
  sequence++;
  lastPoint = name;
  const point: Point = { name, nth, sequence, step: stepNumber };
  if (isTheEnd(running, point)) reportAndHold('held', { trial: running.id, ...point });
  if (running.kill.at === 'time' && isReady) tell('trace', { trial: running.id, ...point });
}

function isTheEnd({ kill }: Trial, point: Point): boolean {
  switch (kill.at) {
    case 'time':
      return false;
    case 'sequence':
      return point.sequence === kill.sequence;
    case 'point': {
      const isInStep = kill.orLater ? stepsBegun >= kill.step : stepsBegun === kill.step;
      return isInStep && kill.name === point.name && kill.nth === point.nth;
    }
  }
}

async function send<K extends MessageKind>(
  trial: Trial,
  kind: K,
  data: Messages[K],
): Promise<void> {
  await report(kind, { trial: trial.id, ...data });
}
