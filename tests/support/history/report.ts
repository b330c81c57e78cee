/** What histories say together, and one that has an anomaly by itself. */
import type { Result } from './runner.ts';
import { SEATS, seatName } from './seats.ts';

export function isBroken({ anomalies }: Result): boolean {
  return anomalies.length > 0;
}

const SHOWN_MAX = 5;

export function describeBroken(
  { number, anomalies }: Result,
  { replay, file }: { readonly replay: string; readonly file: string | undefined },
): string {
  const shown = anomalies
    .slice(0, SHOWN_MAX)
    .map(({ by, kind, text }) => `  ${by}: ${kind}: ${text}`);
  const more = anomalies.length > SHOWN_MAX ? [`  and ${anomalies.length - SHOWN_MAX} more`] : [];
  const kept = file === undefined ? [] : [`  recorded: npm run histories -- --check ${file}`];
  return [`history ${number} is broken`, ...shown, ...more, `  again: ${replay}`, ...kept].join(
    '\n',
  );
}

export function report(results: readonly Result[]): string {
  const sqliteTxs = results.flatMap(({ history }) => history?.sqliteTxs ?? []);
  const errors = results.flatMap(({ recording }) =>
    Object.values(recording?.records ?? {}).flatMap((records) =>
      records.flatMap(({ error }) => (error === undefined ? [] : [nameOf(error)])),
    ),
  );
  const struck = results.flatMap(({ recording }) => recording?.struck ?? []);
  const durabilities = results.flatMap(
    ({ recording }) => recording?.plan.jobs.map(({ durability }) => durability) ?? [],
  );
  const seats = SEATS.map((_, seat) => {
    const own = sqliteTxs.filter(({ context }) => context === seat);
    return `  ${seatName(seat)}: ${counts(own.map(({ outcome }) => outcome))}`;
  });
  const versions = results.reduce((sum, { history }) => sum + (history?.log.length ?? 0), 0);
  const timeless = results.filter(({ history }) => history && history.toleranceMs > 1e6).length;
  return [
    `${results.length} histories, ${results.filter(isBroken).length} of them broken`,
    `${sqliteTxs.length} sqliteTxs, ${versions} versions: ${counts(sqliteTxs.map(({ outcome }) => outcome))}`,
    ...seats,
    `jobs: ${counts(durabilities)}`,
    `strikes: ${counts(struck)}`,
    `why they failed: ${counts(errors)}`,
    ...(timeless > 0 ? [`${timeless} histories without real time: the clock was set`] : []),
  ].join('\n');
}

/** A code, or an error's class: what is said of a single database counts for nothing here. */
function nameOf(error: string): string {
  return error
    .split(':')
    .slice(0, error.startsWith('SQLite') ? 2 : 1)
    .join(':');
}

function counts(words: readonly string[]): string {
  const found = new Map<string, number>();
  for (const word of words) found.set(word, (found.get(word) ?? 0) + 1);
  return [...found]
    .sort(([, a], [, b]) => b - a)
    .map(([word, count]) => `${count} ${word}`)
    .join(', ');
}
