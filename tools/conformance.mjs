/**
 * `npm run conformance -- [--browser chromium|firefox|webkit] [--only text]`
 *
 * Holds the IndexedDB of real browsers, and the simulated one within them, against one table of cases
 * (docs/TESTING.md, "Conformance"). Exit status 0 only if every case came out as the table says, in all
 * browsers asked for (`--browser` may be given more than once), or in all that are installed.
 */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
/** @type {{ module: typeof import('../tests/support/conformance-cli.ts') }} */
const { module } = await runnerImport(`${root}tests/support/conformance-cli.ts`, {
  configFile: false,
  logLevel: 'error',
  root,
});
process.exit(await module.main(process.argv.slice(2)));
