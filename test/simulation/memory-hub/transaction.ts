/** Transactions over rows in memory: row locks, waiting, deadlocks, and undoing. */
import type { Clock } from '../../../src/engine/environment.js';

/** What the hub refuses, with Postgres's code. */
export class HubError extends Error {
  readonly code: string;
  readonly table: string | undefined;
  readonly constraint: string | undefined;

  constructor(code: string, message: string, place: { table?: string; constraint?: string } = {}) {
    super(message);
    this.code = code;
    this.table = place.table;
    this.constraint = place.constraint;
  }
}

/** Strengths of row locks, as Postgres has them. */
export const Mode = { keyShare: 0, share: 1, noKeyUpdate: 2, update: 3 } as const;
export type Mode = (typeof Mode)[keyof typeof Mode];

/** Postgres's table of conflicts, in short. */
const conflicts = (one: Mode, other: Mode): boolean => one + other >= 3;

interface Holder {
  readonly tx: Transaction;
  mode: Mode;
}

/** Something that can be locked: a row, a table, an advisory lock. */
export class Lockable {
  holders: Holder[] | undefined;
}

/** Undoes or makes final what a transaction did to a table. */
export interface Written {
  commit(): void;
  rollback(): void;
}

/** How long a wait goes on before it is looked whether it can ever end. */
const deadlockTimeoutMs = 1_000;

export class Transaction {
  readonly #clock: Clock;
  readonly #lockTimeoutMs: number | undefined;
  readonly #locked: Lockable[] = [];
  readonly #undo: Written[] = [];
  /** Set with set_config(…, true): gone when it ends. */
  readonly settings = new Map<string, string>();
  #waiters: (() => void)[] | undefined;
  #waitsFor: Transaction | undefined;
  #interrupt: ((error: Error) => void) | undefined;
  #state: 'open' | 'failed' | 'ended' = 'open';
  /** Keys of the records whose rows it wrote. */
  readonly written: string[] = [];
  /** Keys of the links that it settled, before and after. */
  readonly settled = new Set<string>();
  /** Somebody is to be rung when it commits. */
  notifies: string | undefined;

  constructor(clock: Clock, lockTimeoutMs: number | undefined) {
    this.#clock = clock;
    this.#lockTimeoutMs = lockTimeoutMs;
  }

  get state(): 'open' | 'failed' | 'ended' {
    return this.#state;
  }

  /** One of its statements failed: nothing but a rollback is left. */
  fail(): void {
    if (this.#state === 'open') this.#state = 'failed';
  }

  /** Locks at once, or returns the promise to wait for. */
  lock(target: Lockable, mode: Mode): Promise<void> | undefined {
    if (this.#blocker(target, mode) !== undefined) return this.#lockLater(target, mode);
    this.#take(target, mode);
    return undefined;
  }

  /** Locks at once, or not at all. */
  tryLock(target: Lockable, mode: Mode): boolean {
    if (this.#blocker(target, mode) !== undefined) return false;
    this.#take(target, mode);
    return true;
  }

  note(written: Written): void {
    this.#undo.push(written);
  }

  commit(): void {
    for (const one of this.#undo) one.commit();
    this.#end();
  }

  /** Also ends a wait that is under way. */
  rollback(): void {
    if (this.#state === 'ended') return;
    for (let index = this.#undo.length - 1; index >= 0; index--) this.#undo[index]?.rollback();
    this.#end();
    this.#interrupt?.(new HubError('57P01', 'the connection was ended'));
  }

  /** Until the other one has committed or rolled back. */
  async waitFor(other: Transaction): Promise<void> {
    const over = new AbortController();
    this.#waitsFor = other;
    try {
      await new Promise<void>((resolve, reject) => {
        this.#interrupt = reject;
        (other.#waiters ??= []).push(resolve);
        void this.#clock.sleep(deadlockTimeoutMs, over.signal).then(() => {
          if (!over.signal.aborted && this.#isInCycle()) reject(new HubError('40P01', 'deadlock detected'));
        });
        if (this.#lockTimeoutMs === undefined) return;
        void this.#clock.sleep(this.#lockTimeoutMs, over.signal).then(() => {
          reject(new HubError('55P03', 'canceling statement due to lock timeout'));
        });
      });
    } finally {
      this.#waitsFor = undefined;
      this.#interrupt = undefined;
      over.abort(null);
    }
  }

  #isInCycle(): boolean {
    // a cycle of others, which it waits for but isn't part of, is theirs to break
    const seen = new Set<Transaction>();
    for (let one = this.#waitsFor; one !== undefined && !seen.has(one); one = one.#waitsFor) {
      if (one === this) return true;
      seen.add(one);
    }
    return false;
  }

  #blocker(target: Lockable, mode: Mode): Transaction | undefined {
    if (target.holders === undefined) return undefined;
    for (const holder of target.holders) if (holder.tx !== this && conflicts(holder.mode, mode)) return holder.tx;
    return undefined;
  }

  #take(target: Lockable, mode: Mode): void {
    if (this.#state === 'ended') throw new HubError('57P01', 'the connection was ended');
    const { holders } = target;
    if (holders === undefined) {
      target.holders = [{ tx: this, mode }];
      this.#locked.push(target);
      return;
    }
    const own = holders.find((holder) => holder.tx === this);
    if (own === undefined) {
      holders.push({ tx: this, mode });
      this.#locked.push(target);
    } else if (own.mode < mode) own.mode = mode;
  }

  async #lockLater(target: Lockable, mode: Mode): Promise<void> {
    for (let other = this.#blocker(target, mode); other !== undefined; other = this.#blocker(target, mode))
      await this.waitFor(other);
    this.#take(target, mode);
  }

  #end(): void {
    this.#state = 'ended';
    for (const target of this.#locked) {
      const { holders } = target;
      if (holders === undefined) continue;
      if (holders.length === 1) target.holders = undefined;
      else
        holders.splice(
          holders.findIndex((holder) => holder.tx === this),
          1,
        );
    }
    const waiters = this.#waiters;
    this.#waiters = undefined;
    if (waiters !== undefined) for (const wake of waiters) wake();
  }
}
