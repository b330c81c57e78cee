// Goal: a mark in the conformance table can neither hide a failure nor go stale. Method: judge cases
// that agree, fail as marked and fail otherwise, for whom they are marked and for others.
import { expect, test } from 'vitest';
import {
  type Case,
  casesOf,
  type Differences,
  judge,
} from '../../support/idb-conformance/table.ts';

const DIFFERS: Differences = { webkit: { why: 'it must', seen: 'blue' } };
const RACES: Differences = { webkit: { why: 'it may', seen: 'blue', race: true } };
const CLEAN = { cleanUp: async () => {} };

function theCase(differs: Differences, failure?: string): Case {
  const run = () => {
    if (failure !== undefined) throw new Error(failure);
  };
  const [item] = casesOf('group', (define) => define('name', differs, run));
  return item as Case;
}

test.each([
  ['agrees', 'unmarked', {}, undefined],
  ['failed', 'unmarked', {}, 'it is blue'],
  ['differs', 'marked', DIFFERS, 'it is blue'],
  ['failed', 'marked', DIFFERS, 'it is red'],
  ['failed', 'marked', DIFFERS, undefined],
  ['differs', 'a race', RACES, 'it is blue'],
  ['failed', 'a race', RACES, 'it is red'],
  ['agrees', 'a race', RACES, undefined],
] as const)('%s: %s %j, and the case says %s', async (tag, _mark, differs, failure) => {
  expect((await judge(theCase(differs, failure), CLEAN, 'webkit')).tag).toBe(tag);
});

test.each(['firefox', undefined] as const)('a mark is not for %s', async (other) => {
  expect((await judge(theCase(DIFFERS), CLEAN, other)).tag).toBe('agrees');
  expect((await judge(theCase(DIFFERS, 'it is blue'), CLEAN, other)).tag).toBe('failed');
});

test('what cannot be cleaned up fails', async () => {
  const cleanUp = () => Promise.reject(new Error('still open'));
  expect(await judge(theCase({}), { cleanUp })).toEqual({
    tag: 'failed',
    message: 'Error: still open',
  });
});

test('two cases of one name are refused', () => {
  const twice = () =>
    casesOf('group', (define) => {
      define('name', () => {});
      define('name', () => {});
    });
  expect(twice).toThrow('"name"');
});
