import { describe, expect, test } from 'vitest';
import { PLAIN_TRIAL, type State, type Survival, type Trial } from '../../support/kill-plan.ts';
import { survivalOf, survivalProblems } from '../../support/kill-survival.ts';

const TRIAL: Trial = { id: 1, seed: 1, volume: 'v', ...PLAIN_TRIAL, victim: 'network' };
const DEFERRED: Trial = { ...TRIAL, durability: 'deferred' };
const NOTHING = { least: 0, most: 0 };
const FAILED = { doing: 'a step', message: 'disk I/O error', codes: ['COMMIT_UNKNOWN'] } as const;

const stateOf = (found: number): State => ({ found, integrity: ['ok'], differences: [] });
const message = (kind: string, data: object) => ({ run: 1, kind, data: { trial: 1, ...data } });

const GONE = { storage: 'gone', failures: [FAILED] } as const;

interface Forgery {
  readonly trial?: Trial;
  readonly bereft?: Partial<Survival>;
  readonly survived?: Partial<Survival>;
}

/** A page that had three steps acknowledged, lost its storage in the fourth, and did two more. */
function life({ bereft, survived }: Forgery) {
  const left: Survival = {
    ...{ storage: 'there', state: stateOf(4), failures: [], healed: 1 },
    ...bereft,
  };
  const end: Survival = { ...left, state: stateOf(6), ...survived };
  const before = [
    message('ready', { found: 0, steps: 3 }),
    message('begin', { step: 4 }),
    message('bereft', left),
  ];
  if (left.storage === 'gone') return before;
  return [
    ...before,
    message('ack', { step: 4 }),
    message('begin', { step: 6 }),
    message('ack', { step: 6 }),
    message('survived', end),
  ];
}

function problemsOf(forgery: Forgery): string[] {
  const { trial = TRIAL } = forgery;
  return survivalProblems(trial, life(forgery), NOTHING).map(({ check, text }) => {
    expect(check).toBe('survives');
    return text;
  });
}

// Goal: a page that outlives the process of IndexedDB is held to what was promised. Method: what such a page
// tells, and the same with one thing forged.
describe('a page without its storage', () => {
  test.each<Forgery>([
    {},
    { bereft: { state: stateOf(3), failures: [FAILED] } },
    { trial: DEFERRED, bereft: { failures: [FAILED, { ...FAILED, doing: 'looking' }] } },
    { bereft: GONE },
    { bereft: { ...GONE, state: undefined } },
    { bereft: { ...GONE, failures: [FAILED, { ...FAILED, doing: 'looking' }, FAILED] } },
  ])('keeps its promises: %o', (forgery) => {
    expect(problemsOf(forgery)).toEqual([]);
  });

  test.each<readonly [string, Forgery]>([
    ['lost acknowledged steps', { bereft: { state: stateOf(2) } }],
    ['more steps than begun', { bereft: { state: stateOf(5) } }],
    ['lost acknowledged steps', { survived: { state: stateOf(5) } }],
    ['row 3 missing', { bereft: { state: { ...stateOf(4), integrity: ['row 3 missing'] } } }],
    ['item 3', { survived: { state: { ...stateOf(6), differences: ['item 3'] } } }],
    ['2 calls failed', { bereft: { failures: [FAILED, FAILED] } }],
    ['without a clear error', { bereft: { failures: [{ ...FAILED, codes: [] }] } }],
    ['without a clear error', { bereft: { failures: [{ ...FAILED, codes: ['STORAGE'] }] } }],
    ['2 calls failed', { survived: { failures: [FAILED, FAILED] } }],
    ['connection healed', { bereft: { healed: 0 } }],
    ['did not go on', { bereft: { state: undefined } }],
    ['nobody could store', { bereft: { ...GONE, failures: [] } }],
    ['lost acknowledged steps', { bereft: { ...GONE, state: stateOf(2) } }],
    ['without a clear error', { bereft: { ...GONE, failures: [{ ...FAILED, codes: [] }] } }],
  ])('is caught: %s', (text, forgery) => {
    const problems = problemsOf(forgery);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(text);
  });

  test('that says nothing is caught', () => {
    const silent = life({}).slice(0, 2);
    expect(survivalProblems(TRIAL, life({}).slice(0, 3), NOTHING)).toHaveLength(1);
    expect(survivalProblems(TRIAL, silent, NOTHING)).toHaveLength(1);
    expect(survivalOf(silent)).toBeUndefined();
  });

  test('has its failures told in few words', () => {
    expect(survivalOf(life({}))).toBe('storage there, no call failed');
    expect(survivalOf(life({ bereft: GONE }))).toBe('storage gone, a step failed: COMMIT_UNKNOWN');
  });
});
