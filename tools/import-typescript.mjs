/** Runs a TypeScript module of the repository in this process. */
import { fileURLToPath } from 'node:url';
import { runnerImport } from 'vite';

const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** @param {string} path in the repository @returns {Promise<any>} what it exports */
export async function importTypeScript(path) {
  const { module } = await runnerImport(ROOT + path, {
    configFile: false,
    logLevel: 'error',
    root: ROOT,
  });
  return module;
}
