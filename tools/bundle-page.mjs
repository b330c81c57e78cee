/** Bundles a page's module, as an application would ship it: one file to load instead of a hundred. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const CACHE_DIR = join(REPOSITORY, 'node_modules/.cache');

/**
 * @param {string} modulePath in the repository
 * @param {{ minify?: boolean, alias?: Record<string, string>, plugins?: readonly import('vite').Plugin[] }} [options]
 *   default: true, none, none; plugins are used for the page's workers, too
 * @returns {Promise<{ root: string, entry: string }>} a folder to serve, removed when this process
 *   exits, and the page's module in it
 */
export async function bundlePage(modulePath, { minify = true, alias = {}, plugins = [] } = {}) {
  mkdirSync(CACHE_DIR, { recursive: true });
  const root = mkdtempSync(join(CACHE_DIR, 'bundle-'));
  process.once('exit', () => rmSync(root, { recursive: true, force: true }));
  const entry = 'page.js';
  await build({
    configFile: false,
    root: REPOSITORY,
    logLevel: 'error',
    resolve: { alias },
    plugins: [...plugins],
    worker: { format: 'es', plugins: () => [...plugins] },
    build: {
      outDir: root,
      target: 'esnext',
      minify,
      modulePreload: false,
      rolldownOptions: {
        input: join(REPOSITORY, modulePath),
        output: { entryFileNames: entry },
        preserveEntrySignatures: false,
      },
    },
  });
  return { root, entry };
}
