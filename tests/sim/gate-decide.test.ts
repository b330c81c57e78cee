/**
 * P5: recovery's decision is a pure function: total, deterministic, and right.
 *
 * Method: it is asked about every situation of a small domain, twice, and compared with an oracle that
 * looks at the situation instead of the records (decide-domain.ts).
 */
import { expect, test } from 'vitest';
import type { FileState } from '../../src/blockstore/state.js';
import { BlockStoreError } from '../../src/errors.js';
import { decide } from '../../src/recovery/decide.js';
import {
  checksumOf,
  type Expected,
  evidenceOf,
  expectedOf,
  type Situation,
  situations,
} from '../support/decide-domain.ts';

type Verdict = ReturnType<typeof decide>;

/** A verdict as text: of a state, every block with its version and checksum. */
function told(verdict: Verdict): string {
  if (verdict.tag === 'defective') {
    const untyped = verdict.defects.filter((error) => !(error instanceof BlockStoreError));
    if (verdict.defects.length === 0 || untyped.length > 0) return 'defective without a reason';
    return `defective: ${verdict.defects.map(({ message }) => message).join('; ')}`;
  }
  return `${verdict.tag}: ${contentOf(verdict.state)}, pending: ${verdict.pendingAbove}`;
}

function contentOf({ map }: FileState): string {
  const blocks = Array.from({ length: 8 }, (_, block) => {
    const written = map.versionOf(block);
    return written === 0 ? '-' : `${written}:${map.checksumOf(block)}`;
  });
  return `${map.fileBytes} bytes ${blocks.join(' ')}`;
}

/** The content after the first `version` commits. */
function contentAfter(version: number): string {
  const blocks = Array.from({ length: 8 }, (_, block) =>
    block < version ? `${block + 1}:${checksumOf(block + 1)}` : '-',
  );
  return `${version * 512} bytes ${blocks.join(' ')}`;
}

function agrees(verdict: Verdict, expected: Expected, { above }: Situation): boolean {
  if (expected.tag === 'intact') {
    const content = contentAfter(expected.version);
    return told(verdict) === `intact: ${content}, pending: ${above !== 'nothing'}`;
  }
  if (verdict.tag === 'defective') return told(verdict) !== 'defective without a reason';
  // Not as if nothing had happened: what is wrong is part of the verdict.
  return (
    (verdict.tag as string) !== 'intact' &&
    expected.orVersion !== undefined &&
    contentOf(verdict.state) === contentAfter(expected.orVersion)
  );
}

test('it decides every situation, always in the same way, as the oracle does', {
  timeout: 120_000,
}, () => {
  const counts = { intact: 0, defective: 0 };
  const wrong: string[] = [];
  for (const situation of situations()) {
    const verdict = decide(evidenceOf(situation));
    const expected = expectedOf(situation);
    counts[expected.tag]++;
    const again = told(decide(evidenceOf(situation)));
    if (agrees(verdict, expected, situation) && again === told(verdict)) continue;
    wrong.push(`${JSON.stringify(situation)}\n  ${told(verdict)}\n  ${again}`);
  }
  expect(wrong.slice(0, 5).join('\n')).toBe('');
  expect(counts.intact).toBeGreaterThan(50);
  expect(counts.defective).toBeGreaterThan(20_000);
});

test('null control: an oracle that forgets gaps is contradicted', () => {
  const gap: Situation = {
    born: true,
    commits: ['whole', 'whole', 'absent', 'whole'],
    directory: 2,
    chunk: 2,
    secondChunk: false,
    above: 'nothing',
  };
  const forgetful: Expected = { tag: 'intact', version: 4 };
  expect(agrees(decide(evidenceOf(gap)), forgetful, gap)).toBe(false);
  expect(agrees(decide(evidenceOf(gap)), expectedOf(gap), gap)).toBe(true);
});
