/** Whole worlds from seeds: see `npm run sim`. */
import { expect, test } from 'vitest';
import { isClean, simulateSeeds } from './jobs/seeds.js';

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

/** How many worlds are played that nobody has seen before: `SIM_WORLDS=500 npx vitest run test/simulation` plays more of them. */
const worlds = Number(process.env['SIM_WORLDS'] ?? 4);
const firstSeed = Number(process.env['SIM_SEED'] ?? 1_000_000 + Math.floor(Math.random() * 1_000_000_000));

test(
  `worlds that nobody has seen before: ${worlds} from seed ${firstSeed}`,
  { timeout: 120_000 * worlds },
  async () => {
    process.stderr.write(`simulated worlds: SIM_SEED=${firstSeed} SIM_WORLDS=${worlds}\n`);
    const failed = (await simulateSeeds({ seeds: worlds, seed: firstSeed })).filter((result) => !isClean(result));
    expect(failed.map(({ seed, violations }) => ({ seed, violations }))).toEqual([]);
  },
);
