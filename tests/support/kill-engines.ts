/** The three engines, and the builds of wa-sqlite that each of them runs on. */
import type { BuildName } from './sqlite.ts';

export const ENGINES = ['asynchronous', 'mirror', 'shared'] as const;
export type EngineName = (typeof ENGINES)[number];

export const BUILDS_OF: Readonly<Record<EngineName, readonly BuildName[]>> = {
  asynchronous: ['asyncify', 'jspi', 'legacy-asyncify'],
  mirror: ['mirror', 'legacy-mirror'],
  shared: ['shared', 'legacy-shared'],
};
export const BUILDS: readonly BuildName[] = ENGINES.flatMap((engine) => BUILDS_OF[engine]);

export function engineOf(build: BuildName): EngineName {
  if (build.endsWith('mirror')) return 'mirror';
  return build.endsWith('shared') ? 'shared' : 'asynchronous';
}

/** Whether a sqliteTx larger than `spillBytes` goes out ahead of its commit: a mirror stages all of it. */
export function spills(build: BuildName): boolean {
  return engineOf(build) !== 'mirror';
}

/** True where COMMIT may return before the commit is complete, so that only `durable()` proves it. */
export function returnsEarly(trial: {
  readonly build: BuildName;
  readonly durability: 'strict' | 'relaxed' | 'deferred';
}): boolean {
  // That build's API calls cannot wait.
  return trial.durability === 'deferred' || trial.build === 'legacy-mirror';
}
