/**
 * The page of one repetition. Each step has a page load of its own: when one has been reported, the
 * page loads itself again for the next, so that nothing of the last is left in memory.
 */
import { report, reportErrors } from '../tools/host-client.ts';
import { planOf, type Selection, select } from './plan.ts';
import type { SetName } from './sets.mjs';
import { SETS } from './sets.ts';
import type { Step, StepResult } from './types.ts';

const STEP_TIMEOUT_MS = 180_000;

reportErrors();
const parameters = new URLSearchParams(location.search);
const listOf = (name: string) => (parameters.get(name) ?? '').split(',').filter((s) => s !== '');
const selection: Selection = {
  set: parameters.get('set') as SetName,
  only: listOf('only'),
  workloads: listOf('workloads'),
};
// Engines that need SharedArrayBuffer would run in a slower mode of theirs, or not at all.
if (!crossOriginIsolated) throw new Error('This page is not cross-origin isolated');
const plan = planOf(selection, Number(parameters.get('repetition')));
const index = Number(parameters.get('step') ?? 0);
const step = plan[index];

if (index === 0) await report('plan', await description());
if (step) {
  await report('result', await perform(step));
  parameters.set('step', String(index + 1));
  location.search = parameters.toString();
} else {
  await report('done');
}

function perform(data: Step): Promise<StepResult> {
  return new Promise((resolve, reject) => {
    const contender = SETS[data.set].contenders.find(({ name }) => name === data.contender);
    const worker = new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' });
    const end = (result: StepResult) => {
      clearTimeout(timer);
      worker.terminate();
      resolve(result);
    };
    const timer = setTimeout(
      () => end({ step: data, error: `not finished after ${STEP_TIMEOUT_MS} ms` }),
      STEP_TIMEOUT_MS,
    );
    worker.addEventListener('message', ({ data: result }: MessageEvent<StepResult>) => {
      // An engine that has a side in the page sends messages too.
      if ('step' in result) end(result);
    });
    worker.onerror = ({ message }) => end({ step: data, error: message });
    Promise.resolve(contender?.attach?.(worker)).then(() => worker.postMessage(data), reject);
  });
}

/** What the host need not know of itself. */
async function description() {
  const { contenders, workloads } = select(selection);
  return {
    steps: plan.length,
    browser: await browserName(),
    contenders: contenders.map(({ load, attach, ...rest }) => rest),
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
  return brand ? `${brand.brand} ${brand.version}` : navigator.userAgent;
}
