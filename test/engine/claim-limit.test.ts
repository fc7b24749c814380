import { expect, test } from 'vitest';
import { claimLimit } from '../../src/engine/loops.js';

test('a batch, where nothing is known of a limit', () => {
  expect(claimLimit(100)).toBe(100);
  expect(claimLimit(100, Number.POSITIVE_INFINITY)).toBe(100);
});

test('what two passes send within a quarter of a second', () => {
  expect(claimLimit(100, 80)).toBe(10);
  expect(claimLimit(5, 80)).toBe(5);
});

test('one at least', () => {
  expect(claimLimit(100, 1)).toBe(1);
  expect(claimLimit(100, 0)).toBe(1);
});
