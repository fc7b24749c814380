/** Wakes loops that sleep: whoever waits is woken by the next ring, and a ring before the wait isn't lost. */
export class Bell {
  #rung = false;
  #waiting = new Set<() => void>();

  ring(): void {
    this.#rung = true;
    for (const wake of this.#waiting) wake();
    this.#waiting.clear();
  }

  /** Resolves at the next ring, when `sleep` resolves (it does once its signal aborts), or at once if it was rung since the last wait. */
  async wait(sleep: (signal: AbortSignal) => Promise<void>): Promise<void> {
    if (!this.#rung) {
      const enough = new AbortController();
      // a reason of one's own: the usual one is an error with its stack, costly and never looked at
      const wake = (): void => enough.abort(null);
      this.#waiting.add(wake);
      await sleep(enough.signal);
      this.#waiting.delete(wake);
    }
    this.#rung = false;
  }
}

/** Resolves once a signal is aborted. */
export function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
