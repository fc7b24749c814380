/** What a benchmark is, and what it says. */
import type { Hub } from './hub.js';
import type { Remote, RemoteOptions } from './remote.js';
import type { Contender, Rounds } from './statistics.js';
import { figuresOf, ratiosOf, spreadOf, type Spread } from './statistics.js';

/** How much is measured: a smoke test, some minutes, or as the targets say. */
export type Size = 'quick' | 'usual' | 'full';

export interface Target {
  /** `least`: the ratio must not be smaller. */
  readonly bound: 'least' | 'most';
  readonly value: number;
}

/** One line of the result: a ratio with its spread, and what was wanted. */
export interface Row {
  /** What is compared, and with whom: `records/s against pg-boss`. */
  readonly what: string;
  /** Under which of several conditions. */
  readonly when?: string;
  readonly ratio: Spread;
  /** Absent: reported, without a verdict. */
  readonly target?: Target;
}

/** Medians of absolute figures: for orientation only, they are the machine's. */
export interface Absolute {
  readonly contender: string;
  readonly figures: Readonly<Record<string, number>>;
}

export interface Outcome {
  readonly benchmark: string;
  readonly rows: readonly Row[];
  readonly absolutes: readonly Absolute[];
  /** What else must be known to read it: sizes, settings. */
  readonly notes: readonly string[];
}

/** What a benchmark is given. */
export interface Bench {
  readonly size: Size;
  readonly rounds: number;
  /** The one of these that goes with the size. */
  sized<T>(sizes: Readonly<Record<Size, T>>): T;
  /** The same of a count of records that may be given on the command line. */
  counted(sizes: Readonly<Record<Size, number>>): number;
  /** A fresh database; `hub.drop` throws it away. */
  freshHub(): Promise<Hub>;
  /** A remote in a process of its own, ended after the benchmark. */
  remote(script: string, options: RemoteOptions): Promise<Remote>;
  /** Interleaved; progress is shown. */
  interleave(contenders: readonly Contender[], rounds?: number): Promise<Rounds>;
  /** Says in one line what isn't measured, and why. */
  skip(what: string): void;
  say(text: string): void;
}

export interface Benchmark {
  readonly name: string;
  readonly about: string;
  /** False where it runs without a database. */
  readonly needsHub: boolean;
  measure(bench: Bench): Promise<Omit<Outcome, 'benchmark'>>;
}

/** A row from the rounds: the ratio of `of` to `to`, pair by pair. */
export function row(
  rounds: Rounds,
  one: { readonly figure: string; readonly of: string; readonly to: string; readonly target?: Target },
): Row {
  const { figure, of, to, target } = one;
  return {
    what: `${figure}: ${of} / ${to}`,
    ratio: spreadOf(ratiosOf(rounds, figure, of, to)),
    ...(target === undefined ? {} : { target }),
  };
}

/** Median absolute figures of everybody. */
export function absolutesOf(rounds: Rounds): Absolute[] {
  return [...rounds].map(([contender, all]) => ({
    contender,
    figures: Object.fromEntries(
      Object.keys(all[0] ?? {}).map((figure) => [figure, spreadOf(figuresOf(rounds, contender, figure)).median]),
    ),
  }));
}

export function isMet({ ratio, target }: Row): boolean | undefined {
  if (target === undefined) return undefined;
  return target.bound === 'least' ? ratio.median >= target.value : ratio.median <= target.value;
}
