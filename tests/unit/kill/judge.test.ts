import { describe, expect, test } from 'vitest';
import type { CommitRange } from '../../../tools/idb-trace.ts';
import type { RawVolume } from '../../../tools/raw-volume.ts';
import { type Bounds, boundsAfter, type Evidence, judge } from '../../support/kill-judge.ts';
import type { NativeFound } from '../../support/kill-native.ts';
import {
  CHECKS,
  type Inspection,
  PLAIN_TRIAL,
  type PointName,
  type RecoveryFound,
  type State,
  type Trial,
} from '../../support/kill-plan.ts';

const TRIAL: Trial = { id: 1, seed: 1, volume: 'v', ...PLAIN_TRIAL };
const VOLUME: RawVolume = {
  files: { 'a.db': 1 },
  markers: { 1: 7 },
  segmentsAbove: { 1: 2 },
  commits: 7,
  segments: 9,
  bytes: 1,
};
const CLEAN: RawVolume = { ...VOLUME, segmentsAbove: {} };
const RECOVERY: RecoveryFound = {
  path: 'a.db',
  version: 7,
  foundAbove: true,
  deletedAbove: true,
  durationMs: 1,
};
const STATE: State = { found: 5, integrity: ['ok'], differences: [] };
const VERIFIED = {
  path: 'a.db',
  version: 7,
  defects: [],
  pendingSegments: 0,
  unlistedSegments: 0,
};
const AGAIN = {
  recoveries: [{ ...RECOVERY, foundAbove: false, deletedAbove: false }],
  digests: ['x', 'x'],
  found: 5,
} as const;
const NEXT: State = { ...STATE, found: 6 };

/** A kill that left orphans of a sixth step, after five that were acknowledged. */
const GOOD: Inspection = {
  failed: undefined,
  before: VOLUME,
  recoveries: [RECOVERY],
  state: STATE,
  verified: [VERIFIED],
  recovered: CLEAN,
  again: AGAIN,
  exported: ['a.db'],
  next: NEXT,
  after: CLEAN,
};
/** The last idbTx that landed, and one that did not. */
const WHOLE: readonly CommitRange[] = [
  { file: 1, first: 5, last: 7 },
  { file: 1, first: 8, last: 10 },
];
const NATIVE: NativeFound = { integrity: 'ok', differences: [] };

interface Forgery {
  readonly inspection?: Partial<Inspection>;
  readonly bounds?: Bounds;
  readonly groups?: readonly CommitRange[];
  readonly native?: NativeFound | undefined;
}

function judged({ inspection, bounds, groups, ...rest }: Forgery) {
  const native = 'native' in rest ? rest.native : NATIVE;
  const evidence: Evidence = {
    trial: TRIAL,
    bounds: bounds ?? { least: 5, most: 6 },
    inspection: { ...GOOD, ...inspection },
    groups: groups ?? WHOLE,
    exports: new Map(native ? [['a.db', native]] : []),
  };
  return judge(evidence);
}

const FORGERIES: Readonly<Record<(typeof CHECKS)[number], readonly Forgery[]>> = {
  opens: [{ inspection: { failed: { check: 'opens', error: 'CorruptionError' } } }],
  integrity: [
    { inspection: { state: { ...STATE, integrity: ['row 3 missing from index'] } } },
    { inspection: { failed: { check: 'integrity', error: 'SQLITE_IOERR_DATA' } } },
  ],
  invariant: [{ inspection: { state: { ...STATE, differences: ['item 3 is of step 2'] } } }],
  version: [
    { bounds: { least: 6, most: 6 } },
    { bounds: { least: 3, most: 4 } },
    {
      inspection: {
        recovered: { ...CLEAN, markers: { 1: 12 } },
        verified: [{ ...VERIFIED, version: 12 }],
      },
    },
    { inspection: { recoveries: [{ ...RECOVERY, foundAbove: false }] } },
    { inspection: { before: CLEAN } },
    { groups: [{ file: 1, first: 6, last: 8 }] },
  ],
  verify: [
    { inspection: { verified: [{ ...VERIFIED, defects: ['a missing segment'] }] } },
    { inspection: { verified: [{ ...VERIFIED, pendingSegments: 2 }] } },
    { inspection: { verified: [{ ...VERIFIED, unlistedSegments: 1 }] } },
    { inspection: { verified: [{ ...VERIFIED, version: 6 }] } },
    { inspection: { verified: [] } },
    { inspection: { failed: { check: 'verify', error: 'OptionError' } } },
  ],
  idempotent: [
    { inspection: { again: { ...AGAIN, digests: ['x', 'y'] } } },
    { inspection: { again: { ...AGAIN, found: 4 } } },
    { inspection: { again: { ...AGAIN, recoveries: [RECOVERY] } } },
    { inspection: { again: undefined } },
  ],
  export: [
    { native: { integrity: 'malformed', differences: [] } },
    { native: { integrity: 'ok', differences: ['4 rows instead of 5'] } },
    { native: undefined },
    { inspection: { exported: undefined } },
    { inspection: { failed: { check: 'export', error: 'SQLITE_IOERR' } } },
  ],
  commits: [
    { inspection: { next: STATE } },
    { inspection: { next: { ...NEXT, integrity: ['page 4 is never used'] } } },
    { inspection: { next: { ...NEXT, differences: ['item 3 is of step 2'] } } },
    { inspection: { after: VOLUME } },
    { inspection: { next: undefined } },
    { inspection: { failed: { check: 'commits', error: 'SQLITE_BUSY' } } },
  ],
};

// Goal: each of the eight checks can fail, alone. Method: what a page saw after a kill that broke
// nothing, and the same with one thing forged.
describe('the eight checks', () => {
  test('hold for a kill that broke nothing', () => {
    expect(judged({})).toEqual([]);
  });

  test.each(CHECKS.flatMap((check) => FORGERIES[check].map((forgery) => ({ check, forgery }))))(
    '$check fails when $forgery',
    ({ check, forgery }) => {
      const problems = judged(forgery);
      expect(problems.map((problem) => problem.check)).toEqual([check]);
    },
  );

  test('a check that threw hides none that failed before it', () => {
    const inspection = {
      state: { ...STATE, differences: ['item 3 is of step 2'] },
      failed: { check: 'idempotent', error: 'x' },
    } as const;
    expect(judged({ inspection }).map(({ check }) => check)).toEqual(['invariant', 'idempotent']);
  });
});

// Goal: nothing is taken for acknowledged, or for begun, that was not. Method: messages of a page that
// began step 4 after three acknowledged ones, and died at some point of it.
describe('what may be found after a kill', () => {
  const message = (kind: string, data: object) => ({ run: 1, kind, data: { trial: 1, ...data } });
  const BEFORE = [
    message('ready', { found: 0, steps: 2 }),
    message('begin', { step: 3 }),
    message('ack', { step: 3 }),
    message('begin', { step: 4 }),
  ];
  const boundsAt = (trial: Partial<Trial>, name: PointName) =>
    boundsAfter(
      { ...TRIAL, ...trial },
      [...BEFORE, message('held', { name, nth: 1, sequence: 9, step: 4 })],
      { least: 0, most: 0 },
    );

  test.each(['strict', 'relaxed'] as const)('%s: the step, once it is complete', (durability) => {
    expect(boundsAt({ durability }, 'commit:commit')).toEqual({ least: 3, most: 4 });
    expect(boundsAt({ durability }, 'commit:complete')).toEqual({ least: 4, most: 4 });
    expect(boundsAt({ durability }, 'step:committed')).toEqual({ least: 4, most: 4 });
  });

  test.each([{ durability: 'deferred' }, { build: 'legacy-mirror' }] as const)(
    'where COMMIT returns early (%o): no more than was acknowledged',
    (trial) => {
      expect(boundsAt(trial, 'commit:complete')).toEqual({ least: 3, most: 4 });
      expect(boundsAt(trial, 'step:committed')).toEqual({ least: 3, most: 4 });
    },
  );
});
