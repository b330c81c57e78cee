/**
 * Goal: the planted bugs still fit the source, and one that does not is told. Whether each is caught
 * is tried by `npm run planted`, which takes longer.
 */
import { describe, expect, test } from 'vitest';
import { BUGS } from './bugs.mjs';
import { applyEdit, planted } from './plant.mjs';

test.each(BUGS.map((bug) => [bug.name, bug] as const))('%s fits the source', (_name, bug) => {
  expect(planted(bug).size).toBeGreaterThan(0);
  expect(bug.tests.length).toBeGreaterThan(0);
});

describe('a text to replace', () => {
  const edit = { file: 'x.ts', find: 'ab', replace: 'c' };

  test('is replaced where it is', () => {
    expect(applyEdit('(ab)', edit)).toBe('(c)');
  });

  test.each([
    ['is gone', '(a b)', /is gone from src\/x\.ts/],
    ['is there twice', 'ab ab', /occurs 2 times in src\/x\.ts/],
  ])('that %s is an error', (_what, text, message) => {
    expect(() => applyEdit(text, edit)).toThrow(message);
  });
});
