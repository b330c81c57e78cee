/** The page of a kill test: inspects what the last trial left, then runs the next until it is killed. */
import { report, reportErrors, tell } from '../../../tools/host-client.ts';
import { IDBTrace } from '../../../tools/idb-trace.ts';
import { returnsEarly } from '../kill-engines.ts';
import type { MessageKind, Messages, PagePlan, StepName, Trial } from '../kill-plan.ts';
import { type Life, outlive } from './kill-bereft.ts';
import { inspect } from './kill-inspect.ts';
import { Points } from './kill-points.ts';
import { Told, Workload } from './kill-workload.ts';
import { isStorageGone } from './storage-gone.ts';

const ALIVE_PERIOD_MS = 2000;

reportErrors();
const parameters = new URLSearchParams(location.search);
const plan = JSON.parse(parameters.get('plan') ?? '{}') as PagePlan;

if (plan.inspect) await send(plan.inspect, 'inspected', await inspect(plan.inspect));
for (const volume of plan.discard) indexedDB.deleteDatabase(volume);
if (plan.run) await run(plan.run);

async function run(trial: Trial): Promise<void> {
  const points = new Points(trial);
  new IDBTrace(
    (point) => points.passed(point),
    () => points.era,
  );
  const life = lifeOf(points);
  if (trial.victim === 'network') return await outlive(life);
  const workload = await life.open();
  await life.begin(workload);
  while (life.goesOn()) await life.burst(workload);
  await life.done();
}

function lifeOf(points: Points): Life {
  const { trial } = points.share;
  let storage: Storage | undefined;
  const startWorker = () => {
    storage = startStorage(points);
    return storage.worker;
  };
  return {
    points,
    async open(told = new Told()) {
      const workload = await Workload.open(trial, { startStorage: startWorker, told });
      setInterval(() => {
        const { requests } = workload;
        tell('alive', { trial: trial.id, step: points.step, last: points.last, requests });
      }, ALIVE_PERIOD_MS);
      return workload;
    },
    async begin(workload) {
      const { found } = await workload.state();
      points.found(found);
      if (returnsEarly(trial)) {
        workload.onLanded((step) => tell('ack', { trial: trial.id, step }));
      }
      if (trial.prelude > 0) await burst(points, workload, trial.prelude);
      points.ready();
      await send(trial, 'ready', { found, steps: points.step });
    },
    burst: (workload) => burst(points, workload, trial.burst),
    goesOn: () => points.stepsBegun - trial.prelude < trial.stepsMax,
    done: () => send(trial, 'done', { steps: points.step }),
    isStorageGone: () => storage?.isGone() ?? isStorageGone(),
    tell: (kind, survival) => send(trial, kind, survival),
  };
}

interface Storage {
  readonly worker: Worker;
  isGone(): Promise<boolean>;
}

/** A storage worker in which points are passed, too. */
function startStorage({ share }: Points): Storage {
  const worker = new Worker(new URL('./kill-storage.ts', import.meta.url), { type: 'module' });
  const { port1, port2 } = new MessageChannel();
  worker.postMessage({ ...share, port: port2 }, [port2]);
  const isGone = () =>
    new Promise<boolean>((resolve) => {
      port1.onmessage = ({ data }: MessageEvent<boolean>) => resolve(data);
      port1.postMessage('is it gone?');
    });
  return { worker, isGone };
}

/** Does so many steps between one announcement and one acknowledgement. */
async function burst(points: Points, workload: Workload, steps: number): Promise<void> {
  const { trial } = points.share;
  const mark = (name: StepName) => points.passed({ name, nth: 1 });
  const last = points.step + steps;
  await send(trial, 'begin', { step: last });
  while (points.step < last) {
    points.beginStep();
    mark('step:begun');
    const { step } = points;
    await workload.step(step, {
      executed: async () => {
        mark('step:executed');
        if (trial.claim === 'executed') await send(trial, 'ack', { step });
      },
    });
    mark('step:committed');
  }
  if (returnsEarly(trial)) await workload.durable();
  await send(trial, 'ack', { step: last });
}

async function send<K extends MessageKind>(
  trial: Trial,
  kind: K,
  data: Messages[K],
): Promise<void> {
  await report(kind, { trial: trial.id, ...data });
}
