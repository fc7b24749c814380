/** The form of a check. */
import type { Bench } from './bench.js';

/** A named check, for any test runner. */
export interface ConformanceCheck {
  readonly name: string;
  /** Why it doesn't apply to this subscriber; undefined where it does. */
  readonly skip: string | undefined;
  /** Throws, saying what is wrong and what to do about it. */
  readonly run: () => Promise<void>;
}

/** A check of the suite, before it is bound to a subscriber. */
export interface Check {
  readonly name: string;
  /** Why it doesn't apply. */
  skip?(bench: Bench): string | undefined;
  run(bench: Bench): Promise<void>;
}

export const unless = (claimed: boolean, capability: string): string | undefined =>
  claimed ? undefined : `the capability "${capability}" is off`;
