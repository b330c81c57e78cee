/**
 * `npm run histories -- [--histories n] [--transactions m] [--seed s] [--only k]
 *   [--strikes kind,kind]`
 * `npm run histories -- --check file`
 *
 * Has several tabs and workers of a real Chromium use one database at a time, kills and freezes them and
 * takes their locks, and checks what they saw for strict serialisability (docs/TESTING.md, "Histories").
 * Exit status 0 only without an anomaly.
 */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
/** @type {{ module: typeof import('../tests/support/history/cli.ts') }} */
const { module } = await runnerImport(`${root}tests/support/history/cli.ts`, {
  configFile: false,
  logLevel: 'error',
  root,
});
// What the last browser left open must not keep this process.
process.exit(await module.main(process.argv.slice(2)));
