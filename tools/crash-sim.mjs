/**
 * `npm run crash:sim -- [--recoveries n] [--seed s] [--kind k]`
 *
 * Crashes seeded workloads on the simulated IndexedDB after every turn, recovers and checks, until `n`
 * recoveries were checked (default 20,000), and prints a table (docs/TESTING.md, "Gates"). Exit status 0
 * only if there was no violation.
 */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
/** @type {{ module: typeof import('../tests/support/crash-sim.ts') }} */
const { module } = await runnerImport(`${root}tests/support/crash-sim.ts`, {
  configFile: false,
  logLevel: 'error',
  root,
});
// Crashed programs leave timers behind that nobody waits for.
process.exit(await module.main(process.argv.slice(2)));
