/**
 * A page in the back/forward cache keeps no other from writing, and goes on with what others wrote when it is
 * returned to.
 *
 * Method: a page writes and is left for another one, which writes as well and goes back. An engine in the
 * window lets go of the writer lock when its page is left: there the limit for stealing is beyond the test. One
 * in a worker is told nothing of its page, and is stolen from.
 */
import { expect, test } from 'vitest';
import { modulePage, startHost } from '../../tools/browser-host.mjs';
import type { Visit } from '../support/pages/bfcache.ts';

const PAGE = 'tests/support/pages/bfcache.ts';
const VISITS = 3;
const NEVER_MS = 600_000;

async function visitsOf(options: { build: string; stealAfterMs: number }): Promise<Visit[]> {
  const host = await startHost({ entry: modulePage(PAGE, { options: JSON.stringify(options) }) });
  const visits: Visit[] = [];
  try {
    for await (const { kind, data } of host.messages) {
      if (kind === 'page-error') throw new Error(JSON.stringify(data));
      if (kind === 'visit') visits.push(data as Visit);
      if (visits.length === VISITS) break;
    }
  } finally {
    await host.close();
  }
  return visits;
}

test.each([
  ['asyncify', NEVER_MS, true],
  ['mirror', NEVER_MS, true],
  ['shared', 1000, undefined],
] as const)('%s', async (build, stealAfterMs, restored) => {
  const visits = await visitsOf({ build, stealAfterMs });
  expect(visits.map(({ page, found }) => [page, found])).toEqual([
    ['first', []],
    ['second', ['first']],
    ['first again', ['first', 'second']],
  ]);
  if (restored !== undefined) expect(visits.at(-1)?.restored).toBe(restored);
});
