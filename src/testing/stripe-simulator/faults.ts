import { seededRandom } from './ids.js';

export const FAULT_KINDS = [
  /** The connection breaks before anything happened. */
  'drop_before',
  /** The request is applied, then the connection breaks. */
  'drop_after',
  'delay_before',
  'delay_after',
  /** 429 without having been over the limit. */
  'rate_limit',
  /** 500, nothing applied. */
  'error_before',
  /** 500 although applied. */
  'error_after',
  /** Another request holds the object: 429 (or 409). */
  'lock_timeout',
  /** The webhook arrives before the answer to the request that caused it. */
  'webhook_before_response',
  'webhook_duplicate',
  /** The webhook arrives after the next one. */
  'webhook_reorder',
  'webhook_lose',
  /** The webhook waits until releaseWebhooks(). */
  'webhook_hold',
  /** The webhook is rendered in the shape of 2023-08-16. */
  'webhook_old_version',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface FaultRule {
  kind: FaultKind;
  /** 0..1; default 1: every match. */
  rate?: number;
  /** How often it may strike; default without end. */
  times?: number;
  /** Only requests of this method (request faults). */
  method?: string;
  /** Only paths with this prefix (request faults). */
  path?: string;
  /** Only events whose type has this prefix (webhook faults). */
  eventType?: string;
  /** For the delays; default 100. */
  delayMs?: number;
  /** For lock_timeout: 429 (default) or 409. */
  status?: 409 | 429;
  /** For the 500s: whether the answer is kept for the idempotency key; default true, as Stripe does. */
  stored?: boolean;
}

/** What a fault is matched against. */
export interface FaultSubject {
  method?: string;
  path?: string;
  eventType?: string;
}

interface ActiveRule {
  rule: FaultRule;
  left: number;
}

/** Switches the simulator's misbehaviour at run time. Draws come from the seed, so a failing run can be repeated. */
export class StripeFaults {
  private rules: ActiveRule[] = [];
  private readonly struck = new Map<FaultKind, number>();
  private readonly random: () => number;
  private onRelease: () => void = () => undefined;

  constructor(seed: number) {
    this.random = seededRandom(seed, 0x5eed);
  }

  /** Adds a rule; returns how to take it away again. */
  add(rule: FaultRule): () => void {
    const rate = rule.rate ?? 1;
    if (!FAULT_KINDS.includes(rule.kind)) throw new Error(`There is no fault "${rule.kind}".`);
    if (!(rate >= 0 && rate <= 1)) throw new Error('A fault rate must be between 0 and 1.');
    const active: ActiveRule = { rule, left: rule.times ?? Infinity };
    this.rules.push(active);
    return () => {
      this.rules = this.rules.filter((other) => other !== active);
    };
  }

  /** Strikes the next match, once. */
  once(kind: FaultKind, match: Omit<FaultRule, 'kind' | 'times'> = {}): void {
    this.add({ ...match, kind, times: 1 });
  }

  /** Sets overall rates, replacing every rule of the kinds named. */
  setRates(rates: Partial<Record<FaultKind, number>>): void {
    for (const kind of FAULT_KINDS) {
      const rate = rates[kind];
      if (rate === undefined) continue;
      this.clear(kind);
      if (rate > 0) this.add({ kind, rate });
    }
  }

  /** Removes all rules, or those of one kind. Webhooks already held stay held. */
  clear(kind?: FaultKind): void {
    this.rules = kind === undefined ? [] : this.rules.filter(({ rule }) => rule.kind !== kind);
  }

  get active(): readonly FaultRule[] {
    return this.rules.map(({ rule }) => rule);
  }

  /** How often a fault has struck. */
  count(kind: FaultKind): number {
    return this.struck.get(kind) ?? 0;
  }

  /** Stops holding webhooks and lets those held go out. */
  releaseWebhooks(): void {
    this.clear('webhook_hold');
    this.onRelease();
  }

  /** Used by the simulator itself. */
  connectRelease(release: () => void): void {
    this.onRelease = release;
  }

  /** Used by the simulator itself: whether a fault strikes here. */
  strike(kind: FaultKind, subject: FaultSubject): FaultRule | undefined {
    for (const active of this.rules) {
      const { rule } = active;
      if (rule.kind !== kind || active.left <= 0 || !matches(rule, subject)) continue;
      if ((rule.rate ?? 1) < 1 && this.random() >= (rule.rate ?? 1)) continue;
      active.left -= 1;
      if (active.left <= 0) this.rules = this.rules.filter((other) => other !== active);
      this.struck.set(kind, this.count(kind) + 1);
      return rule;
    }
    return undefined;
  }

  /** A seeded draw for the small variations that are no fault of their own (Retry-After). */
  draw(): number {
    return this.random();
  }
}

function matches(rule: FaultRule, subject: FaultSubject): boolean {
  return (
    (rule.method === undefined || rule.method === subject.method) &&
    (rule.path === undefined || subject.path?.startsWith(rule.path) === true) &&
    (rule.eventType === undefined || subject.eventType?.startsWith(rule.eventType) === true)
  );
}
