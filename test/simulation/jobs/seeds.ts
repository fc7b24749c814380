/** Plays the worlds of seeds, each on a hub of its own. */
import { EmbeddedDatabase } from '../../../src/store/embedded.js';
import { EmbeddedHub } from '../embedded-hub.js';
import { MemoryHub } from '../memory-hub/hub.js';
import { fullLength, simulate, type Length, type SeedResult } from '../simulate.js';
import type { Scope } from '../world.js';

/** `memory`: fast. `embedded`: real SQL, one connection. */
export type HubKind = 'memory' | 'embedded';

export interface PlayOptions {
  readonly length?: Length;
  readonly scope?: Scope;
  /** `memory` unless given. */
  readonly hub?: HubKind;
}

export interface SimulationOptions extends PlayOptions {
  readonly seeds: number;
  /** The first one; each world has the next number. */
  readonly seed: number;
}

/** Every so many worlds one is played twice: the same must come of it. */
const twiceEvery = 50;

export async function play(seed: number, { hub, length, scope }: PlayOptions): Promise<SeedResult> {
  if (hub !== 'embedded') return simulate(seed, (time) => new MemoryHub(time), length ?? fullLength, scope);
  const database = new EmbeddedDatabase();
  await database.open();
  try {
    return await simulate(seed, (time) => new EmbeddedHub(database, time), length ?? fullLength, scope);
  } finally {
    await database.close();
  }
}

/** Plays the worlds one after the other. */
export async function simulateSeeds(options: SimulationOptions): Promise<SeedResult[]> {
  const results: SeedResult[] = [];
  for (let seed = options.seed; seed < options.seed + options.seeds; seed++) results.push(await play(seed, options));
  return results;
}

/** Now and then a world is played twice: I15. */
export async function playChecked(seed: number, options: PlayOptions): Promise<SeedResult> {
  const one = await play(seed, options);
  if (seed % twiceEvery !== 0) return one;
  const other = await play(seed, options);
  if (one.trace === other.trace) return one;
  const what = `played twice, it went two ways: ${one.trace} and ${other.trace}`;
  return { ...one, violations: [...one.violations, { invariant: 'I15', what }] };
}

export const isClean = (result: SeedResult): boolean => result.violations.length === 0;
