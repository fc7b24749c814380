/** Virtual time: it stands still while anything runs, and jumps to the next timer when everything waits. */
import type { Clock } from '../../src/engine/environment.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly wake: () => void;
}

export class VirtualTime implements Clock {
  #now: number;
  #order = 0;
  readonly #timers: Timer[] = [];
  /** Real work under way (a statement in the embedded database): time waits for it. */
  working = 0;

  constructor(start: number) {
    this.#now = start;
  }

  readonly now = (): Date => new Date(this.#now);
  get ms(): number {
    return this.#now;
  }

  readonly sleep = (ms: number, signal?: AbortSignal): Promise<void> =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const finish = (): void => {
        signal?.removeEventListener('abort', finish);
        const index = this.#timers.indexOf(timer);
        if (index >= 0) this.#timers.splice(index, 1);
        resolve();
      };
      const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, wake: finish };
      signal?.addEventListener('abort', finish);
      this.#insert(timer);
    });

  /** Lets everything run that can run now, then jumps to the next timer. False where there is none. */
  async step(): Promise<boolean> {
    await this.drain();
    const next = this.#timers[0];
    if (next === undefined) return false;
    this.#now = Math.max(this.#now, next.at);
    next.wake();
    return true;
  }

  /** Runs until the promise has settled, for so many virtual ms at most; false where that didn't suffice. */
  async until(promise: Promise<unknown>, withinMs: number): Promise<boolean> {
    const state = { settled: false };
    const note = (): void => {
      state.settled = true;
    };
    promise.then(note, note);
    const end = this.#now + withinMs;
    await this.drain();
    while (!state.settled && this.#now <= end) {
      if (!(await this.step())) break;
      await this.drain();
    }
    return state.settled;
  }

  async drain(): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve));
    while (this.working > 0);
    // what the last statement's answer set off
    await new Promise((resolve) => setImmediate(resolve));
    if (this.working > 0) await this.drain();
  }

  #insert(timer: Timer): void {
    let low = 0;
    let high = this.#timers.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      const other = this.#timers[middle] as Timer;
      if (other.at < timer.at || (other.at === timer.at && other.order < timer.order)) low = middle + 1;
      else high = middle;
    }
    this.#timers.splice(low, 0, timer);
  }
}
