import { expect, test } from 'vitest';
import { Turn } from '../../../src/vfs/turn.ts';

// Goal: who writes again and again goes on for a moment while others wait, and nobody waits for one who
// does not. Method: times given by hand, in milliseconds.

test('one that began again at once is waited for until its turn is over', () => {
  const turn = new Turn();
  expect(turn.ends(0, 0)).toBe(false);
  turn.begins(() => 1);
  expect(turn.ends(2, 0)).toBe(true);
  turn.begins(() => 3);
  expect(turn.ends(8.9, 0)).toBe(true);
  turn.begins(() => 9);
  expect(turn.ends(10.1, 0)).toBe(false);
});

test('one that takes its time is not waited for', () => {
  const turn = new Turn();
  turn.ends(0, 0);
  turn.begins(() => 6);
  expect(turn.ends(7, 6.5)).toBe(false);
});

test('one that was waited for in vain is not waited for the next time', () => {
  const turn = new Turn();
  turn.ends(0, 0);
  turn.begins(() => 1);
  expect(turn.ends(2, 1)).toBe(true);
  turn.missed();
  expect(turn.ends(3, 2.5)).toBe(false);
});

test('while nobody else waits no clock is looked at', () => {
  const turn = new Turn();
  turn.begins(() => {
    throw new Error('the clock was looked at');
  });
});
