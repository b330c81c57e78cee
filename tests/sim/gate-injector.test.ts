/**
 * P6 and P8 with the fault kinds that only the injector brings about: an idbTx that aborts without an
 * error, a close after the commit landed, a dead connection, and silence.
 *
 * Method: the workload of fault-run.ts with one such fault at every point where it can strike.
 */
import { describe, expect, test } from 'vitest';
import { CommitUnknownError } from '../../src/errors.js';
import {
  type Fault,
  FaultInjector,
  type SimulatedIndexedDB,
  type Where,
} from '../../src/testing/index.js';
import { everywhere, type FaultRun, runWithFault, shortTimer } from '../support/fault-run.ts';
import { useGlobals } from '../support/globals.ts';

useGlobals();

interface Struck extends FaultRun {
  readonly struck: boolean;
}

/** One run with the fault at its nth point after the store was opened. */
async function strike(fault: Fault, where: Where, errorsMax: number): Promise<Struck> {
  let injector: FaultInjector | undefined;
  const wrap = (sim: SimulatedIndexedDB) => {
    injector = new FaultInjector(sim);
    return injector.factory;
  };
  const run = await runWithFault(
    () => {
      injector?.plan(fault, where);
      return undefined;
    },
    { wrap, errorsMax, timer: shortTimer },
  );
  return { ...run, struck: (injector?.struck.length ?? 0) > 0 };
}

/** At every point of its kind. @returns how many there are, and the errors that were seen */
async function strikeEverywhere(fault: Fault, where: Where = {}, errorsMax = 1) {
  const errors: Error[] = [];
  const places = await everywhere(async (nth) => {
    const run = await strike(fault, { ...where, nth }, errorsMax);
    errors.push(...run.errors);
    return run.struck;
  });
  return { places, errors };
}

/** Between a request's success and its listener no browser closes anything. */
const CALLS: Where = { mode: 'readwrite', at: ({ kind }) => kind !== 'event' };

const FAULTS: readonly (readonly [string, Fault, Where, number])[] = [
  ['1 a request fails', { tag: 'request-error' }, {}, 50],
  ['3 an idbTx aborts at a request, without an error', { tag: 'abort' }, {}, 50],
  ['4 an idbTx aborts at its commit', { tag: 'abort-at-commit' }, {}, 8],
  ['5 no room at a put', { tag: 'quota-at-put' }, {}, 15],
  ['6 no room at the commit', { tag: 'quota-at-commit' }, {}, 8],
  ['7 the connection is closed', { tag: 'close' }, CALLS, 30],
  ['8 it is closed after the commit landed', { tag: 'close-after-landing' }, {}, 8],
  ['9 another tab wants an upgrade', { tag: 'versionchange' }, CALLS, 30],
  ['13 an answer comes late', { tag: 'delay', rounds: 5 }, { mode: 'readwrite' }, 30],
  ['the connection is dead when it is asked', { tag: 'connection-dead' }, {}, 20],
];

describe('one fault, everywhere it can strike', { timeout: 300_000 }, () => {
  test.each(FAULTS)('%s', async (_name, fault, where, least) => {
    const { places, errors } = await strikeEverywhere(fault, where);
    expect(places).toBeGreaterThan(least);
    expect(errors.filter((error) => error instanceof CommitUnknownError)).toEqual([]);
  });

  test.each(['request', 'commit'] as const)('12 a %s is never answered', async (kind) => {
    const where: Where = kind === 'request' ? { kind, mode: 'readwrite' } : { kind };
    const { places } = await strikeEverywhere({ tag: 'no-answer' }, where, 2);
    expect(places).toBeGreaterThan(8);
  });
});
