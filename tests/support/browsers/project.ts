/** Projects of Vitest that run browser suites. */
import { playwright } from '@vitest/browser-playwright';
import type { TestProjectInlineConfiguration } from 'vitest/config';
import type { BrowserProviderOption } from 'vitest/node';
import { CHROMIUM_FLAGS } from '../../../tools/chromium-flags.mjs';
import { createProfileDir } from '../../../tools/profile-dir.mjs';
import { CONVERTED_PACKAGES, ISOLATION_HEADERS, WASM_PACKAGES } from '../../../tools/serving.mjs';
import { nativeCommands, profileContains } from '../browser-commands.ts';
import { startedBrowser } from './provider.ts';
import { filesBeyond, TARGETS, type TargetName } from './targets.ts';

/** What has not ended by now hangs, however busy the machine is. */
export const HANG_MS = 180_000;

declare module 'vitest' {
  interface ProvidedContext {
    /** Where the suite runs. */
    target: TargetName;
  }
}

export interface Suites {
  /** Of the project. */
  readonly name: string;
  readonly include: readonly string[];
}

/** On a target, driven by nobody. */
export function targetProject(target: TargetName, suites: Suites): TestProjectInlineConfiguration {
  const profileDir = createProfileDir(suites.name);
  const provider = startedBrowser({ target: TARGETS[target], profileDir });
  return projectOf(target, suites, { profileDir, provider, isolate: true });
}

/** On Chromium, driven by Playwright, which runs projects side by side. */
export function playwrightProject(
  executablePath: string,
  suites: Suites,
): TestProjectInlineConfiguration {
  const profileDir = createProfileDir(suites.name);
  const provider = playwright({
    // Without it IndexedDB lives in memory.
    persistentContext: profileDir,
    launchOptions: { executablePath, args: [...CHROMIUM_FLAGS] },
  });
  return projectOf('chromium', suites, { profileDir, provider, isolate: false });
}

interface Driven {
  readonly profileDir: string;
  readonly provider: BrowserProviderOption;
  /** A page for each file, or one for all: loading modules, wasm and workers anew takes half of the time. */
  readonly isolate: boolean;
}

function projectOf(
  target: TargetName,
  { name, include }: Suites,
  { profileDir, provider, isolate }: Driven,
): TestProjectInlineConfiguration {
  const { browser, lacks, store } = TARGETS[target];
  return {
    optimizeDeps: { exclude: WASM_PACKAGES, include: CONVERTED_PACKAGES },
    server: { headers: ISOLATION_HEADERS },
    test: {
      name,
      include: [...include],
      exclude: filesBeyond(lacks),
      provide: { target },
      // After the tests in Node; side by side with others that wait for the disk.
      sequence: { groupOrder: 1 },
      testTimeout: HANG_MS,
      hookTimeout: HANG_MS,
      // One page at a time: files that run in parallel would each need a profile.
      fileParallelism: false,
      isolate,
      browser: {
        enabled: true,
        headless: true,
        screenshotFailures: false,
        provider,
        commands: { profileContains: profileContains(profileDir, store), ...nativeCommands },
        instances: [{ browser }],
      },
    },
  };
}
