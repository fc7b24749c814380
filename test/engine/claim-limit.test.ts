import { expect, test } from 'vitest';
import { claimLimit } from '../../src/engine/loops.js';

test('a batch, where nothing is known of a limit', () => {
  expect(claimLimit(100, 0, undefined)).toBe(100);
  expect(claimLimit(100, 7, { perSecond: Number.POSITIVE_INFINITY, waiting: 0 })).toBe(100);
  expect(claimLimit(100, 7, { perSecond: Number.NaN, waiting: 0 })).toBe(100);
});

test('at first what two passes send within a quarter of a second; one at least, and a batch at most', () => {
  expect(claimLimit(100, 0, { perSecond: 80, waiting: 0 })).toBe(10);
  expect(claimLimit(5, 0, { perSecond: 80, waiting: 0 })).toBe(5);
  expect(claimLimit(100, 0, { perSecond: 1, waiting: 0 })).toBe(1);
  expect(claimLimit(100, 0, { perSecond: 0, waiting: 0 })).toBe(1);
});

test('a call that takes many records counts for as many', () => {
  expect(claimLimit(500, 0, { perSecond: 16, waiting: 0 }, 100)).toBe(200);
  expect(claimLimit(500, 0, { perSecond: 1, waiting: 0 }, 100)).toBe(100);
});

test('twice as many while nothing waits for its turn: the answers are slow', () => {
  expect(claimLimit(100, 10, { perSecond: 80, waiting: 0 })).toBe(20);
  expect(claimLimit(100, 80, { perSecond: 80, waiting: 0 })).toBe(100);
});

test('as many while a few wait, half as many when half of a pass does; never less than at first', () => {
  expect(claimLimit(100, 40, { perSecond: 80, waiting: 3 })).toBe(40);
  expect(claimLimit(100, 40, { perSecond: 80, waiting: 21 })).toBe(20);
  expect(claimLimit(100, 10, { perSecond: 80, waiting: 41 })).toBe(10);
});
