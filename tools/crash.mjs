/**
 * `npm run crash -- [--browser chromium|firefox|webkit|all] [--trials n] [--seed s] [--only k]
 *   [--results file] [--backend leveldb|sqlite|both] [--victim v] [--workload w] [--durability d] [--build b]
 *   [--reader r]`
 *
 * Kills real browsers again and again in the middle of seeded workloads, and looks each time at what is
 * left (docs/TESTING.md, "Real kills"). `--trials` is of each browser. Exit status 0 only if every check
 * held after every kill, in every browser asked for.
 */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
/** @type {{ module: typeof import('../tests/support/kill-cli.ts') }} */
const { module } = await runnerImport(`${root}tests/support/kill-cli.ts`, {
  configFile: false,
  logLevel: 'error',
  root,
});
// What the last browser left open must not keep this process.
process.exit(await module.main(process.argv.slice(2)));
