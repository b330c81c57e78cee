/**
 * P5: the verdict on a file's evidence: whole, fallen back to a version below, or defective.
 */
import { describe, expect, test } from 'vitest';
import { RETAINED_COMMITS } from '../../../src/format/layout.js';
import { encodeSpillOwner } from '../../../src/format/spill-owner.js';
import { decide } from '../../../src/recovery/decide.js';
import type { Evidence } from '../../../src/recovery/scan.js';
import { version } from '../../../src/types.js';
import { chunkOf, commitOf, damaged, FILE, WHOLE, without, YOUNG } from '../../support/evidence.ts';

const OWNER = encodeSpillOwner({ file: FILE, version: version(6), nonce: [1, 2] });

/** The verdict, and where its defects are. */
function verdictOn(evidence: Evidence) {
  const verdict = decide(evidence);
  const list = verdict.tag === 'defective' ? verdict.defects : (verdict.fellBack?.defects ?? []);
  const keys = list.map((error) => (error as { location?: { key: unknown } }).location?.key);
  return { verdict, keys };
}

describe('intact', () => {
  test.each([
    [undefined, false],
    [[FILE, 6, 0], true],
  ])('with %o above: pending is %s', (above, pendingAbove) => {
    const { verdict } = verdictOn({ ...WHOLE, above, spillOwner: OWNER });
    expect(verdict).toMatchObject({ tag: 'intact', pendingAbove, replayedCommits: 2 });
    expect(verdict).toHaveProperty('fellBack', undefined);
  });
});

describe('fallen back', () => {
  test.each<[string, Evidence]>([
    ['damaged', { ...WHOLE, commits: damaged(5) }],
    ["another path's", { ...WHOLE, commits: [...without(5), commitOf(5, { path: 'b.db' })] }],
  ])(
    'when the newest record is %s: the version below goes on under its number',
    (_how, evidence) => {
      const { verdict, keys } = verdictOn(evidence);
      if (verdict.tag !== 'fallen-back') throw new Error(verdict.tag);
      expect(keys).toEqual([[FILE, 5]]);
      expect(verdict.fellBack).toMatchObject({ from: 5, recordCount: 2, marker: { version: 4 } });
      expect(verdict.state.map.version).toBe(5);
      expect(verdict.state.marker).toBeUndefined();
      expect(verdict.replayedCommits).toBe(1);
      // What the fourth commit wrote is there, what the fifth did is not.
      expect([0, 1].map((block) => verdict.state.map.versionOf(block))).toEqual([4, 2]);
    },
  );

  test('when the newest record is lost and its segments are there', () => {
    const evidence = { ...WHOLE, commits: without(5), topUnowned: [FILE, 5, 0] };
    const { verdict, keys } = verdictOn(evidence);
    expect(keys).toEqual([[FILE, 5]]);
    expect(verdict).toMatchObject({ tag: 'fallen-back', fellBack: { from: 5, recordCount: 1 } });
  });

  test('to one version for several that are lost or damaged', () => {
    const { verdict, keys } = verdictOn({
      ...WHOLE,
      commits: damaged(5),
      topUnowned: [FILE, 6, 0],
    });
    // The damaged record is what is known; that another is lost follows from the segments.
    expect(keys).toEqual([[FILE, 5]]);
    expect(verdict).toMatchObject({
      tag: 'fallen-back',
      fellBack: { from: 6, recordCount: 2, marker: { version: 4 } },
    });
  });

  test.each([
    [undefined, undefined, false],
    [undefined, OWNER, false],
    [[FILE, 6, 0], undefined, false],
    [[FILE, 6, 0], OWNER, true],
  ])(
    'what lies above is pending if somebody says that it is theirs (%o, %o)',
    (above, spillOwner, pendingAbove) => {
      const { verdict } = verdictOn({ ...WHOLE, commits: damaged(5), above, spillOwner });
      expect(verdict).toMatchObject({ tag: 'fallen-back', pendingAbove });
    },
  );

  test('by no more versions than records are kept', () => {
    const above = (by: number) => verdictOn({ ...WHOLE, topUnowned: [FILE, 5 + by, 0] }).verdict;
    expect(above(RETAINED_COMMITS)).toMatchObject({ fellBack: { from: 5 + RETAINED_COMMITS } });
    expect(above(RETAINED_COMMITS + 1)).toMatchObject({ tag: 'intact' });
  });
});

describe('defective', () => {
  test.each<[string, Evidence, number[][]]>([
    ['two records, not both the newest', { ...WHOLE, commits: damaged(4) }, [[FILE, 4]]],
    [
      'the newest and a chunk',
      { ...WHOLE, commits: damaged(5), chunks: [chunkOf(0)] },
      [[FILE, 5]],
    ],
    ['the only record', { ...YOUNG, commits: [{ key: [FILE, 1], value: 7 }] }, [[FILE, 1]]],
  ])('%s: nothing is fallen back to', (_what, evidence, expected) => {
    const { verdict, keys } = verdictOn(evidence);
    expect(verdict.tag).toBe('defective');
    expect(keys.slice(0, 1)).toEqual(expected);
  });

  test('a newest record of a newer format, which is not ours to leave out', () => {
    const newest = commitOf(5);
    new DataView(newest.value as ArrayBuffer).setUint16(4, 2, true);
    const { verdict } = verdictOn({ ...WHOLE, commits: [...without(5), newest] });
    expect(verdict).toMatchObject({ tag: 'defective', defects: [{ name: 'FormatVersionError' }] });
  });
});
