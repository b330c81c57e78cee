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

/** A table of how many items fall into each cell. */
export function counts<T>(
  title: string,
  items: readonly T[],
  by: {
    readonly rows: readonly string[];
    readonly columns: readonly string[];
    readonly cellOf: (item: T) => readonly [row: string, column: string];
  },
): string {
  const cells = items.map((item) => by.cellOf(item).join());
  const countOf = (row: string, column: string) =>
    cells.filter((cell) => cell === [row, column].join()).length;
  const lines = by.rows.map((row) => [row, ...by.columns.map((column) => countOf(row, column))]);
  const [head, ...body] = [['', ...by.columns], ...lines].map((line) =>
    line.map((word, i) => (i === 0 ? String(word).padEnd(14) : String(word).padStart(14))).join(''),
  );
  return [title, head, ...body, ''].join('\n');
}
