/** The README's table "what works where", made from the results of `npm run test:browsers`. */
import { table } from '../../../bench/results.mjs';
import { type Count, SUITES, type Suite } from './suites.ts';
import { TARGET_NAMES, TARGETS, type Target, type TargetName } from './targets.ts';

/** docs/browsers.json */
export type Results = Readonly<Partial<Record<TargetName, TargetResult>>>;

export interface TargetResult {
  /** YYYY-MM-DD */
  readonly date: string;
  /** What the browser says of itself. */
  readonly version: string;
  /** By the title of the suite. */
  readonly suites: Readonly<Record<string, Count>>;
}

/** @throws if a suite that a browser can run is missing, or has failed */
export function tableOf(results: Results): string {
  const columns = TARGET_NAMES.flatMap((name) => {
    const { [name]: result } = results;
    return result ? [{ ...TARGETS[name], ...result }] : [];
  });
  return table(
    ['', ...columns.map(({ title }) => title)],
    [
      ...SUITES.map((suite) => [suite.title, ...columns.map((column) => cellOf(suite, column))]),
      ['seen on', ...columns.map(({ version, date }) => `${version}, ${date}`)],
    ],
  );
}

function cellOf(
  { title, needs }: Suite,
  { title: browser, lacks, suites }: TargetResult & Target,
): string {
  const { [title]: count } = suites;
  if (count?.failed) throw new Error(`"${title}" failed in ${browser}: it is not to be published`);
  if (count) return `${count.passed} of ${count.passed}`;
  if (needs && lacks.includes(needs)) return `not there: needs ${needs}`;
  throw new Error(`"${title}" did not run in ${browser}: npm run test:browsers -- --record`);
}
