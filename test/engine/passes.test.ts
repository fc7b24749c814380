import { expect, test } from 'vitest';
import { Passes } from '../../src/engine/passes.js';
import type { Link } from '../../src/store/links.js';

const linksIn = (...lanes: number[]): Link[] => lanes.map((lane, index) => ({ id: `${index}`, lane }) as Link);

/** Passes that go on until they are told to end. */
function scene() {
  const begun: number[][] = [];
  const ends: ((error?: Error) => void)[] = [];
  const passes = new Passes(
    (links) =>
      new Promise((resolve, reject) => {
        begun.push(links.map(({ lane }) => lane));
        ends.push((error) => (error === undefined ? resolve() : reject(error)));
      }),
  );
  return { passes, begun, ends };
}

test('what is urgent goes apart from what was claimed with it', () => {
  const { passes, begun } = scene();
  passes.begin(linksIn(0, 0, 1, 2));
  expect(begun).toEqual([
    [0, 0],
    [1, 2],
  ]);
  expect(passes.count).toBe(1);
});

test('it is let past what is not, two at a time', async () => {
  const { passes, ends } = scene();
  passes.begin(linksIn(1, 1));
  passes.begin(linksIn(2));
  expect([passes.count, passes.letsPass]).toEqual([2, true]);
  passes.beginUrgent(linksIn(0));
  expect(passes.letsPass).toBe(true);
  passes.beginUrgent(linksIn(0));
  expect([passes.count, passes.letsPass]).toEqual([2, false]);
  ends[2]?.();
  await passes.anyEnds();
  expect(passes.letsPass).toBe(true);
});

test('where everything is urgent, nothing is', () => {
  const { passes, begun } = scene();
  passes.begin(linksIn(0, 0));
  expect(begun).toEqual([[0, 0]]);
  expect([passes.count, passes.letsPass]).toEqual([1, false]);
});

test('nothing claimed is no pass', () => {
  const { passes, begun } = scene();
  passes.begin([]);
  passes.beginUrgent([]);
  expect([begun.length, passes.count]).toEqual([0, 0]);
});

test('the first failure is told when all have ended', async () => {
  const { passes, ends } = scene();
  passes.begin(linksIn(0, 1));
  ends[0]?.(new Error('away'));
  await passes.anyEnds();
  expect(passes.failed).toBe(true);
  ends[1]?.();
  await expect(passes.end()).rejects.toThrow('away');
});
