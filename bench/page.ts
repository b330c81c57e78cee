/**
 * The page of one repetition. Each step has a page load of its own: when one has been reported, the
 * page loads itself again for the next, so that nothing of the last is left in memory.
 */
import { report, reportErrors } from '../tools/host-client.ts';
import { planOf, type Selection, select } from './plan.ts';
import type { SetName } from './sets.mjs';
import { SETS } from './sets.ts';
import type { Ask, Order, Step, StepResult } from './types.ts';

const STEP_TIMEOUT_MS = 180_000;
/** Of what has to be asked for by name: a gigabyte. */
const LONG_STEP_TIMEOUT_MS = 900_000;
/** What a browser does first of all is no part of a figure. */
const START_MS = 1000;

reportErrors();
const parameters = new URLSearchParams(location.search);
const listOf = (name: string) => (parameters.get(name) ?? '').split(',').filter((s) => s !== '');
const selection: Selection = {
  set: parameters.get('set') as SetName,
  only: listOf('only'),
  workloads: listOf('workloads'),
  long: parameters.has('long'),
};
// Engines that need SharedArrayBuffer would run in a slower mode of theirs, or not at all.
if (!crossOriginIsolated) throw new Error('This page is not cross-origin isolated');
const plan = planOf(selection, Number(parameters.get('repetition')));
const index = Number(parameters.get('step') ?? 0);
const step = plan[index];

const profiled = parameters.has('profile');
if (index === 0) await report('plan', await description());
if (index === 0 && profiled) await hold(null);
if (!step) {
  await report('end');
} else if (step.restart && !profiled && parameters.get('restarted') !== String(index)) {
  // The host starts another browser, on this profile, at this step.
  await report('end', { restartAt: index });
} else {
  if (step.restart) await new Promise((resolve) => setTimeout(resolve, START_MS));
  await report('result', await perform(step));
  parameters.set('step', String(index + 1));
  location.search = parameters.toString();
}

async function perform(data: Step): Promise<StepResult> {
  const contender = SETS[data.set].contenders.find(({ name }) => name === data.contender);
  const workload = SETS[data.set].workloads.find(({ name }) => name === data.workload);
  const timeoutMs = workload?.optional ? LONG_STEP_TIMEOUT_MS : STEP_TIMEOUT_MS;
  const workers: Worker[] = [];
  const result = await new Promise<StepResult>((resolve) => {
    const fail = (error: string) => resolve({ step: data, error });
    setTimeout(() => fail(`not finished after ${timeoutMs} ms`), timeoutMs);
    const start = (order: Order): void => {
      const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
      workers.push(worker);
      worker.onerror = ({ message }) => fail(message);
      worker.addEventListener('message', ({ data: said }: MessageEvent<StepResult | Ask>) => {
        // An engine that has a side in the page sends messages too.
        if ('step' in said) {
          if (!order.partner || said.error !== undefined) resolve(said);
        } else if ('ask' in said && said.ask === 'partner') {
          start({ ...data, partner: true });
        } else if ('ask' in said) {
          const answer = said.ask === 'hold' ? hold(data) : memoryBytes();
          answer.then((reply) => worker.postMessage({ reply }), reportError);
        }
      });
      Promise.resolve(contender?.attach?.(worker)).then(
        () => worker.postMessage(order),
        (error) => fail(String(error)),
      );
    };
    start({ ...data, profiled });
  });
  for (const worker of workers) worker.terminate();
  return result;
}

/** Until the host lets it go on: the profiler has to be started, or asked. */
async function hold(data: Step | null): Promise<void> {
  const released = new Promise<void>((resolve) => {
    Object.assign(globalThis, { goOn: resolve });
  });
  await report('hold', data);
  await released;
}

interface MeasuringPerformance {
  measureUserAgentSpecificMemory?(): Promise<{ readonly bytes: number }>;
}

async function memoryBytes(): Promise<number | undefined> {
  const measured = await (performance as MeasuringPerformance).measureUserAgentSpecificMemory?.();
  return measured?.bytes;
}

/** What the host need not know of itself. */
async function description() {
  const { contenders, workloads } = select(selection);
  return {
    steps: plan.length,
    browser: await browserName(),
    contenders: contenders.map(({ load, attach, available, ...rest }) => rest),
    workloads: workloads.map(({ name, title, cold }) => ({ name, title, cold })),
  };
}

interface Brand {
  readonly brand: string;
  readonly version: string;
}

interface AgentData {
  getHighEntropyValues(hints: readonly string[]): Promise<{ fullVersionList?: readonly Brand[] }>;
}

async function browserName(): Promise<string> {
  const agent = (navigator as { userAgentData?: AgentData }).userAgentData;
  const found = await agent?.getHighEntropyValues(['fullVersionList']);
  const brand = found?.fullVersionList?.find(({ brand }) => brand.includes('Chrom'));
  if (brand) return `${brand.brand} ${brand.version}`;
  const [firefox] = /Firefox\/[\d.]+/.exec(navigator.userAgent) ?? [];
  return firefox?.replace('/', ' ') ?? navigator.userAgent;
}
