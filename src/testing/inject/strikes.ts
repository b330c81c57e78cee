/** How a fault at a request, a commit or an opening is brought about, and how long it lets wait. */
import type { Fault } from './faults.js';
import type { Holds, Wait } from './holds.js';

type Of = (fault: Fault | undefined) => fault is Fault;

function oneOf(tags: readonly Fault['tag'][]): Of {
  return (fault): fault is Fault => fault !== undefined && tags.includes(fault.tag);
}

const FAILS = ['request-error', 'request-error-persistent', 'quota-at-put'] as const;

/** The request is not made; one without an effect is, and told to have failed. */
export const failsRequest: Of = oneOf(FAILS);

/** The answer is told to be an error; the idbTx goes on to abort, if nobody prevents it. */
export const strikesAnswer: Of = oneOf([...FAILS, 'abort', 'close']);

/** The answer comes late, or never. */
export const delaysAnswer: Of = oneOf(['delay', 'no-answer']);

/** At a commit: it lands, but what is told changes. */
export const changesComplete: Of = oneOf(['close-after-landing', 'delay', 'reorder', 'no-answer']);

/** At a commit: it does not land. */
export const preventsCommit: Of = oneOf(['abort-at-commit', 'quota-at-commit', 'close']);

const DELAY_ROUNDS = 10;

/** How long an answer waits; not at all without a fault that says so. */
export function waitOf(fault: Fault | undefined, holds: Holds): Wait {
  const { releases } = holds;
  const until = () => holds.releases !== releases;
  if (fault?.tag === 'no-answer') return { rounds: Number.POSITIVE_INFINITY, until };
  if (fault?.tag !== 'delay') return {};
  const { ms, rounds = ms === undefined ? DELAY_ROUNDS : Number.POSITIVE_INFINITY } = fault;
  return { rounds, until, ...(ms === undefined ? {} : { ms }) };
}
