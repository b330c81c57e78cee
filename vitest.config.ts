import { defineConfig } from 'vitest/config';
import { HANG_MS, playwrightProject, targetProject } from './tests/support/browsers/project.ts';
import { TARGETS } from './tests/support/browsers/targets.ts';
import { findChromium } from './tools/find-browser.mjs';
import { testedBrowsers } from './tools/tested-browsers.mjs';

const chromium = await findChromium({ log: () => {} });

/** What says most about a browser in a minute; `npm run test:browsers` runs all. */
const TELLING = [
  'tests/browser/{environment,sql-api,sql-attach,sql-extensions,recovery}.test.ts',
  'tests/browser/{fault-deferred,fault-overtaken}.test.ts',
];
const tested = testedBrowsers();
const elsewhere = (['chromium-sqlite', 'firefox', 'webkit'] as const).filter((target) =>
  tested.includes(TARGETS[target].browser),
);

export default defineConfig({
  test: {
    reporters: ['default', 'json'],
    outputFile: { json: 'test-results.json' },
    projects: [
      {
        test: {
          name: 'node',
          include: ['tests/**/*.node.test.ts', 'tests/unit/**/*.test.ts', 'tests/sim/**/*.test.ts'],
          environment: 'node',
          testTimeout: HANG_MS,
          hookTimeout: HANG_MS,
          // Two of them also on two cores, where one would be left for Vitest.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      // Side by side, for most of what they do is to wait for the disk; about equally long.
      playwrightProject(chromium, {
        name: 'browser-faults',
        include: [
          'tests/browser/{fault,files,shared,conformance,mirror,open,readers}*.test.ts',
          'tests/regress/**/*.test.ts',
        ],
      }),
      playwrightProject(chromium, {
        name: 'browser-sql',
        include: ['tests/browser/!(fault|files|shared|conformance|mirror|open|readers)*.test.ts'],
      }),
      // Each beside the others, on its own target.
      ...elsewhere.map((target) =>
        targetProject(target, { name: `on-${target}`, include: TELLING }),
      ),
      {
        test: {
          name: 'process',
          include: ['tests/process/**/*.test.ts'],
          exclude: tested.length > 1 ? [] : ['tests/process/site-browsers.test.ts'],
          sequence: { groupOrder: 1 },
          environment: 'node',
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: HANG_MS,
        },
      },
    ],
  },
});
