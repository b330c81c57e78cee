/** The null control of the histories: a library with a bug is found, by both checkers. */
import { describe, expect, test } from 'vitest';
import { bundlePage } from '../../tools/bundle-page.mjs';
import { BUGS } from '../planted/bugs.mjs';
import { planted, plantingPlugin } from '../planted/plant.mjs';
import { HISTORY_PAGE } from '../support/history/browser.ts';
import { runHistories } from '../support/history/runner.ts';
import { seedOfRun } from '../support/seeded.ts';

const HISTORIES_MAX = 20;
const TRANSACTIONS = 200;
/** A minute on two idle cores; much longer on one that does other things, too. */
const TIMEOUT_MS = 1_200_000;
const seed = seedOfRun();

// Goal: 0 anomalies mean something. Method: the library with a bug that only shows between tabs, locks that
// are stolen and let go of early, and as many histories as it takes until both checkers have seen it.
describe('a library that tabs cannot trust is found out', { timeout: TIMEOUT_MS }, () => {
  test.each(['put instead of add (no fence)', "another tab's commit is not looked for"])(
    '%s',
    async (name) => {
      const found = { versions: 0, lists: 0 };
      await runHistories({
        seed,
        numbers: Array.from({ length: HISTORIES_MAX }, (_, i) => i + 1),
        transactions: TRANSACTIONS,
        strikes: ['steal', 'release'],
        page: await pageWith(name),
        onResult: ({ anomalies }) => {
          for (const { by } of anomalies) if (by === 'versions' || by === 'lists') found[by]++;
        },
        stopsAt: () => found.versions > 0 && found.lists > 0,
      });
      console.log(`${name}: seed ${seed}, ${JSON.stringify(found)}`);
      expect(found.versions).toBeGreaterThan(0);
      expect(found.lists).toBeGreaterThan(0);
    },
  );
});

async function pageWith(name: string): Promise<{ root: string; entry: string }> {
  const bug = BUGS.find((candidate) => candidate.name === name);
  if (!bug) throw new Error(`No planted bug is named ${name}`);
  const texts = planted(bug);
  const { plugin, loaded } = plantingPlugin(texts);
  const page = await bundlePage(HISTORY_PAGE, { minify: false, plugins: [plugin] });
  expect([...loaded]).toEqual([...texts.keys()]);
  return page;
}
