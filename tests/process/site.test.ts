import { readFileSync } from 'node:fs';
import { type BrowserContext, chromium, type Page } from 'playwright';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSite } from '../../site/serve.mjs';
import { CHROMIUM_FLAGS } from '../../tools/chromium-flags.mjs';
import { findChromium } from '../../tools/find-browser.mjs';
import { createProfileDir } from '../../tools/profile-dir.mjs';
import { soon } from '../support/soon.ts';

// Goal: the page that `npm start` serves does what it offers. Method: a user's way through it in a real
// browser, by what is on the page for everyone: roles, names, the keyboard.

/** What has not come by now does not come, however busy the machine is. */
const PATIENCE_MS = 120_000;

let site: { url: string; close: () => Promise<void> };
let context: BrowserContext;
let page: Page;
const problems: string[] = [];

beforeAll(async () => {
  site = await startSite({ port: 0 });
  context = await chromium.launchPersistentContext(createProfileDir('site'), {
    executablePath: await findChromium({ log: () => undefined }),
    args: [...CHROMIUM_FLAGS],
    viewport: { width: 1280, height: 1000 },
    acceptDownloads: true,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  page = await context.newPage();
  page.on('pageerror', (error) => problems.push(error.message));
  await page.goto(site.url);
});
afterAll(async () => {
  await context?.close();
  await site?.close();
});

const status = () => page.locator('#status');
const button = (name: RegExp | string) => page.getByRole('button', { name });

async function runSql(sql: string): Promise<void> {
  await page.getByRole('textbox', { name: 'SQL' }).fill(sql);
  await page.keyboard.press('Control+Enter');
}

async function expectFirstCell(text: string): Promise<void> {
  const cell = page.getByRole('cell').first();
  await soon(async () => expect(await cell.textContent()).toBe(text));
}

test('it opens with the fastest engine and says so', async () => {
  await page.getByText('IDBBlockSharedVFS on sync, strict').waitFor();
});

test('the cities are loaded, and a query answered from the keyboard', async () => {
  await button(/Load 135,233 cities/).click();
  await page.getByText('135,233 cities loaded in one transaction').waitFor();
  await runSql('SELECT count(*) AS cities FROM city');
  await expectFirstCell('135233');
  const map = page.getByRole('img', { name: /pages at version/ });
  await soon(async () => expect(await map.count()).toBe(1));
  await runSql('SELEC 1');
  await page.getByText(/syntax error/).waitFor();
});

test.each(['IDBBlockMirrorVFS', 'IDBBlockVFS', 'IDBBlockSharedVFS'])(
  '%s reads the same file',
  async (name) => {
    await page.getByLabel('Engine').last().selectOption({ label: name });
    await page
      .getByText(new RegExp(`${name} on`))
      .first()
      .waitFor();
    await runSql("SELECT name FROM city WHERE country = 'AT' ORDER BY population DESC LIMIT 1");
    await expectFirstCell('Vienna');
  },
);

test('a worker that is killed in mid-commit leaves whole commits only', async () => {
  await button(/Kill the worker/).click();
  await soon(async () =>
    expect(await status().textContent()).toMatch(
      /is there whole, 2000 rows of one commit; [\d,]+ blocks read and checked, no defect/,
    ),
  );
});

test('what is exported can be imported, and what is no database is refused', async () => {
  const download = page.waitForEvent('download');
  await button('Export').click();
  const file = await (await download).path();
  expect(readFileSync(file).subarray(0, 15).toString()).toBe('SQLite format 3');
  await runSql('DROP TABLE city');
  await page.locator('#file').setInputFiles({
    name: 'no.sqlite',
    mimeType: 'application/octet-stream',
    buffer: Buffer.from('this is no database'),
  });
  const fileStatus = page.locator('#file-status');
  await soon(async () => expect(await fileStatus.getAttribute('class')).toBe('error'));
  await page.locator('#file').setInputFiles(file);
  await page.getByText(/^Imported/).waitFor();
  await runSql('SELECT count(*) AS cities FROM city');
  await expectFirstCell('135233');
});

test('nothing failed unseen', () => {
  expect(problems).toEqual([]);
});
