/** What many kill trials say together. */
import type { Outcome } from './kill-runner.ts';

/** How many ends hit each phase, most first. */
export function histogram(outcomes: readonly Outcome[]): string {
  return counted(outcomes.map(({ phase }) => phase));
}

/** One line for each different label with its count, most first. */
export function counted(labels: readonly string[]): string {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([label, count]) => `${String(count).padStart(6)}  ${label}`)
    .join('\n');
}
