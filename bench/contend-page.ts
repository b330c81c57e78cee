/** The page of `bench/contend.mjs`: contexts that write to one database, and one that is alone. */
import { report, reportErrors } from '../tools/host-client.ts';
import type {
  ContendResult,
  LoneJob,
  LoneResult,
  Waits,
  WorkerAnswer,
  WorkerJob,
} from './contend-jobs.ts';

reportErrors();
const parameters = new URLSearchParams(location.search);
const numberOf = (name: string) => Number(parameters.get(name));
const contenders = (parameters.get('contenders') ?? '').split(',').filter((name) => name !== '');
const engines = ['IDBBlockVFS', 'IDBBlockMirrorVFS', 'IDBBlockSharedVFS'] as const;
const [contexts, rounds, repetition] = ['contexts', 'rounds', 'repetition'].map(numberOf) as [
  number,
  number,
  number,
];

class Context {
  readonly #worker: Worker = new Worker(new URL('./contend-worker.ts', import.meta.url), {
    type: 'module',
  });

  ask<T>(order: WorkerJob): Promise<T> {
    return new Promise((resolve, reject) => {
      this.#worker.onmessage = ({ data }: MessageEvent<WorkerAnswer>) => {
        if (data.type === 'done') resolve(data.value as T);
        else reject(new Error(data.message));
      };
      this.#worker.onerror = ({ message }) => reject(new Error(message));
      this.#worker.postMessage(order);
    });
  }

  end(): void {
    this.#worker.terminate();
  }
}

async function contend(contender: string): Promise<ContendResult> {
  const database = `contend-${contender}`;
  const workers = Array.from({ length: contexts }, () => new Context());
  const [first] = workers;
  for (const worker of workers) {
    await worker.ask({ type: 'open', job: { contender, database, rounds } });
    if (worker === first) await worker.ask({ type: 'create' });
  }
  const started = performance.now();
  const waits = await Promise.all(workers.map((worker) => worker.ask<Waits>({ type: 'go' })));
  const elapsedMs = performance.now() - started;
  const count = (await first?.ask<number>({ type: 'count' })) ?? Number.NaN;
  for (const worker of workers) {
    await worker.ask({ type: 'close' });
    worker.end();
  }
  return {
    contender,
    repetition,
    elapsedMs,
    contexts,
    count,
    waitsMs: waits.flatMap(({ waitsMs }) => waitsMs),
    busy: waits.reduce((sum, { busy }) => sum + busy, 0),
  };
}

async function lone(job: LoneJob): Promise<LoneResult> {
  const context = new Context();
  const result = await context.ask<LoneResult>({ type: 'lone', job });
  context.end();
  return result;
}

for (const contender of contenders) await report('contended', await contend(contender));
const [blocks, commitsPerBlock] = [numberOf('blocks'), numberOf('commitsPerBlock')];
for (const engine of blocks > 0 ? engines : []) {
  await report('lone', await lone({ engine, blocks, commitsPerBlock }));
}
await report('done');
