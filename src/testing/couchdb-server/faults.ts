import type { CouchRequest } from './request.js';

/** What goes wrong. */
export type CouchFaultKind =
  /** The connection is cut before anything is applied. */
  | { readonly kind: 'drop-before' }
  /** The request is applied, and the connection is cut instead of answering. */
  | { readonly kind: 'drop-after' }
  /** The request is applied, and the connection is cut in the middle of the answer, after its status and headers. */
  | { readonly kind: 'cut-answer' }
  /** The request waits, for `ms` or until a promise settles, and is then handled as usual (or by the next fault). */
  | { readonly kind: 'delay'; readonly ms: number }
  | { readonly kind: 'delay'; readonly until: Promise<unknown> }
  /** Answers 500 (or another 5xx), and applies nothing. */
  | { readonly kind: 'server-error'; readonly status?: number }
  /** Answers 429 with `Retry-After` in seconds (default 1), and applies nothing. */
  | { readonly kind: 'rate-limit'; readonly retryAfter?: number }
  /**
   * Answers a write with 409 as if another writer had been faster, and doesn't apply it. In `_bulk_docs` only the rows
   * of `ids` are refused (default: all of them), the others are applied, and the answer is a 201 as CouchDB's is.
   */
  | { readonly kind: 'conflict'; readonly ids?: readonly string[] };

/** Which requests, and how many of them. */
export interface CouchFaultScope {
  /** How many requests it hits; default 1. `Infinity` lasts until it is removed. */
  readonly times?: number;
  /** Which requests it hits; default all (for 'conflict': writes only). */
  readonly when?: (request: CouchRequest) => boolean;
}

export type CouchFault = CouchFaultKind & CouchFaultScope;

/**
 * The faults that a server is told to have, switched while it runs. When several fit a request, delays are served in
 * the order in which they were injected, up to the first fault that decides the answer.
 */
export class CouchFaults {
  #entries: { readonly fault: CouchFault; left: number }[] = [];

  /** Adds a fault; the returned function takes it away again. */
  inject(fault: CouchFault): () => void {
    const entry = { fault, left: fault.times ?? 1 };
    this.#entries.push(entry);
    return () => {
      this.#entries = this.#entries.filter((other) => other !== entry);
    };
  }

  /** Takes all faults away. */
  clear(): void {
    this.#entries = [];
  }

  /** The faults that have yet to hit. */
  get pending(): readonly CouchFault[] {
    return this.#entries.map((entry) => entry.fault);
  }

  /** The faults that hit this request: any delays, then at most one that decides the answer. Uses them up. */
  take(request: CouchRequest): readonly CouchFault[] {
    const taken: CouchFault[] = [];
    for (const entry of this.#entries) {
      if (entry.left <= 0 || !applies(entry.fault, request)) continue;
      entry.left -= 1;
      taken.push(entry.fault);
      if (entry.fault.kind !== 'delay') break;
    }
    this.#entries = this.#entries.filter((entry) => entry.left > 0);
    return taken;
  }
}

function applies(fault: CouchFault, request: CouchRequest): boolean {
  if (fault.kind === 'conflict' && !isRefusable(fault.ids, request)) return false;
  return fault.when === undefined || fault.when(request);
}

function isRefusable(ids: readonly string[] | undefined, request: CouchRequest): boolean {
  if (!request.writes) return false;
  return ids === undefined || request.id === undefined || ids.includes(request.id);
}
