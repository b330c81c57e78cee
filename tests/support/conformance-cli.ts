/** The command line of the conformance suite: all browsers, one after the other. */
import { parseArgs } from 'node:util';
import { modulePage, startHost } from '../../tools/browser-host.mjs';
import { BROWSER_NAMES, BROWSERS, type BrowserName } from '../../tools/browsers/browser.mjs';
import { bundlePage } from '../../tools/bundle-page.mjs';
import { findBrowser } from '../../tools/find-browser.mjs';
import { browserOf, type CaseReport, summary } from './conformance-report.ts';

const PAGE = 'tests/support/pages/conformance.ts';
const SUITE_TIMEOUT_MS = 900_000;

type Page = Awaited<ReturnType<typeof bundlePage>>;

/** @returns the exit status */
export async function main(words: string[]): Promise<number> {
  const { values } = parseArgs({
    args: words,
    options: {
      browser: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', default: '' },
    },
  });
  const asked = values.browser.map(browserOf);
  const page = await bundlePage(PAGE, { minify: false });
  let ran = 0;
  let good = true;
  for (const browser of asked.length > 0 ? asked : BROWSER_NAMES) {
    const executable = await find(browser);
    if (executable === undefined) {
      if (asked.length > 0) good = false;
      continue;
    }
    ran += 1;
    good = (await examine(browser, { executable, page, only: values.only })) && good;
  }
  if (ran === 0) console.log('no browser, so nothing was examined');
  return good && ran > 0 ? 0 : 1;
}

async function find(browser: BrowserName): Promise<string | undefined> {
  try {
    return await findBrowser(browser, { install: false });
  } catch (error) {
    console.log(`not examined: ${(error as Error).message}`);
    return undefined;
  }
}

interface Examination {
  readonly executable: string;
  readonly page: Page;
  /** A part of the names of the cases to run. */
  readonly only: string;
}

/** @returns whether the browser behaves as the table says */
async function examine(
  browser: BrowserName,
  { executable, page, only }: Examination,
): Promise<boolean> {
  const reports: CaseReport[] = [];
  const host = await startHost({
    browser,
    executable,
    root: page.root,
    onMessage: ({ kind, data }) => {
      if (kind === 'case') reports.push(data as CaseReport);
    },
  });
  let complete = true;
  try {
    host.open(modulePage(page.entry, { browser, only }));
    await host.waitFor('done', { timeoutMs: SUITE_TIMEOUT_MS });
  } catch (error) {
    complete = false;
    const last = reports.at(-1);
    const place = last ? ` after ${last.subject}: ${last.group} › ${last.name}` : '';
    console.log(`${browser}: the suite broke off${place}: ${(error as Error).message}`);
  } finally {
    await host.close();
  }
  const version = await BROWSERS[browser].version(executable);
  for (const line of summary(version, reports)) console.log(line);
  const unexpected = reports.some(({ verdict }) => verdict.tag === 'failed');
  return complete && reports.length > 0 && !unexpected;
}
