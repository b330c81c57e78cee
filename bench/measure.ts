/** Clocks for workloads: a loop of equal operations, and a single one. */
import { Bench } from 'tinybench';
import type { Measurement } from './types.ts';

export interface LoopOptions {
  readonly iterations: number;
  /** Runs before the first that counts. */
  readonly warmup: number;
  /** As many more as that takes: engines that filled their database in this page are warm already. */
  readonly warmupMs?: number;
  /** Tell how the operations' times are distributed. */
  readonly distribution?: boolean;
}

/** Runs `operation` in a loop, after a few runs that do not count. */
export async function loop(
  operation: (iteration: number) => Promise<void>,
  options: LoopOptions,
): Promise<Measurement> {
  let iteration = 0;
  const bench = new Bench({
    iterations: options.iterations,
    time: 0,
    warmup: options.warmup > 0,
    warmupIterations: options.warmup,
    warmupTime: options.warmupMs ?? 0,
    throws: true,
    retainSamples: options.distribution ?? false,
  });
  bench.add('operation', () => operation(iteration++), { async: true });
  const [task] = await bench.run();
  if (task?.result.state !== 'completed') throw new Error(`The loop ${task?.result.state}`);
  const { mean, p50, p99, samplesCount, samples } = task.result.latency;
  return {
    meanMs: mean,
    medianMs: p50,
    p99Ms: p99,
    operations: samplesCount,
    ...(options.distribution && samples ? { quantilesMs: quantiles(samples) } : {}),
  };
}

/** @param samples in order, the least first. */
function quantiles(samples: readonly number[]): number[] {
  return Array.from(
    { length: 101 },
    (_, i) => samples[Math.round((i / 100) * (samples.length - 1))] as number,
  );
}

/**
 * A loop of operations too short for the clock, which is read once a batch. `medianMs` and `p99Ms` are
 * of the batches' means.
 */
export async function batches(
  operation: (iteration: number) => Promise<void>,
  options: LoopOptions & { readonly batch: number },
): Promise<Measurement> {
  const { batch } = options;
  let iteration = 0;
  const measurement = await loop(
    async () => {
      for (let i = 0; i < batch; i++) await operation(iteration++);
    },
    { ...options, iterations: options.iterations / batch, warmup: options.warmup / batch },
  );
  return {
    meanMs: measurement.meanMs / batch,
    medianMs: measurement.medianMs / batch,
    p99Ms: measurement.p99Ms / batch,
    operations: measurement.operations * batch,
  };
}

/** What cannot be repeated without becoming something else. */
export async function once(operation: () => Promise<void>): Promise<Measurement> {
  const started = performance.now();
  await operation();
  const ms = performance.now() - started;
  return { meanMs: ms, medianMs: ms, p99Ms: ms, operations: 1 };
}

/** @throws unless they are the same. */
export function expectEqual(actual: unknown, expected: unknown, what: string): void {
  const [a, e] = [JSON.stringify(actual), JSON.stringify(expected)];
  if (a !== e) throw new Error(`Wrong ${what}: ${a} instead of ${e}`);
}
