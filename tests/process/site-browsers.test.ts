import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSite } from '../../site/serve.mjs';
import { createProfileDir } from '../../tools/profile-dir.mjs';
import { testedBrowsers } from '../../tools/tested-browsers.mjs';
import { soon } from '../support/soon.ts';
import { driveFirefox } from '../support/webdriver/marionette.ts';
import { DrivenPage } from '../support/webdriver/page.ts';
import { driveWebKit } from '../support/webdriver/webkit-driver.ts';

/** Where screenshots are to go, for people to look at. */
const SHOTS_DIR = process.env['SCREENSHOTS_DIR'];

const BROWSERS = [
  {
    name: 'firefox',
    drive: driveFirefox,
    opened: 'IDBBlockSharedVFS on sync, strict',
    kills: true,
  },
  {
    name: 'webkit',
    drive: driveWebKit,
    // Without JSPI, and without SharedArrayBuffer unless it is asked for.
    opened: 'IDBBlockVFS on asyncify, strict',
    // WebKitGTK 2.50 often keeps an idbTx that a killed worker had begun for as long as the page is open.
    kills: false,
  },
] as const;

const tested = BROWSERS.filter(({ name }) => testedBrowsers().includes(name));

// Goal: the page that `npm start` serves does what it offers in browsers other than Chromium. Method: a user's
// way through it with the keyboard, driven by WebDriver; what the page says is looked at.
describe.each(tested)('$name', ({ name, drive, opened, kills }) => {
  let site: { url: string; close: () => Promise<void> };
  let page: DrivenPage;

  beforeAll(async () => {
    site = await startSite({ port: 0 });
    page = new DrivenPage(await drive(createProfileDir(`site-${name}`)));
    await page.goto(site.url);
  }, 120_000);
  afterAll(async () => {
    await page?.close();
    await site?.close();
  });

  async function shoot(label: string): Promise<void> {
    if (SHOTS_DIR === undefined) return;
    mkdirSync(SHOTS_DIR, { recursive: true });
    writeFileSync(join(SHOTS_DIR, `${name}-${label}.png`), await page.screenshot());
  }

  async function runSql(sql: string): Promise<string> {
    await page.tabTo('sql');
    await page.press('Control', 'a');
    await page.type(sql);
    // What it says of the statement before must not be taken for this one's.
    await page.run("document.getElementById('status').textContent = ''");
    await page.press('Control', 'Enter');
    return await page.textLike('status', / ms$|error/);
  }

  async function press(id: string): Promise<void> {
    await page.tabTo(id);
    // Under WebDriver Firefox makes no click of a key on a button, once there was a chord.
    await page.run('document.activeElement.click()');
  }

  const cell = () => page.run<string>("return document.querySelector('td')?.textContent");
  const label = (id: string) =>
    page.run<string>('return document.getElementById(arguments[0]).ariaLabel', id);

  test('it opens with the fastest engine that the browser can carry, and says so', async () => {
    expect(await page.textLike('chosen', / on /)).toContain(opened);
    await shoot('opened');
  });

  test('the cities are loaded, and a query answered', async () => {
    await press('cities');
    await page.textLike('status', /135,233 cities loaded in one transaction/, 180_000);
    expect(await runSql('SELECT count(*) AS cities FROM city')).toMatch(/^1 rows/);
    expect(await cell()).toBe('135233');
    expect(await runSql('SELEC 1')).toMatch(/syntax error/);
    await runSql('SELECT name, country, population FROM city ORDER BY population DESC LIMIT 20');
    await shoot('query');
  });

  test('a commit shows in the metrics, in the chart and among the blocks', async () => {
    const commits = async () =>
      Number(/Commits complete(\d+)/.exec(await page.text('metrics'))?.[1]);
    const version = async () => Number(/version (\d+)/.exec(await label('blocks'))?.[1]);
    const before = { commits: await commits(), version: await version() };
    expect(before.version).toBeGreaterThan(0);
    await runSql('CREATE TABLE note(text)');
    await soon(async () => expect(await commits()).toBe(before.commits + 1));
    await soon(async () => expect(await version()).toBe(before.version + 1));
    expect(await label('latency')).toMatch(/median \d/);
  });

  if (kills) {
    test('a worker that is killed in mid-commit leaves whole commits only', async () => {
      await press('kill');
      await page.textLike(
        'status',
        /is there whole, 2000 rows of one commit; [\d,]+ blocks read and checked, no defect/,
        120_000,
      );
      expect(await page.text('log')).toMatch(/recovery: version \d+; (nothing|an) unfinished/);
      await shoot('killed');
    });
  }

  test('what is exported is an SQLite file', async () => {
    // The link that is clicked on has its bytes. It is not followed: a browser saves where it likes.
    await page.run(`
      const { createObjectURL } = URL;
      HTMLAnchorElement.prototype.click = () => {};
      URL.createObjectURL = (blob) => {
        blob.slice(0, 15).text().then((head) => { window.exportedHead = head; });
        return createObjectURL.call(URL, blob);
      };`);
    await press('export');
    await page.textLike('file-status', /^Exported [\d.]+ MB$/);
    const head = () => page.run('return window.exportedHead');
    await soon(async () => expect(await head()).toBe('SQLite format 3'));
  });
});
