/** What an operator can do with a running hub. One interface, whether this process holds the hub or another one does. */
import type { Discarded } from '../apply/discard.js';
import type { Resolved, ResolveRequest } from '../apply/resolution.js';
import type { HeldReport } from '../maintenance/retry.js';
import type { Syncflow } from '../syncflow.js';
import type { SyncflowEvents } from '../events.js';
import type { DoctorReport } from '../doctor/finding.js';
import type { ParkedCause } from '../explain/causes.js';
import type { Explanation } from '../explain/explanation.js';
import type { VerifyOptions, VerifyReport } from '../maintenance/verify.js';
import type { ApplyReport, PlanDecision, PlanReport } from '../first-load/first-load.js';
import type { LinkRequest, Unlinked, UnlinkRequest } from '../first-load/by-hand.js';
import type { ItemKind } from '../first-load/item.js';
import type { DescribedItem } from '../first-load/sides.js';
import type { ConflictRow, ParkedRecord, SubscriberStatus } from '../store/overview.js';

export interface ParkedFilter {
  readonly subscriber?: string | undefined;
  readonly code?: string | undefined;
  readonly id?: string | undefined;
}

export type CauseFilter = Pick<ParkedFilter, 'subscriber' | 'code'>;

export interface RetryRequest extends ParkedFilter {
  /** For one record that is parked as `unknown-create` or `delete-conflict`: it gets a new remote. */
  readonly as?: 'create' | undefined;
}

export interface DecisionRequest {
  readonly subscriber: string;
  /** Who decided, for the audit. */
  readonly by?: string | undefined;
}

export interface ReleaseRequest extends DecisionRequest {
  /** How long nothing is held, in ms; 10 minutes unless given. */
  readonly forMs?: number | undefined;
}

export interface ConflictFilter {
  readonly subscriber?: string | undefined;
  readonly key?: string | undefined;
}

export interface ExplainQuery {
  readonly catalog: string;
  /** The key's text: `["42"]`. */
  readonly key: string;
  readonly field?: string | undefined;
  readonly fetch?: boolean | undefined;
}

export interface StatusReport {
  readonly environment: string;
  /** For people; never with credentials. */
  readonly hub: string;
  /** Whether a process that works on it answered; false: the numbers come straight from the hub. */
  readonly running: boolean;
  readonly pid: number;
  readonly subscribers: readonly SubscriberStatus[];
}

export type Progress = SyncflowEvents['progress'];

export interface LongOptions {
  readonly onProgress?: (progress: Progress) => void;
  readonly signal?: AbortSignal;
}

export type VerifyRequest = LongOptions & Pick<VerifyOptions, 'repair'>;

export interface PlanRequest extends LongOptions {
  /** A catalog, or a subscriber; all of them unless given. */
  readonly target?: string | undefined;
  readonly decisions?: readonly PlanDecision[];
}

export interface PlanItemsRequest {
  readonly subscriber: string;
  readonly after?: string | undefined;
  readonly limit?: number | undefined;
  readonly kind?: ItemKind | undefined;
}

export interface ApplyRequest extends LongOptions {
  readonly target?: string | undefined;
  readonly acceptMoved?: boolean | undefined;
}

export interface Operations {
  status(): Promise<StatusReport>;
  parked(filter?: ParkedFilter): Promise<readonly ParkedRecord[]>;
  parkedCauses(filter?: CauseFilter): Promise<readonly ParkedCause[]>;
  /** How many records are tried again. */
  retry(filter?: RetryRequest): Promise<number>;
  /** What waits for `release` or `discard`: of a subscriber, of a catalog, or all. */
  held(target?: string): Promise<HeldReport>;
  /** Lets the changes go that the brake or a TRUNCATE holds; nothing is held for a while. */
  release(request: ReleaseRequest): Promise<number>;
  /** Takes them back: whoever made them gets what both sides last agreed on. */
  discard(request: DecisionRequest): Promise<Discarded>;
  /** Fetches what the remotes have to tell and waits until everything is synced or parked. */
  sync(options?: LongOptions): Promise<StatusReport>;
  /** `repair` queues what differs; `sync` carries it out. */
  verify(subscriber?: string, options?: VerifyRequest): Promise<readonly VerifyReport[]>;
  /** Puts a value of a logged conflict back, or sets another. */
  resolve(request: ResolveRequest): Promise<Resolved>;
  /** What switching on would do. Writes nothing on either side. */
  plan(request?: PlanRequest): Promise<readonly PlanReport[]>;
  /** A page of the newest plan. */
  planItems(request: PlanItemsRequest): Promise<readonly DescribedItem[]>;
  discardPlan(target?: string): Promise<number>;
  apply(request?: ApplyRequest): Promise<readonly ApplyReport[]>;
  link(request: LinkRequest): Promise<void>;
  unlink(request: UnlinkRequest): Promise<Unlinked>;
  doctor(): Promise<DoctorReport>;
  explain(query: ExplainQuery): Promise<Explanation>;
  conflicts(filter?: ConflictFilter): Promise<readonly ConflictRow[]>;
  /** A subscriber, a whole catalog by its name, or with a key one record; returns the subscribers that were meant. */
  pause(target: string, key?: string): Promise<readonly string[]>;
  resume(target: string, key?: string): Promise<readonly string[]>;
}

/** Operations on a Syncflow of this process. */
export class LocalOperations implements Operations {
  readonly #flow: Syncflow;
  readonly #running: boolean;

  /** @param running whether this process works on the hub, or only looks at it */
  constructor(flow: Syncflow, running: boolean) {
    this.#flow = flow;
    this.#running = running;
  }

  async status(): Promise<StatusReport> {
    const subscribers = await this.#flow.status();
    return {
      environment: this.#flow.environment,
      hub: this.#flow.database.description,
      running: this.#running,
      pid: process.pid,
      subscribers,
    };
  }

  async parked(filter: ParkedFilter = {}): Promise<readonly ParkedRecord[]> {
    return this.#flow.parked(given(filter));
  }

  async parkedCauses(filter: CauseFilter = {}): Promise<readonly ParkedCause[]> {
    return this.#flow.parkedCauses(given(filter));
  }

  async retry(filter: RetryRequest = {}): Promise<number> {
    return this.#flow.retry(given(filter));
  }

  async held(target?: string): Promise<HeldReport> {
    return this.#flow.held(target);
  }

  async release({ subscriber, forMs, by }: ReleaseRequest): Promise<number> {
    return this.#flow.release(subscriber, forMs, by);
  }

  async discard({ subscriber, by }: DecisionRequest): Promise<Discarded> {
    return this.#flow.discard(subscriber, by);
  }

  async sync({ onProgress, signal }: LongOptions = {}): Promise<StatusReport> {
    const stop = onProgress === undefined ? undefined : this.#flow.on('progress', onProgress);
    try {
      await orAborted(this.#flow.sync(), signal);
    } finally {
      stop?.();
    }
    return this.status();
  }

  async verify(subscriber?: string, { onProgress, ...options }: VerifyRequest = {}): Promise<readonly VerifyReport[]> {
    const stop = this.#flow.on('progress', (progress) => {
      if (progress.kind === 'verify') onProgress?.(progress);
    });
    try {
      return await orAborted(this.#flow.verify(subscriber, options), options.signal);
    } finally {
      stop();
    }
  }

  async resolve(request: ResolveRequest): Promise<Resolved> {
    return this.#flow.resolveConflict(request);
  }

  async plan({ target, onProgress, ...options }: PlanRequest = {}): Promise<readonly PlanReport[]> {
    return this.#telling('plan', onProgress, () => orAborted(this.#flow.plan(target, options), options.signal));
  }

  async planItems({ subscriber, ...page }: PlanItemsRequest): Promise<readonly DescribedItem[]> {
    return this.#flow.planItems(subscriber, given(page));
  }

  async discardPlan(target?: string): Promise<number> {
    return this.#flow.discardPlan(target);
  }

  async apply({ target, onProgress, ...options }: ApplyRequest = {}): Promise<readonly ApplyReport[]> {
    return this.#telling('apply', onProgress, () =>
      orAborted(this.#flow.apply(target, given(options)), options.signal),
    );
  }

  async link(request: LinkRequest): Promise<void> {
    return this.#flow.link(request);
  }

  async unlink(request: UnlinkRequest): Promise<Unlinked> {
    return this.#flow.unlink(request);
  }

  async #telling<T>(kind: Progress['kind'], onProgress: LongOptions['onProgress'], work: () => Promise<T>): Promise<T> {
    const stop = this.#flow.on('progress', (progress) => {
      if (progress.kind === kind) onProgress?.(progress);
    });
    try {
      return await work();
    } finally {
      stop();
    }
  }

  async doctor(): Promise<DoctorReport> {
    return this.#flow.doctor();
  }

  async explain({ catalog, key, ...options }: ExplainQuery): Promise<Explanation> {
    return this.#flow.explain(catalog, key, given(options));
  }

  async conflicts(filter: ConflictFilter = {}): Promise<readonly ConflictRow[]> {
    return this.#flow.conflicts(given(filter));
  }

  async pause(target: string, key?: string): Promise<readonly string[]> {
    return this.#flow.pause(target, key);
  }

  async resume(target: string, key?: string): Promise<readonly string[]> {
    return this.#flow.resume(target, key);
  }
}

/** Without the keys whose value is undefined. */
function given<T extends object>(filter: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(filter).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** Stops waiting when the signal aborts; the work itself goes on until whoever owns it stops. */
async function orAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  work.catch(() => undefined);
  let stop: (() => void) | undefined;
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
    signal.addEventListener('abort', stop);
  });
  try {
    return await Promise.race([work, aborted]);
  } finally {
    if (stop !== undefined) signal.removeEventListener('abort', stop);
  }
}
