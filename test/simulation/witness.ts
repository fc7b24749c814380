/** Looks on while it happens: what the end of a world no longer shows. */
import type { Violation } from './invariants.js';
import type { Scene } from './scene.js';
import type { Say } from './invariants.js';

/** Of the process that makes a call. */
export interface Caller {
  readonly dead: boolean;
  /** When it last was stopped, or couldn't reach the hub, in virtual ms: whoever has had trouble may have lost a lease. */
  readonly troubledAt: number;
}

interface Call {
  readonly caller: Caller;
  readonly what: string;
  readonly at: number;
}

/** Somebody's commit, as the hub in memory saw it. */
export interface InwardCommit {
  readonly origin: string;
  /** Keys of the rows that were written. */
  readonly written: readonly string[];
  /** Keys of its links that were settled, before and after. */
  readonly settled: ReadonlySet<string>;
}

/** The end of a world. */
interface Seen {
  readonly scene: Scene;
  readonly started: number;
  /** Values that remotes set back by rules of their own. */
  readonly rules: readonly string[];
}

/** Trouble that is so long ago has been got over: longer than any pass. In virtual ms. */
const forgottenMs = 20_000;
/** Of each kind. */
const most = 3;

export class Witness {
  readonly #violations: Violation[] = [];
  readonly #now: () => number;
  /** Writes under way, by what they write. */
  readonly #calls = new Map<string, Set<Call>>();
  readonly #bodies = new Map<string, string>();
  readonly #sent: {
    readonly remote: string;
    readonly what: string;
    readonly idempotencyKey: string;
    readonly at: number;
  }[] = [];
  /** `subscriber event`: deliveries that were answered with 2xx. */
  readonly #acknowledged = new Set<string>();

  constructor(now: () => number) {
    this.#now = now;
  }

  say(invariant: string, what: string, code?: string): void {
    if (this.#violations.filter((one) => one.invariant === invariant).length >= most) return;
    this.#violations.push({ invariant, what: `${what}, at ${this.#now()}`, ...(code === undefined ? {} : { code }) });
  }

  /** A write sets out. Returns what to call when it is over. I16: nobody else who is well is writing the same. */
  begins(target: string, what: string, caller: Caller): () => void {
    const now = this.#now();
    const calls = this.#calls.get(target) ?? new Set<Call>();
    this.#calls.set(target, calls);
    const isWell = (one: Caller): boolean => !one.dead && one.troubledAt < now - forgottenMs;
    for (const other of calls)
      if (isWell(caller) && isWell(other.caller))
        this.say('I16', `two at once write ${target}: ${other.what} since ${other.at}, ${what}`);
    const call = { caller, what, at: now };
    calls.add(call);
    return () => {
      calls.delete(call);
    };
  }

  /** I17: what is sent under an idempotency key is always the same. */
  sends(remote: string, what: string, idempotencyKey: string, body: unknown): void {
    const text = JSON.stringify(body);
    const before = this.#bodies.get(idempotencyKey);
    if (before !== undefined && before !== text)
      this.say('I17', `${what} was sent to ${remote} with another body the second time: ${before} and ${text}`);
    this.#bodies.set(idempotencyKey, text);
    if (before === undefined) this.#sent.push({ remote, what, idempotencyKey, at: this.#now() });
  }

  acknowledges(subscriber: string, event: string): void {
    this.#acknowledged.add(`${subscriber} ${event}`);
  }

  /** I18: what inward sync writes, and the settling of its link, are one transaction. */
  readonly commits = ({ origin, written, settled }: InwardCommit): void => {
    for (const key of written)
      if (!settled.has(key)) this.say('I18', `${origin} wrote ${key} without settling its link`);
  };

  /** What was seen, and what the end shows of it. */
  report({ scene, started, rules }: Seen, say: Say): void {
    for (const { invariant, what, code } of this.#violations) say(invariant, what, code);
    for (const { remote, what, idempotencyKey, at } of this.#sent) {
      const plannedAt = scene.plannedAt.get(idempotencyKey);
      if (plannedAt === undefined || plannedAt - started > at)
        say('I17', `${what} was sent to ${remote} before its intent was durable, at ${at}`);
    }
    const known = new Set(scene.events.map(({ subscriber, event_id }) => `${subscriber} ${event_id}`));
    for (const event of this.#acknowledged)
      if (!known.has(event)) say('I20', `${event} was acknowledged, and isn't in the inbox`);
    const logged = new Set<string>();
    for (const text of scene.conflicts) {
      // two that undo each other do so again and again
      if (rules.some((token) => new RegExp(`"${token}\\s*"`, 'i').test(text))) continue;
      if (logged.has(text)) say('I21', `a conflict is logged twice: ${text}`);
      logged.add(text);
    }
  }
}
