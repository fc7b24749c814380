/** What a comparison has come to so far: counts by field and cause are exact, differences are kept up to a bound. */
import type { Difference, DriftCause, DriftCount } from './drift.js';

/** Differences that a report lists. */
const maxDifferences = 10_000;

export interface Totals {
  readonly compared: number;
  readonly equal: number;
  /** Links whose remote the listing didn't show. */
  readonly notListed: number;
  readonly repairing: number;
  readonly table: readonly DriftCount[];
}

export class Tally {
  compared: number;
  equal: number;
  notListed: number;
  repairing: number;
  readonly differences: Difference[] = [];
  readonly #counts = new Map<string, number>();

  constructor(totals?: Totals) {
    this.compared = totals?.compared ?? 0;
    this.equal = totals?.equal ?? 0;
    this.notListed = totals?.notListed ?? 0;
    this.repairing = totals?.repairing ?? 0;
    for (const { field, cause, count } of totals?.table ?? []) this.#count(field, cause, count);
  }

  add(difference: Difference, field: string): void {
    this.#count(field, difference.cause, 1);
    if (this.differences.length < maxDifferences) this.differences.push(difference);
  }

  normalised(field: string): void {
    this.#count(field, 'normalised', 1);
  }

  get totals(): Totals {
    const { compared, equal, notListed, repairing } = this;
    return { compared, equal, notListed, repairing, table: this.table };
  }

  /** By field, most frequent first. */
  get table(): DriftCount[] {
    return [...this.#counts]
      .map(([name, count]) => {
        const [field, cause] = JSON.parse(name) as [string, DriftCause];
        return { field, cause, count };
      })
      .sort((a, b) => b.count - a.count || (a.field < b.field ? -1 : 1));
  }

  /** How many differences of these causes, or of all but them. */
  countOf(causes: readonly DriftCause[]): number {
    return this.table.reduce((sum, one) => sum + (causes.includes(one.cause) ? one.count : 0), 0);
  }

  get total(): number {
    return this.table.reduce((sum, { cause, count }) => sum + (cause === 'normalised' ? 0 : count), 0);
  }

  #count(field: string, cause: DriftCause, by: number): void {
    const name = JSON.stringify([field, cause]);
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + by);
  }
}
