/** How a volume in a test sends the commits that wait. */
import type { VolumeOptions } from '../../src/blockstore/volume.ts';

export type WriteBehindOptions = Pick<
  VolumeOptions,
  'limits' | 'idleTimer' | 'monotonicMs' | 'onFlush' | 'onPressure'
>;

/** Each as soon as the one before it is complete. */
export const AT_ONCE: WriteBehindOptions = {
  limits: { maxDirtyBytes: 16 * 1024 * 1024, maxDirtyCommits: 256, maxDelayMs: 0 },
  idleTimer: () => () => undefined,
  monotonicMs: () => 0,
  onFlush: () => undefined,
  onPressure: () => undefined,
};

/** All that waits, together, once somebody waits for it. */
export const TOGETHER: WriteBehindOptions = {
  ...AT_ONCE,
  limits: { ...AT_ONCE.limits, maxDelayMs: Number.POSITIVE_INFINITY },
};
