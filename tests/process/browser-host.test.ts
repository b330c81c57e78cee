import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { modulePage, startHost } from '../../tools/browser-host.mjs';
import { BROWSER_NAMES, BROWSERS } from '../../tools/browsers/browser.mjs';
import { findBrowser } from '../../tools/find-browser.mjs';

const PAGE = 'tests/support/pages/survivor.ts';

/** `TEST_BROWSERS=chromium,firefox,webkit` tries more of them; each must be there. */
const wanted = (process.env['TEST_BROWSERS'] ?? 'chromium').split(',');
const found = await Promise.all(
  BROWSER_NAMES.filter((browser) => wanted.includes(browser)).map(async (browser) => {
    return { browser, executable: await findBrowser(browser) };
  }),
);

describe.each(found)('$browser', ({ browser, executable }) => {
  let host: Awaited<ReturnType<typeof startHost>>;

  beforeEach(async () => {
    host = await startHost({ browser, executable, tabs: true });
  });

  afterEach(async () => {
    await host.close();
    expect(existsSync(host.profileDir)).toBe(false);
  });

  // Goal: a crash test may trust its host. Method: kill the browser in the middle of a stream of
  // acknowledged commits, start it again, and compare what it finds with what was acknowledged.
  test('what a page acknowledged before SIGKILL is read again after a restart', async () => {
    host.open(modulePage(PAGE, { mode: 'write', value: 'kept' }));
    expect(await host.waitFor('written')).toEqual({ isolated: true });
    await host.waitFor('count');
    await host.kill();
    const acknowledged = host.messages.all.filter((message) => message.kind === 'count').length;

    await host.restart(modulePage(PAGE, { mode: 'read' }));
    const found = (await host.waitFor('read')) as { first: string; count: number };
    expect(found.first).toBe('kept');
    // One more commit may have happened than its acknowledgement could be sent for.
    expect([acknowledged, acknowledged + 1]).toContain(found.count);
  });

  test('kill leaves no process of the browser and no lock in the profile', async () => {
    host.open(modulePage(PAGE, { mode: 'write', value: 'x' }));
    await host.waitFor('written');
    const { pid = 0, profileDir } = host;
    expect(processesOf(pid, profileDir).length).toBeGreaterThan(1);
    await host.kill();
    expect(processesOf(pid, profileDir)).toEqual([]);
    for (const lock of BROWSERS[browser].locks)
      expect(existsSync(`${profileDir}/${lock}`)).toBe(false);
  });

  // Goal: the pages can be killed without their browser, in each of them. Method: kill the page that
  // commits; the browser's first process stays, and no more commits come.
  test('killPages ends the page and leaves the browser', async () => {
    host.open(modulePage(PAGE, { mode: 'write', value: 'x' }));
    await host.waitFor('count');
    const { pid = 0, profileDir } = host;
    await host.killPages();
    const counted = host.messages.all.length;
    expect(processesOf(pid, profileDir).length).toBeGreaterThan(0);
    await new Promise((resolve) => setTimeout(resolve, 200));
    // One may have been on its way.
    expect(host.messages.all.length - counted).toBeLessThanOrEqual(1);
  });

  // Goal: a crash test may look at what a dead page left while the browser lives on. Method: kill the page,
  // open another one in the same browser.
  test('another page is opened where one was killed', async () => {
    host.open(modulePage(PAGE, { mode: 'write', value: 'kept' }));
    await host.waitFor('count');
    const { pid } = host;
    await host.killPages();
    await host.openTab(modulePage(PAGE, { mode: 'read' }));
    expect(await host.waitFor('read')).toMatchObject({ first: 'kept' });
    expect(host.pid).toBe(pid);
  });

  if (BROWSERS[browser].isNetwork) {
    // Goal: the process of IndexedDB can be killed without the page, where it has one of its own. Method: kill it
    // under a page that commits, which must hear of it and be able to say so.
    test('killNetwork leaves the page', async () => {
      host.open(modulePage(PAGE, { mode: 'write', value: 'x' }));
      await host.waitFor('count');
      const pages = host.pagePids();
      await host.killNetwork();
      await expect(host.waitFor('written again')).rejects.toThrow('The page failed');
      expect(host.pagePids()).toEqual(pages);
    });
  }

  test('an error in the page rejects the wait for its message', async () => {
    host.open(modulePage(PAGE, { mode: 'fail' }));
    await expect(host.waitFor('written')).rejects.toThrow('as asked');
  });

  test('a wait ends when its time is up', async () => {
    host.open(modulePage(PAGE, { mode: 'read' }));
    await host.waitFor('read');
    await expect(host.waitFor('written', { timeoutMs: 50 })).rejects.toThrow(
      'No "written" message',
    );
  });
});

/** What is alive of a browser: in its group of processes, or with its profile on the command line. */
function processesOf(group: number, profileDir: string): string[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pgid=,stat=,args='], { encoding: 'utf8' });
  return lines.split('\n').filter((line) => {
    const [pgid, state = ''] = line.trim().split(/\s+/);
    return !/^[ZX]/.test(state) && (Number(pgid) === group || line.includes(profileDir));
  });
}
