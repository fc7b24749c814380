/**
 * The child process of `scripts/mutants.ts`, run inside a copy of the sources: plays the worlds of the given seeds and prints one
 * line of JSON for each. With `untilFound` it ends at the first violation.
 */
import { simulateSeeds } from '../jobs/seeds.js';

export interface PlayOrder {
  readonly seeds: readonly number[];
  readonly untilFound: boolean;
  /** A shorter world: so many edits, one a second. */
  readonly edits?: number;
}

export interface Played {
  readonly seed: number;
  readonly violations: readonly { readonly invariant: string; readonly what: string }[];
  readonly ms: number;
}

const { seeds, untilFound, edits } = JSON.parse(process.argv[2] ?? '') as PlayOrder;
const length = edits === undefined ? {} : { length: { edits, busyMs: edits * 1_000 } };
for (const seed of seeds) {
  const started = performance.now();
  const [result] = await simulateSeeds({ seeds: 1, seed, ...length });
  if (result === undefined) continue;
  const violations = result.violations.map(({ invariant, what }) => ({ invariant, what }));
  const played: Played = { seed, violations, ms: Math.round(performance.now() - started) };
  process.stdout.write(`${JSON.stringify(played)}\n`);
  if (untilFound && violations.length > 0) break;
}
// what a world has left waiting doesn't keep the process
process.exit(0);
