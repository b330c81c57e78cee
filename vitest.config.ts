import { defineConfig } from 'vitest/config';
import { HANG_MS, playwrightProject } from './tests/support/browsers/project.ts';
import { findChromium } from './tools/find-browser.mjs';

const chromium = await findChromium({ log: () => {} });

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
      // Side by side, for most of what they do is to wait for the disk.
      playwrightProject(chromium, {
        name: 'browser-faults',
        include: [
          'tests/browser/{fault,shared,conformance}*.test.ts',
          'tests/regress/**/*.test.ts',
        ],
      }),
      playwrightProject(chromium, {
        name: 'browser-sql',
        include: ['tests/browser/!(fault|shared|conformance)*.test.ts'],
      }),
      {
        test: {
          name: 'process',
          include: ['tests/process/**/*.test.ts'],
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
