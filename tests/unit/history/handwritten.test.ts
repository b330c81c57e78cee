/** The checkers on the smallest histories that have each anomaly, and on their neighbours that have none. */
import { describe, expect, test } from 'vitest';
import { checkListAppend } from '../../support/history/list-append.ts';
import { aborted, committed, history, unknown } from '../../support/history/notation.ts';
import type { Anomaly, History } from '../../support/history/record.ts';
import { checkVersions } from '../../support/history/versions.ts';

function kinds(anomalies: readonly Anomaly[]): string[] {
  return [...new Set(anomalies.map(({ kind }) => kind))];
}

// Goal: each anomaly has its name. Method: the smallest history with it, for the checker that has to see it.
describe('the check by versions finds', () => {
  test.each<[string, History]>([
    ['skipped version', history(committed('x+1'), committed('x+2', { made: 4, snapshot: 3 }))],
    ['unknown writer', { ...history(committed('x=')), log: [{ version: 1, id: 9 }] }],
    ['aborted commit', history(aborted('x+1', { made: 2 }))],
    ['lost commit', history(committed('x+1', { made: null }))],
    ['read that wrote', history(committed('x=', { made: 2 }))],
    ['other version', history(committed('x+1', { told: 3 }))],
    ['other version', history(aborted('x='), committed('x+1', { told: 1 }))],
    [
      'other version',
      history(aborted('x='), committed('x+1', { told: 3 }), committed('x+2', { told: 3 })),
    ],
    ['lost update', history(committed('x+1'), committed('x+2', { snapshot: 1 }))],
    ['wrong read', history(committed('x+1'), committed('x='))],
    ['wrong read', history(committed('x+1'), committed('x=1', { snapshot: 1 }))],
    ['wrong read', history(committed('x+1'), aborted('x='))],
    ['wrong read', history(committed('x=1 x+1'))],
    ['wrong read', history(committed('x+1 x='))],
    ['wrong read', history(unknown('x+1 y+2', { made: 2 }), committed('x=1 y='))],
    [
      'stale read',
      history(committed('x+1', { at: [0, 10] }), committed('y=', { at: [13, 20], snapshot: 1 })),
    ],
    [
      'stale read',
      history(
        unknown('x+1', { made: 2 }),
        committed('x=1', { at: [0, 10] }),
        aborted('x=', { at: [13, 20], snapshot: 1 }),
      ),
    ],
    [
      'stale read',
      history(committed('x+1', { context: 1 }), committed('y=', { context: 1, snapshot: 1 })),
    ],
  ])('%s', (kind, found) => {
    expect(kinds(checkVersions(found))).toEqual([kind]);
  });

  test('a version made twice by one sqliteTx', () => {
    const { log, ...rest } = history(committed('x+1'));
    const twice = { ...rest, log: [...log, { version: 3, id: 1 }] };
    expect(kinds(checkVersions(twice))).toContain('committed twice');
  });
});

describe('the check by lists finds', () => {
  test.each<[string, History]>([
    ['internal', history(committed('x+1 x='))],
    ['garbage', history(committed('x=7'))],
    ['garbage', history(committed('x+1'), committed('y=1'))],
    ['duplicate', history(committed('x+1'), committed('x=1,1'))],
    ['G1a (aborted read)', history(aborted('x+1'), committed('x=1'))],
    [
      'G1b (intermediate read)',
      history(committed('x+1 x+2'), committed('x=1'), committed('x=1,2')),
    ],
    [
      'incompatible order',
      history(committed('x+1'), committed('x+2'), committed('x=1'), committed('x=2,1')),
    ],
    ['lost update', history(committed('x= x+1'), committed('x= x+2'), committed('x=1,2'))],
    [
      'G0 (writes in a circle)',
      history(committed('x+1 y+1'), committed('x+2 y+2'), committed('x=1,2 y=2,1')),
    ],
    ['G1c (information in a circle)', history(committed('x+1 y=2'), committed('y+2 x=1'))],
    [
      'G-single (one read is too old)',
      history(committed('x+1 y+2'), committed('x=1 y='), committed('y=2')),
    ],
    ['G2 (reads too old)', history(committed('x= y+2'), committed('y= x+1'), committed('x=1 y=2'))],
    [
      'G0 (writes in a circle), in real time',
      history(
        committed('x+1', { at: [0, 10] }),
        committed('x+2', { at: [13, 20] }),
        committed('x=2,1', { at: [13, 30] }),
      ),
    ],
    [
      'G1c (information in a circle), in real time',
      history(committed('x=1', { at: [0, 10] }), committed('x+1', { at: [13, 20] })),
    ],
    [
      'G-single (one read is too old), in real time',
      history(committed('x+1', { at: [0, 10] }), committed('x=', { at: [13, 20] })),
    ],
    [
      'G-single (one read is too old), in real time',
      history(
        committed('x+1', { at: [0, 10] }),
        committed('y=', { at: [12, 13] }),
        committed('x=', { at: [16, 20] }),
      ),
    ],
    [
      'G-single (one read is too old), in real time',
      history(committed('x+1', { context: 1 }), committed('x=', { context: 1 })),
    ],
    [
      'G2 (reads too old), in real time',
      history(
        committed('x+1'),
        committed('y+2', { at: [0, 10] }),
        committed('x=1 y='),
        committed('x=', { at: [13, 20] }),
        committed('x=1 y=2'),
      ),
    ],
    ['G-single (one read is too old)', history(unknown('x+1 y+2'), committed('x=1 y='))],
  ])('%s', (kind, found) => {
    const all = kinds(checkListAppend(found));
    expect(all).toContain(kind);
  });

  test('the shortest circle, and tells it step by step', () => {
    const [anomaly] = checkListAppend(
      history(
        committed('x+1', { at: [0, 10] }),
        committed('y+2', { at: [13, 20] }),
        committed('x=', { at: [23, 30] }),
      ),
    );
    expect(anomaly?.text.split('\n').slice(0, 3)).toEqual([
      '2 in a circle',
      '  T3 ──rw──▶ T1: added 1 to 0, not seen',
      '  T1 ──rt──▶ T3: began after it had ended',
    ]);
  });
});

// Goal: what is allowed is not reported. Method: each of these is next to one of the anomalies above.
describe('neither check reports', () => {
  test.each<[string, History]>([
    ['nothing at all', history()],
    [
      'a version that a rollback has made',
      history(aborted('x='), committed('x+1', { told: 3 }), committed('x+2', { told: 4 })),
    ],
    ['a read at the snapshot', history(committed('x+1'), committed('x=', { snapshot: 1 }))],
    ['own appends', history(committed('x+1 x=1 x+2 x=1,2'), committed('x=1,2'))],
    ['a failed sqliteTx without trace', history(aborted('x+1 x=1'), committed('x='))],
    ['an unknown outcome that is out', history(unknown('x+1 y+2'), committed('x= y='))],
    [
      'an unknown outcome that is in, and late',
      history(
        committed('x=', { at: [0, 10] }),
        unknown('x+1 y+2', { made: 2 }),
        committed('x=1 y=2', { at: [50, 60] }),
      ),
    ],
    [
      'a beginning within the tolerance',
      history(committed('x+1', { at: [0, 10] }), committed('x=', { at: [12, 20], snapshot: 1 })),
    ],
    [
      'overlapping sqliteTxs that took turns',
      history(committed('x= x+1'), committed('x=1 x+2'), committed('x=1,2')),
    ],
  ])('%s', (_name, found) => {
    expect(checkVersions(found)).toEqual([]);
    expect(checkListAppend(found)).toEqual([]);
  });
});
