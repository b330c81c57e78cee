/**
 * When acknowledged commits are sent without anybody asking: in idle time, and before a page may end.
 */
import type { Committer } from '../blockstore/committer.js';
import type { IdleTimer } from '../blockstore/write-behind.js';
import { hostTimer, TIMER_MS_MAX } from '../timer.js';

/** How often a context without idle callbacks looks whether it is idle, in milliseconds. */
const LOOK_MS = 10;

/** `requestIdleCallback` where there is one. A hidden page is idle at once: its timers are slowed down. */
export const whenIdle: IdleTimer = (ms, callback) => {
  if (isHidden()) {
    let isOn = true;
    queueMicrotask(() => isOn && callback(true));
    return () => {
      isOn = false;
    };
  }
  if (typeof requestIdleCallback !== 'function') {
    return hostTimer(Math.min(ms, LOOK_MS), () => callback(false));
  }
  const look = ({ didTimeout }: IdleDeadline) => callback(!didTimeout);
  const handle = requestIdleCallback(look, { timeout: Math.min(Math.max(1, ms), TIMER_MS_MAX) });
  return () => cancelIdleCallback(handle);
};

/** No sooner than it has to be. */
export const whenDue: IdleTimer = (ms, callback) => hostTimer(ms, () => callback(false));

/**
 * Sends what waits when the page is hidden, frozen or left. Where there is no page, nothing tells.
 * @returns stops it.
 */
export function flushBeforePageEnds(committer: Committer): () => void {
  const { document } = globalThis;
  if (!document) return () => undefined;
  const listening = new AbortController();
  const options = { signal: listening.signal };
  const flush = () => committer.flush();
  document.addEventListener('visibilitychange', () => isHidden() && flush(), options);
  const stopListening = whenPageRests(flush);
  return () => {
    listening.abort();
    stopListening();
  };
}

/**
 * Calls `work` when the page is frozen or left: it may come back, from the back/forward cache for one. Where
 * there is no page, nothing tells.
 * @returns stops it.
 */
export function whenPageRests(work: () => void): () => void {
  const { document } = globalThis;
  if (!document) return () => undefined;
  const listening = new AbortController();
  document.addEventListener('freeze', work, { signal: listening.signal });
  globalThis.addEventListener('pagehide', work, { signal: listening.signal });
  return () => listening.abort();
}

function isHidden(): boolean {
  return globalThis.document?.visibilityState === 'hidden';
}
