/** Interleaved measurement, and what its ratios come to. */

/** What one run of a contender gave: named figures, in whatever unit (records/s, ms). */
export type Figures = Readonly<Record<string, number>>;

/** Whoever is measured. `run` does the whole job once. */
export interface Contender {
  readonly name: string;
  run(): Promise<Figures>;
}

/** All figures of a contender, round by round. */
export type Rounds = ReadonlyMap<string, readonly Figures[]>;

export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly lowerQuartile: number;
  readonly upperQuartile: number;
  readonly max: number;
  /** Of so many values. */
  readonly count: number;
}

export interface InterleaveOptions {
  readonly rounds: number;
  /** Runs of each before anything is counted: caches and compiled code. 1 unless given. */
  readonly warmUps?: number;
  /** `round` is 0 for a warm-up. */
  readonly onRun?: (name: string, round: number, figures: Figures) => void;
}

/**
 * Runs all contenders once per round, so that whatever else the machine does meets each of them alike. The order is reversed from
 * round to round (A B, B A, …), and with more than two also turned, so that nobody always runs after the same one.
 */
export async function interleave(contenders: readonly Contender[], options: InterleaveOptions): Promise<Rounds> {
  const names = new Set(contenders.map(({ name }) => name));
  if (names.size < contenders.length) throw new Error('two contenders have the same name');
  const rounds = new Map<string, Figures[]>(contenders.map(({ name }) => [name, []]));
  for (let warmUp = options.warmUps ?? 1; warmUp > 0; warmUp--) {
    for (const one of contenders) options.onRun?.(one.name, 0, await one.run());
  }
  for (let round = 0; round < options.rounds; round++) {
    for (const one of orderOf(contenders, round)) {
      const figures = await one.run();
      rounds.get(one.name)?.push(figures);
      options.onRun?.(one.name, round + 1, figures);
    }
  }
  return rounds;
}

/** The order of a round. */
export function orderOf<T>(items: readonly T[], round: number): readonly T[] {
  const shift = Math.floor(round / 2) % Math.max(1, items.length);
  const turned = [...items.slice(shift), ...items.slice(0, shift)];
  return round % 2 === 0 ? turned : turned.reverse();
}

/** The quotients of a figure, pair by pair: each round's own, never of one round by another's. */
export function ratiosOf(rounds: Rounds, figure: string, of: string, to: string): number[] {
  const over = figuresOf(rounds, of, figure);
  const under = figuresOf(rounds, to, figure);
  if (over.length !== under.length) throw new Error(`${of} has ${over.length} rounds, ${to} has ${under.length}`);
  return over.map((value, index) => value / (under[index] ?? Number.NaN));
}

export function figuresOf(rounds: Rounds, contender: string, figure: string): number[] {
  const all = rounds.get(contender);
  if (all === undefined) throw new Error(`there is no contender ${contender}`);
  return all.map((figures, index) => {
    const value = figures[figure];
    if (value === undefined || !Number.isFinite(value)) {
      throw new Error(`${contender} gave no ${figure} in round ${index + 1}`);
    }
    return value;
  });
}

/** Of the given values; quartiles are interpolated between neighbours. */
export function spreadOf(values: readonly number[]): Spread {
  if (values.length === 0) throw new Error('nothing was measured');
  const sorted = [...values].sort((a, b) => a - b);
  return {
    median: quantile(sorted, 0.5),
    min: quantile(sorted, 0),
    lowerQuartile: quantile(sorted, 0.25),
    upperQuartile: quantile(sorted, 0.75),
    max: quantile(sorted, 1),
    count: sorted.length,
  };
}

/** @param sorted in ascending order @param share 0 to 1 */
export function quantile(sorted: readonly number[], share: number): number {
  const at = (sorted.length - 1) * share;
  const [below, above] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  if (below === undefined || above === undefined) throw new Error('nothing was measured');
  return below + (above - below) * (at - Math.floor(at));
}

/** p50 and p99 of latencies, in their unit. */
export function percentiles(values: readonly number[]): { readonly p50: number; readonly p99: number } {
  const sorted = [...values].sort((a, b) => a - b);
  return { p50: quantile(sorted, 0.5), p99: quantile(sorted, 0.99) };
}
