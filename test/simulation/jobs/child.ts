/** A child process of `npm run sim`: plays one seed after the other as it is told, and tells what came of each. */
import { shrink, type Shrunk } from '../shrink.js';
import type { SeedResult } from '../simulate.js';
import { isClean, play, playChecked, type HubKind } from './seeds.js';

export interface SeedOrder {
  readonly seed: number;
  readonly hub: HubKind;
  /** Whether a world that fails is made smaller. */
  readonly shrinks: boolean;
}

export interface SeedPlayed {
  readonly result: SeedResult;
  /** Where it failed. */
  readonly shrunk?: Shrunk;
}

export async function carryOut({ seed, hub, shrinks }: SeedOrder): Promise<SeedPlayed> {
  const result = await playChecked(seed, { hub });
  // nobody looks at the life of a world that is clean
  if (isClean(result)) return { result: { ...result, strikes: [], story: [] } };
  const shrunk = shrinks
    ? await shrink(result, (scope) => play(seed, { hub, scope }))
    : { scope: {}, result, tries: 0 };
  return { result, shrunk };
}

async function obey(order: SeedOrder): Promise<void> {
  process.send?.(await carryOut(order));
}

if (process.argv[2] === '--child') {
  let before = Promise.resolve();
  process.on('message', (order) => {
    before = before.then(() => obey(order as SeedOrder));
  });
  // the parent has ended, in whichever way
  process.on('disconnect', () => process.exit(0));
}
