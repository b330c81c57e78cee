/** What happened lately is counted to the slot, and what is older is forgotten. */
import { expect, test } from 'vitest';
import { ErrorCounts } from '../../../src/vfs/error-counts.js';
import { RecentCounts } from '../../../src/vfs/recent-counts.js';

const SHAPE = { slots: 4, slotMs: 1000 };

test('what was counted stays for as many slots as there are', () => {
  const recent = new RecentCounts(SHAPE);
  recent.add(10_100, 1);
  recent.add(10_900, 2);
  recent.add(12_000, 4);
  expect(recent.sum(12_000)).toBe(7);
  expect(recent.sum(13_999)).toBe(7);
  expect(recent.sum(14_000)).toBe(4);
  expect(recent.sum(15_999)).toBe(4);
  expect(recent.sum(16_000)).toBe(0);
});

test('a slot that is used again begins at nothing', () => {
  const recent = new RecentCounts(SHAPE);
  for (let second = 0; second < 20; second++) {
    recent.add(second * 1000, second);
    const expected = [0, 1, 2, 3].reduce((sum, ago) => sum + Math.max(0, second - ago), 0);
    expect(recent.sum(second * 1000 + 500)).toBe(expected);
  }
});

test('after a long time nothing is left, however slots and time fall', () => {
  for (const pauseMs of [4000, 4001, 5000, 8000, 123_456]) {
    const recent = new RecentCounts(SHAPE);
    recent.add(2500, 5);
    expect(recent.sum(2500 + pauseMs)).toBe(0);
    recent.add(2500 + pauseMs, 1);
    expect(recent.sum(2500 + pauseMs)).toBe(1);
  }
});

test('the slots reach back to the beginning of the oldest', () => {
  const recent = new RecentCounts(SHAPE);
  expect(recent.spanMs(10_000)).toBe(3000);
  expect(recent.spanMs(10_999)).toBe(3999);
});

test('errors are counted by code for ever, and all of them for a minute', () => {
  const errors = new ErrorCounts();
  errors.add('BUSY', 1000);
  errors.add('BUSY', 2000);
  errors.add('QUOTA', 59_000);
  expect(errors.lastMinute(59_999)).toBe(3);
  expect(errors.lastMinute(61_000)).toBe(2);
  expect(errors.lastMinute(200_000)).toBe(0);
  expect(errors.byCode).toEqual({ BUSY: 2, QUOTA: 1 });
});
