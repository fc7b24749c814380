/** Whole worlds from seeds: see `npm run sim`. */
import { expect, test } from 'vitest';
import { simulateSeeds } from './jobs/seeds.js';

const length = { edits: 60, busyMs: 60_000 };

test(
  'a world with crashes, outages and slow requests comes to rest in agreement, twice in the same way',
  { timeout: 240_000 },
  async () => {
    const [first] = await simulateSeeds({ seeds: 1, seed: 7, length });
    expect(first?.violations).toEqual([]);
    const [again] = await simulateSeeds({ seeds: 1, seed: 7, length });
    expect(again?.trace).toBe(first?.trace);
  },
);
