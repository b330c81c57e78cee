/** The table "what works where" of the README, made from the results of `npm run test:browsers`. */
import { type Count, SUITES, type Suite } from './suites.ts';
import { TARGET_NAMES, TARGETS, type TargetName } from './targets.ts';

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

const BEGIN = '<!-- what works where: npm run test:browsers -- --record -->\n';
const END = '<!-- end -->\n';

/** @throws if the text has no place for the table */
export function withTable(text: string, results: Results): string {
  const begin = text.indexOf(BEGIN) + BEGIN.length;
  const end = text.indexOf(END, begin);
  if (begin < BEGIN.length || end < 0) throw new Error(`No ${BEGIN.trim()} … ${END.trim()} there`);
  return text.slice(0, begin) + tableOf(results) + text.slice(end);
}

export function tableOf(results: Results): string {
  const ran = TARGET_NAMES.flatMap((name) => {
    const { [name]: result } = results;
    return result ? [{ target: TARGETS[name], result }] : [];
  });
  const rows = [
    ['', ...ran.map(({ target }) => target.title)],
    ['---', ...ran.map(() => '---')],
    ...SUITES.map((suite) => [
      suite.title,
      ...ran.map(({ target, result }) => cellOf(suite, { ...target, ...result })),
    ]),
    ['run on', ...ran.map(({ result }) => `${result.version}, ${result.date}`)],
  ];
  return rows.map((cells) => `| ${cells.join(' | ')} |\n`).join('');
}

function cellOf(
  { title, needs }: Suite,
  { lacks, suites }: Pick<TargetResult, 'suites'> & (typeof TARGETS)[TargetName],
): string {
  const { [title]: count } = suites;
  if (count) return `${count.passed} of ${count.passed + count.failed}`;
  return needs && lacks.includes(needs) ? `not there: needs ${needs}` : 'not run';
}
