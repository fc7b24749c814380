/**
 * Which trace an edit or an event belongs to, from where it was heard of to the pass that takes it up. Kept in this process alone: a
 * column of the hot tables would cost every write of those who trace nothing. What another worker takes up begins a trace of its own.
 */

export interface Trail {
  /** The span that it goes on from, as W3C writes it. */
  readonly traceparent: string;
  /** One of many that a single call brought: a link leads there, so that its trace stays readable. */
  readonly linked?: boolean;
}

interface Noted extends Trail {
  readonly atMs: number;
  readonly takers: Set<string>;
}

/** What is noted and never taken up (the save changed nothing, say) is forgotten. */
const longestMs = 600_000;
const most = 10_000;

export class Trails {
  readonly #noted = new Map<string, Noted>();

  note(subject: string, trail: Trail, nowMs: number): void {
    this.#noted.delete(subject);
    this.#noted.set(subject, { ...trail, atMs: nowMs, takers: new Set() });
    for (const oldest of this.#noted.keys()) {
      if (this.#noted.size <= most) return;
      this.#noted.delete(oldest);
    }
  }

  /** Each taker gets it once: what happens later to the same record is another story. */
  take(subject: string, taker: string, nowMs: number): Trail | undefined {
    const noted = this.#noted.get(subject);
    if (noted === undefined || noted.takers.has(taker)) return undefined;
    noted.takers.add(taker);
    return nowMs - noted.atMs > longestMs ? undefined : noted;
  }
}
