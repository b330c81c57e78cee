/** The browser is asked while somebody listens, and not often; the warning comes once. */
import { expect, test, vi } from 'vitest';
import { QuotaWatch } from '../../../src/vfs/quota.js';

const INTERVAL_MS = 10_000;
const GIB = 2 ** 30;

function watch({ warningRatio = 0.8, isHeard = true } = {}) {
  const now = { usage: 0 as number | undefined, isHeard };
  const estimate = vi.fn(async (): Promise<StorageEstimate> => {
    return now.usage === undefined ? {} : { usage: now.usage, quota: GIB };
  });
  const warn = vi.fn();
  const quota = new QuotaWatch({ estimate, warningRatio, isHeard: () => now.isHeard, warn });
  const asked = async (ask: () => void) => {
    ask();
    await new Promise((resolve) => setTimeout(resolve));
    return estimate.mock.calls.length;
  };
  return { now, warn, quota, asked };
}

test('while nobody listens nothing is asked', async () => {
  const { quota, now, asked } = watch({ isHeard: false });
  expect(await asked(() => quota.ask(0))).toBe(0);
  expect(await asked(() => quota.look(50_000))).toBe(0);
  now.isHeard = true;
  expect(await asked(() => quota.look(50_001))).toBe(1);
});

test('commits ask once in ten seconds', async () => {
  const { quota, asked } = watch();
  expect(await asked(() => quota.ask(0))).toBe(1);
  for (const ms of [1, 5000, INTERVAL_MS - 1]) expect(await asked(() => quota.look(ms))).toBe(1);
  expect(await asked(() => quota.look(INTERVAL_MS))).toBe(2);
  expect(await asked(() => quota.look(2 * INTERVAL_MS - 1))).toBe(2);
});

test('the warning comes when the ratio is reached, and again only after it was not', async () => {
  const { quota, now, warn, asked } = watch({ warningRatio: 0.75 });
  const usages = [0.5, 0.74, 0.75, 0.9, 0.8, 0.7, 0.76];
  for (const share of usages) {
    now.usage = share * GIB;
    await asked(() => quota.ask(0));
  }
  expect(warn.mock.calls).toEqual([
    [{ usageBytes: 0.75 * GIB, quotaBytes: GIB, ratio: 0.75 }],
    [{ usageBytes: 0.76 * GIB, quotaBytes: GIB, ratio: 0.76 }],
  ]);
});

test('a browser that does not tell, or cannot, gives no warning', async () => {
  const { quota, now, warn, asked } = watch();
  now.usage = undefined;
  await asked(() => quota.ask(0));
  const failing = async () => Promise.reject(new Error('no'));
  for (const estimate of [failing, undefined]) {
    new QuotaWatch({ estimate, warningRatio: 0.8, isHeard: () => true, warn }).ask(0);
  }
  await new Promise((resolve) => setTimeout(resolve));
  expect(warn).not.toHaveBeenCalled();
});
