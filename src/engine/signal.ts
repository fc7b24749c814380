/** Wakes loops that sleep: whoever waits is woken by the next ring, and a ring before the wait isn't lost. */
export class Bell {
  #rung = false;
  #waiting = new Set<() => void>();

  ring(): void {
    this.#rung = true;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Resolves at the next ring, when `asleep` resolves, or at once if it was rung since the last wait. */
  async wait(sleep: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (!this.#rung) {
      const enough = new AbortController();
      await Promise.race([
        new Promise<void>((resolve) => {
          const wake = (): void => {
            this.#waiting.delete(wake);
            resolve();
          };
          this.#waiting.add(wake);
        }),
        sleep(enough.signal),
      ]);
      enough.abort();
    }
    this.#rung = false;
  }
}
