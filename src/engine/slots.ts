/** A limit that several share: of the calls to one system, whichever pass makes them. */
export class Slots {
  #free: number;
  /** Who waits, by lane. */
  readonly #waiting: ((() => void)[] | undefined)[] = [];

  /** @param count so many may be at work at once; one at least */
  constructor(count: number) {
    this.#free = Math.max(1, count);
  }

  /**
   * Runs `work` when its turn comes: the lowest lane first, within a lane first come, first served. It must not wait for another slot of
   * the same kind.
   */
  async run<T>(work: () => Promise<T>, lane = 0): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => (this.#waiting[lane] ??= []).push(resolve));
    try {
      return await work();
    } finally {
      // handed on: whoever comes new must not overtake
      const next = this.#waiting.find((lane) => lane !== undefined && lane.length > 0)?.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  /** Runs `work` over the items. */
  all<T, R>(items: readonly T[], work: (item: T) => Promise<R>, laneOf: (item: T) => number = () => 0): Promise<R[]> {
    return Promise.all(items.map((item) => this.run(() => work(item), laneOf(item))));
  }
}
