/** The profiles that BENCHMARKS.md shows: one for a workload and contender, the last that was taken. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** @typedef {import('./profile.mjs').WorkerProfile} WorkerProfile */
/** @typedef {{ workload: string, contender: string, workers: WorkerProfile[] }} StepProfile */

const FILE = fileURLToPath(new URL('results/profiles.json', import.meta.url));
const FUNCTIONS_KEPT = 10;

/** @returns {StepProfile[]} */
export function keptProfiles() {
  return existsSync(FILE) ? JSON.parse(readFileSync(FILE, 'utf8')) : [];
}

/** @param {StepProfile} profile */
export function keepProfile({ workload, contender, workers }) {
  const others = keptProfiles().filter(
    (kept) => kept.workload !== workload || kept.contender !== contender,
  );
  const kept = workers.map(({ worker, ms, functions }) => ({
    worker,
    ms: rounded(ms),
    functions: functions
      .slice(0, FUNCTIONS_KEPT)
      .map((each) => ({ name: each.name, ms: rounded(each.ms) })),
  }));
  const all = [...others, { workload, contender, workers: kept }];
  all.sort((a, b) => `${a.workload} ${a.contender}`.localeCompare(`${b.workload} ${b.contender}`));
  writeFileSync(FILE, `${JSON.stringify(all, null, 1)}\n`);
}

/** @param {number} ms */
function rounded(ms) {
  return Math.round(ms * 10) / 10;
}
