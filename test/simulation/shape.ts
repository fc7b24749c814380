/** What kind of place a world is, whatever goes wrong in it. */
import type { Chance } from './chance.js';

export interface Shape {
  /** How long a statement takes at most, in virtual ms: in a slow hub there is much time between any two of them. */
  readonly statementMs: number;
  /** People who act at once. */
  readonly hands: number;
  /** The main class has a `save` of its own, which writes another row as well. */
  readonly savesMore: boolean;
}

export function randomShape(chance: Chance): Shape {
  return {
    statementMs: chance.pick([3, 3, 3, 12, 40]),
    hands: chance.pick([1, 1, 2, 3]),
    savesMore: chance.hits(0.25),
  };
}
