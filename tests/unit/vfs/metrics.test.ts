/** Latencies are of the last commits, throughput of the last seconds, and the rest of all time. */
import { expect, test } from 'vitest';
import type { PreparedCommit } from '../../../src/blockstore/prepare.js';
import { Metrics } from '../../../src/vfs/metrics.js';

const PAGE_BYTES = 4096;
const LATENCIES = 1024;

function commitOf(blocks: number, reclaimed?: { segments: number; bytes: number }): PreparedCommit {
  const record = { entryCount: blocks, blockSize: PAGE_BYTES };
  const checkpoint = reclaimed && { plan: { reclaimed } };
  return { record, checkpoint } as never;
}

test('percentiles are durations that occurred, by rank', () => {
  const metrics = new Metrics(0);
  expect(metrics.shown(0).commitLatencyMs).toBeUndefined();
  metrics.committed(commitOf(1), 7, 7);
  expect(metrics.shown(0).commitLatencyMs).toEqual({ p50: 7, p95: 7, p99: 7, max: 7 });
  // 1 to 200 in an order of their own.
  const many = new Metrics(0);
  for (let i = 0; i < 200; i++) many.committed(commitOf(1), ((i * 77) % 200) + 1, i);
  expect(many.shown(0).commitLatencyMs).toEqual({ p50: 100, p95: 190, p99: 198, max: 200 });
});

test('only the last 1,024 commits count for them', () => {
  const metrics = new Metrics(0);
  metrics.committed(commitOf(1), 5000, 0);
  for (let i = 1; i < LATENCIES; i++) metrics.committed(commitOf(1), 2, i);
  expect(metrics.shown(0).commitLatencyMs).toMatchObject({ p99: 2, max: 5000 });
  metrics.committed(commitOf(1), 3, LATENCIES);
  expect(metrics.shown(0).commitLatencyMs).toEqual({ p50: 2, p95: 2, p99: 2, max: 3 });
  expect(metrics.shown(0).commits).toBe(LATENCIES + 1);
});

test('throughput is of the last ten seconds, or of the time there was', () => {
  const metrics = new Metrics(100_000);
  for (let i = 0; i < 6; i++) metrics.committed(commitOf(2), 1, 100_100 + i);
  // Half a second after it was opened it counts as one second old.
  expect(metrics.shown(100_500).commitsPerSecond).toBe(6);
  expect(metrics.shown(103_000).commitsPerSecond).toBe(2);
  expect(metrics.shown(103_000).committedBytesPerSecond).toBe(4 * PAGE_BYTES);
  expect(metrics.shown(110_000).commitsPerSecond).toBeCloseTo(0.6);
  expect(metrics.shown(111_000).commitsPerSecond).toBe(0);
  expect(metrics.shown(111_000)).toMatchObject({ commits: 6, committedBytes: 12 * PAGE_BYTES });
});

test('what else there was is counted', () => {
  const metrics = new Metrics(0);
  metrics.committed(commitOf(3, { segments: 5, bytes: 20_480 }), 1, 1);
  metrics.committed(commitOf(3, { segments: 2, bytes: 8192 }), 1, 2);
  metrics.recovered({ fellBack: false });
  metrics.recovered({ fellBack: true });
  metrics.reloaded();
  metrics.waited(12.5);
  metrics.waited(2);
  expect(metrics.shown(3)).toMatchObject({
    reclaimedSegments: 7,
    reclaimedBytes: 28_672,
    recoveryCount: 2,
    fallBackCount: 1,
    reloads: 1,
    lockWaits: 2,
    lockWaitMs: 14.5,
  });
});
