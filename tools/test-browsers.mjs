/**
 * `npm run test:browsers -- [--browser chromium|chromium-sqlite|firefox|webkit] [--record] [-t name] [file]`
 *
 * Runs the browser suites in each browser in turn, or in those asked for (`--browser` may be given more
 * than once), and says what came of each suite (docs/TESTING.md, "Browsers"). `--record`: the newest
 * results of each file become the README's table. Exit status 0 only if every test passed in every browser; one that is not
 * there and cannot be installed is an error.
 */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const root = fileURLToPath(new URL('..', import.meta.url));
/** @type {{ module: typeof import('../tests/support/browsers/cli.ts') }} */
const { module } = await runnerImport(`${root}tests/support/browsers/cli.ts`, {
  configFile: false,
  logLevel: 'error',
  root,
});
process.exit(await module.main(process.argv.slice(2)));
