/** I9 of backlog.ts: how many deferred commits may be under way between a client and its storage worker. */
import { beforeEach, expect, test } from 'vitest';
import { Backlog, publishLoss, publishRoom } from '../../../src/vfs/shared/backlog.js';
import { createShared, type SharedParts, WORD } from '../../../src/vfs/shared/layout.js';

let words: SharedParts['words'];
let backlog: Backlog;
beforeEach(() => {
  words = createShared(256 * 1024).words;
  backlog = new Backlog(words);
});

/** A commit of so many bytes goes into the ring, as a record of 64. */
function send(bytes: number): void {
  Atomics.add(words, WORD.TAIL, 64);
  backlog.add(bytes);
}

/** The storage worker has acted on so many records. */
function act(records: number): void {
  Atomics.add(words, WORD.HEAD, 64 * records);
}

test('commits that were sent take room until they are acted on', () => {
  publishRoom(words, { commits: 2, bytes: 1000 });
  expect(backlog.hasRoom).toBe(true);
  send(10);
  expect(backlog.hasRoom).toBe(true);
  send(10);
  expect(backlog.hasRoom).toBe(false);
  act(1);
  expect(backlog.hasRoom).toBe(true);
  send(10);
  expect(backlog.hasRoom).toBe(false);
  act(2);
  expect(backlog.hasRoom).toBe(true);
});

test('so do their bytes, and one commit may go beyond', () => {
  publishRoom(words, { commits: 100, bytes: 1000 });
  send(1000);
  expect(backlog.hasRoom).toBe(true);
  send(1);
  expect(backlog.hasRoom).toBe(false);
  act(1);
  expect(backlog.hasRoom).toBe(true);
});

test.each([
  ['commits', { commits: 0, bytes: 1000 }],
  ['bytes', { commits: 10, bytes: -5 }],
])('without room for %s nothing goes', (_what, room) => {
  publishRoom(words, room);
  expect(backlog.hasRoom).toBe(false);
});

test('room beyond a word counts as all that a word holds', () => {
  publishRoom(words, { commits: 2 ** 40, bytes: 2 ** 40 });
  send(2 ** 31 - 1);
  expect(backlog.hasRoom).toBe(true);
});

test('the ring may wrap around the greatest number', () => {
  Atomics.store(words, WORD.TAIL, 2 ** 31 - 64);
  Atomics.store(words, WORD.HEAD, 2 ** 31 - 64);
  publishRoom(words, { commits: 1, bytes: 1000 });
  send(1);
  expect(Atomics.load(words, WORD.TAIL)).toBeLessThan(0);
  expect(backlog.hasRoom).toBe(false);
  act(1);
  expect(backlog.hasRoom).toBe(true);
});

test('losses are counted', () => {
  expect(backlog.losses).toBe(0);
  publishLoss(words);
  publishLoss(words);
  expect(backlog.losses).toBe(2);
});
