/** A worker that runs one scenario of an `openDatabase` suite. */
import type { ScenarioOptions } from '../database-probes.js';
import { runScenario, type ScenarioName } from '../database-scenarios.js';

// Vitest rewrites import() for its own pages, and this worker is none of them.
Object.assign(globalThis, {
  __vitest_browser_runner__: { wrapDynamicImport: (load: () => unknown) => load() },
});

export interface Job {
  readonly name: ScenarioName;
  readonly options: ScenarioOptions;
  /** The folder to look for .wasm files in. */
  readonly wasmAt?: string;
}

addEventListener('message', async ({ data }: MessageEvent<Job>) => {
  const { name, wasmAt } = data;
  const options = wasmAt
    ? { ...data.options, locateFile: (file: string) => wasmAt + file }
    : data.options;
  const found = await runScenario(name, options).then(
    (value) => ({ value }),
    ({ name, message, cause }: Error) => ({
      error: `${name}: ${message}`,
      ...(cause instanceof Error && { cause: cause.message }),
    }),
  );
  (self as unknown as Worker).postMessage(found);
});
