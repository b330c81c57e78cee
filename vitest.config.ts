import { playwright } from '@vitest/browser-playwright';
import { defineConfig } from 'vitest/config';
import { nativeCommands, profileContains } from './tests/support/browser-commands.ts';
import { CHROMIUM_FLAGS } from './tools/chromium-flags.mjs';
import { findChromium } from './tools/find-browser.mjs';
import { createProfileDir } from './tools/profile-dir.mjs';
import { CONVERTED_PACKAGES, ISOLATION_HEADERS, WASM_PACKAGES } from './tools/serving.mjs';

const chromium = await findChromium({ log: () => {} });

/** One page at a time in each browser: the provider drops the persistent profile when files of one run in parallel. */
function browserOf(name: string, include: readonly string[]) {
  const profileDir = createProfileDir(`vitest-${name}`);
  return {
    optimizeDeps: { exclude: WASM_PACKAGES, include: CONVERTED_PACKAGES },
    server: { headers: ISOLATION_HEADERS },
    test: {
      name: `browser-${name}`,
      include: [...include],
      sequence: { groupOrder: 1 },
      testTimeout: 60_000,
      hookTimeout: 60_000,
      fileParallelism: false,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider: playwright({
          // Without it IndexedDB lives in memory.
          persistentContext: profileDir,
          launchOptions: { executablePath: chromium, args: [...CHROMIUM_FLAGS] },
        }),
        commands: { profileContains: profileContains(profileDir), ...nativeCommands },
        instances: [{ browser: 'chromium' as const }],
      },
    },
  };
}

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
          // Two of them also on two cores, where one would be left for Vitest.
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      // Side by side, for most of what they do is to wait for the disk.
      browserOf('faults', [
        'tests/browser/{fault,shared,conformance}*.test.ts',
        'tests/regress/**/*.test.ts',
      ]),
      browserOf('sql', ['tests/browser/!(fault|shared|conformance)*.test.ts']),
      {
        test: {
          name: 'process',
          include: ['tests/process/**/*.test.ts'],
          sequence: { groupOrder: 1 },
          environment: 'node',
          fileParallelism: false,
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
