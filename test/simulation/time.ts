/** Virtual time: it stands still while anything runs, and jumps to the next timer when everything waits. */
import type { Clock } from '../../src/engine/environment.js';

interface Timer {
  readonly at: number;
  readonly order: number;
  wake: () => void;
}

const nothing = (): void => undefined;

export class VirtualTime implements Clock {
  #now: number;
  #order = 0;
  /** A binary heap: the next timer first. Ended ones stay in it, and wake nobody. */
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
      const timer: Timer = { at: this.#now + Math.max(0, ms), order: this.#order++, wake: resolve };
      if (signal !== undefined) {
        const finish = (): void => {
          timer.wake = nothing;
          signal.removeEventListener('abort', finish);
          resolve();
        };
        timer.wake = finish;
        signal.addEventListener('abort', finish);
      }
      this.#push(timer);
    });

  readonly turn = (): Promise<void> => this.sleep(0);

  /** Lets everything run that can run now, then jumps to the next timer. False where there is none. */
  async step(): Promise<boolean> {
    await this.drain();
    return this.#jump();
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
      if (!this.#jump()) break;
      await this.drain();
    }
    return state.settled;
  }

  /** Nothing but microtasks is under way, unless real work is: a tick comes when they are through. */
  async drain(): Promise<void> {
    await new Promise((resolve) => process.nextTick(resolve));
    while (this.working > 0) await new Promise((resolve) => setImmediate(resolve));
  }

  #jump(): boolean {
    let next = this.#pop();
    while (next !== undefined && next.wake === nothing) next = this.#pop();
    if (next === undefined) return false;
    this.#now = Math.max(this.#now, next.at);
    next.wake();
    return true;
  }

  #push(timer: Timer): void {
    const heap = this.#timers;
    let at = heap.length;
    heap.push(timer);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      const other = heap[parent] as Timer;
      if (!isBefore(timer, other)) break;
      heap[at] = other;
      at = parent;
    }
    heap[at] = timer;
  }

  #pop(): Timer | undefined {
    const heap = this.#timers;
    const first = heap[0];
    const last = heap.pop();
    if (first === undefined || last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Timer, heap[child] as Timer)) child += 1;
      const other = heap[child] as Timer;
      if (!isBefore(other, last)) break;
      heap[at] = other;
      at = child;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
