/** A connection that goes in the worst moment. */
import type { SimulatedIndexedDB } from '../../src/testing/index.js';

/**
 * Closes the connection by force in the commit window of the next readwrite idbTx.
 * @returns tells how many readwrite idbTxs have come to theirs.
 */
export function closeInNextCommit(
  sim: SimulatedIndexedDB,
  inFlight: 'lands' | 'lost',
): () => number {
  let commits = 0;
  sim.faults = {
    commit: ({ mode }) => {
      if (mode !== 'readwrite' || ++commits > 1) return undefined;
      const stop = sim.onTurn(() => {
        stop();
        sim.forceClose({ inFlight });
      });
      return undefined;
    },
  };
  return () => commits;
}
