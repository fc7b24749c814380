/** A limit that several share: of the calls to one system, whichever pass makes them. */
export class Slots {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param count so many may be at work at once; one at least */
  constructor(count: number) {
    this.#free = Math.max(1, count);
  }

  /** Runs `work` when its turn comes: first come, first served. It must not wait for another slot of the same kind. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    try {
      return await work();
    } finally {
      // handed on: whoever comes new must not overtake
      const next = this.#waiting.shift();
      if (next === undefined) this.#free += 1;
      else next();
    }
  }

  /** Runs `work` over the items. */
  all<T, R>(items: readonly T[], work: (item: T) => Promise<R>): Promise<R[]> {
    return Promise.all(items.map((item) => this.run(() => work(item))));
  }
}
