import { expect, test } from 'vitest';
import { bundlePage } from '../../tools/bundle-page.mjs';
import { HISTORY_PAGE } from '../support/history/browser.ts';
import { describeBroken, isBroken, report } from '../support/history/report.ts';
import { runHistories } from '../support/history/runner.ts';
import { seedOfRun } from '../support/seeded.ts';

const HISTORIES = 50;
const TRANSACTIONS = 200;
/** A minute on two idle cores; much longer on one that does other things, too. */
const TIMEOUT_MS = 1_200_000;
const seed = seedOfRun();

// Goal: tabs are strictly serialisable, also when some of them die, freeze or lose a lock. Method: windows and
// workers of three pages, and a SharedWorker, with all three engines, on one database at a time; strikes drawn
// from the seed; what each of them read and wrote is checked by versions, and by list-append cycles.
test('histories of several tabs and workers, of all engines, have no anomaly', {
  timeout: TIMEOUT_MS,
}, async () => {
  const page = await bundlePage(HISTORY_PAGE, { minify: false });
  const numbers = Array.from({ length: HISTORIES }, (_, i) => i + 1);
  const results = await runHistories({ seed, numbers, transactions: TRANSACTIONS, page });
  console.log(`seed ${seed}\n${report(results)}`);
  const broken = results.filter(isBroken).map((result) => {
    const replay = `npm run histories -- --seed ${seed} --only ${result.number}`;
    return describeBroken(result, { replay, file: undefined });
  });
  expect(broken.join('\n')).toBe('');
  expect(results).toHaveLength(HISTORIES);
  expectLively(results.flatMap(({ history }) => history?.sqliteTxs ?? []));
});

/** A history in which nothing happens has no anomaly either. */
function expectLively(
  sqliteTxs: readonly { readonly outcome: string; readonly context: number }[],
) {
  const committed = sqliteTxs.filter(({ outcome }) => outcome === 'committed');
  expect(committed.length).toBeGreaterThan((HISTORIES * TRANSACTIONS) / 4);
  expect(new Set(committed.map(({ context }) => context)).size).toBeGreaterThan(8);
  expect(sqliteTxs.some(({ outcome }) => outcome === 'unknown')).toBe(true);
}
