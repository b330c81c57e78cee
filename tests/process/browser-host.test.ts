import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { modulePage, startHost } from '../../tools/browser-host.mjs';

const PAGE = 'tests/support/pages/survivor.ts';

let host: Awaited<ReturnType<typeof startHost>>;

beforeEach(async () => {
  host = await startHost();
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
  expect(processesUsing(host.profileDir).length).toBeGreaterThan(1);
  await host.kill();
  expect(processesUsing(host.profileDir)).toEqual([]);
  expect(existsSync(`${host.profileDir}/SingletonLock`)).toBe(false);
});

test('an error in the page rejects the wait for its message', async () => {
  host.open(modulePage(PAGE, { mode: 'fail' }));
  await expect(host.waitFor('written')).rejects.toThrow('as asked');
});

test('a wait ends when its time is up', async () => {
  host.open(modulePage(PAGE, { mode: 'read' }));
  await host.waitFor('read');
  await expect(host.waitFor('written', { timeoutMs: 50 })).rejects.toThrow('No "written" message');
});

function processesUsing(profileDir: string): string[] {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,args='], { encoding: 'utf8' }).split('\n');
  return lines.filter((line) => line.includes(`--user-data-dir=${profileDir}`));
}
