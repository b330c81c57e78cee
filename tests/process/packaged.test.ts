import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { modulePage, startHost } from '../../tools/browser-host.mjs';
import { bundlePage } from '../../tools/bundle-page.mjs';

// Goal: what is published starts its storage worker also when a bundler has packed it. Method: compile the
// package, let Vite build an app of it for production, and open that twice: the second time counts on.

const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url));
const dist = mkdtempSync(join(REPOSITORY, 'node_modules/.cache/dist-'));
afterAll(() => rmSync(dist, { recursive: true, force: true }));

test('an app bundled for production runs the shared engine with its own storage worker', async () => {
  const compile = ['tsc', '-p', 'tsconfig.build.json', '--outDir', dist];
  execFileSync('npx', compile, { cwd: REPOSITORY });
  const { root, entry } = await bundlePage('tests/support/pages/packaged.ts', {
    alias: { 'idb-block-vfs': join(dist, 'index.js') },
  });
  const host = await startHost({ root });
  try {
    host.open(modulePage(entry));
    expect(await host.waitFor('rows')).toEqual([1]);
    await host.restart(modulePage(entry));
    expect(await host.waitFor('rows')).toEqual([2]);
  } finally {
    await host.close();
  }
});
