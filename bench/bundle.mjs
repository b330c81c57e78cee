/** Bundles the benchmark's page and worker, as an application would ship them. */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const REPOSITORY = fileURLToPath(new URL('..', import.meta.url));
const CACHE_DIR = join(REPOSITORY, 'node_modules/.cache');

/** @returns {Promise<{ root: string, entry: string }>} the folder to serve, and its page's module */
export async function bundle() {
  mkdirSync(CACHE_DIR, { recursive: true });
  const root = mkdtempSync(join(CACHE_DIR, 'bench-'));
  process.once('exit', () => rmSync(root, { recursive: true, force: true }));
  const entry = 'page.js';
  await build({
    configFile: false,
    root: REPOSITORY,
    logLevel: 'error',
    worker: { format: 'es' },
    build: {
      outDir: root,
      target: 'esnext',
      modulePreload: false,
      rolldownOptions: {
        input: join(REPOSITORY, 'bench/page.ts'),
        output: { entryFileNames: entry },
        preserveEntrySignatures: false,
      },
    },
  });
  return { root, entry };
}
