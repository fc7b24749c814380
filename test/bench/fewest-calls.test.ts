import { expect, test } from 'vitest';
import { fewestCalls } from '../../bench/shop/fewest-calls.js';

const edits = (...given: [record: number, atMs: number][]) => given.map(([record, atMs]) => ({ record, atMs }));

test('a call for each record, where all edits are there before the first turn', () => {
  expect(fewestCalls(edits([1, 0], [2, 0], [1, 0], [2, 0]), 25)).toBe(2);
});

test('an edit after its record was sent costs another', () => {
  expect(fewestCalls(edits([1, 0], [1, 10]), 25)).toBe(2);
});

test('what was edited least lately goes first', () => {
  // 1 is sent at once; at 40 ms 3 is the quietest, and 2 goes once with both of its edits
  expect(fewestCalls(edits([1, 0], [2, 10], [3, 20], [2, 30]), 25)).toBe(3);
  expect(fewestCalls(edits([1, 0], [2, 10], [3, 20], [2, 50]), 25)).toBe(4);
});

test('nothing to send costs nothing', () => {
  expect(fewestCalls([], 25)).toBe(0);
});
