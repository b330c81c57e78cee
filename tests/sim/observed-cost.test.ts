/**
 * What is watched costs nothing while nobody watches.
 *
 * Method: count what a commit and a read ask of the clock, of the performance timeline and of the browser, without
 * listeners, after listeners have gone, and, as a control, with them.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { VFSEventMap, VFSOptions } from '../../src/index.js';
import { useGlobals } from '../support/globals.ts';
import { type Tab, Tabs } from '../support/tabs.ts';

const COMMITS = 20;
const LOOKS = 2;
/** Of what others in this thread look at the clock for, nothing counts. */
const OURS = /\/src\/(?:blockstore|vfs)\//;

useGlobals();

let tabs: Tabs;
beforeEach(() => {
  tabs = new Tabs();
});
afterEach(async () => {
  vi.restoreAllMocks();
  await tabs.closeAll();
});

async function filled(options: VFSOptions = {}): Promise<Tab> {
  const tab = await tabs.open(options);
  await tab.db.run(
    'CREATE TABLE t(id INTEGER PRIMARY KEY, n); INSERT INTO t VALUES (1, 0), (2, 0)',
  );
  return tab;
}

/** What so many commits, and as many reads, ask for. */
async function costOf({ db }: Tab): Promise<{ clock: number; timeline: number; events: number }> {
  const { now } = performance;
  let looks = 0;
  vi.spyOn(performance, 'now').mockImplementation(() => {
    if (OURS.test(new Error().stack ?? '')) looks++;
    return now.call(performance);
  });
  const timeline = vi.spyOn(performance, 'measure');
  const events = vi.spyOn(EventTarget.prototype, 'dispatchEvent');
  for (let i = 0; i < COMMITS; i++) {
    await db.run('UPDATE t SET n = n + 1 WHERE id = 1');
    await db.value('SELECT n FROM t WHERE id = 2');
  }
  const told = events.mock.calls.filter(([event]) => event instanceof CustomEvent);
  const cost = {
    clock: looks,
    timeline: timeline.mock.calls.length,
    events: told.length,
  };
  vi.restoreAllMocks();
  return cost;
}

const TYPES: readonly (keyof VFSEventMap)[] = ['commit', 'syncstart', 'syncend', 'quota', 'error'];

test('a commit nobody watches looks at the clock twice, and builds nothing', async () => {
  const cost = await costOf(await filled());
  expect(cost).toEqual({ clock: LOOKS * COMMITS, timeline: 0, events: 0 });
});

test('nor does one that nobody watches any more', async () => {
  const tab = await filled();
  const listener = vi.fn();
  for (const type of TYPES) tab.page.vfs.addEventListener(type, listener);
  await tab.db.run('UPDATE t SET n = n + 1');
  expect(listener).toHaveBeenCalledTimes(3);
  for (const type of TYPES) tab.page.vfs.removeEventListener(type, listener);
  const cost = await costOf(tab);
  expect(cost).toEqual({ clock: LOOKS * COMMITS, timeline: 0, events: 0 });
});

test('one that is watched does', async () => {
  const tab = await filled({ measure: true });
  for (const type of TYPES) tab.page.vfs.addEventListener(type, () => undefined);
  const cost = await costOf(tab);
  expect(cost).toMatchObject({ timeline: COMMITS, events: 3 * COMMITS });
});
