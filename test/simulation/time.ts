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

  /** Runs until the promise has settled, for so many virtual ms at most; false where that didn't suffice. */
  until(promise: Promise<unknown>, withinMs: number): Promise<boolean> {
    let isSettled = false;
    const note = (): void => {
      isSettled = true;
    };
    promise.then(note, note);
    const end = this.#now + withinMs;
    return new Promise((resolve) => {
      const goOn = (): void => {
        if (this.working > 0) setImmediate(goOn);
        else if (isSettled || this.#now > end || !this.#jump()) resolve(isSettled);
        else afterAll(goOn);
      };
      afterAll(goOn);
    });
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

/** Nothing but microtasks is under way, unless real work is: a tick that is asked for in one of them comes when all are through. */
function afterAll(work: () => void): void {
  queueMicrotask(() => {
    process.nextTick(work);
  });
}

function isBefore(one: Timer, other: Timer): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
