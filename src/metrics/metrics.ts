/** Prometheus metrics of one Syncflow. Labels are names of subscribers, codes and operations: never keys, reasons or values. */
import { Counter, Gauge, Registry } from 'prom-client';
import type { SyncflowEvents } from '../events.js';
import type { Measurements } from './measure.js';

/** What metrics need of a Syncflow. */
export interface Measured {
  /** Every event; who observes is no listener, so that errors that nobody listens to are still warned of. */
  observe(observer: (event: AnyEvent) => void): void;
  measure(): Promise<Measurements>;
}

export type AnyEvent = {
  [N in keyof SyncflowEvents]: { readonly name: N; readonly event: SyncflowEvents[N] };
}[keyof SyncflowEvents];

export interface MetricDefinition {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly labelNames: readonly string[];
}

export class Metrics {
  readonly #registry = new Registry();
  readonly #source: Measured;
  readonly #count: (event: AnyEvent) => void;
  readonly #show: (measured: Measurements) => void;
  #scraping: Promise<string> | undefined;

  /** Counters count from now on. */
  constructor(source: Measured) {
    this.#source = source;
    this.#count = counters(this.#registry);
    this.#show = gauges(this.#registry);
    source.observe((event) => this.#count(event));
  }

  get contentType(): string {
    return this.#registry.contentType;
  }

  /** What there is to scrape, for the reference. */
  get definitions(): readonly MetricDefinition[] {
    return this.#registry.getMetricsAsArray().map((metric) => {
      const { name, help, labelNames } = metric as unknown as Omit<MetricDefinition, 'type'>;
      return { name, help, labelNames, type: metric instanceof Counter ? 'counter' : 'gauge' };
    });
  }

  /** In the exposition format. However many ask at once, the hub is asked once. */
  scrape(): Promise<string> {
    this.#scraping ??= this.#read().finally(() => (this.#scraping = undefined));
    return this.#scraping;
  }

  async #read(): Promise<string> {
    this.#show(await this.#source.measure());
    return this.#registry.metrics();
  }
}

function counters(registry: Registry): (event: AnyEvent) => void {
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]): Counter<L> =>
    new Counter({ name: `syncflow_${name}_total`, help, labelNames, registers: [registry] });
  const pushed = counter('pushed', 'Remotes created, updated or deleted', ['subscriber', 'operation']);
  const applied = counter('applied', 'Records that inward sync created, updated or deleted', [
    'subscriber',
    'operation',
  ]);
  const linked = counter('linked', 'Records and remotes that were paired', ['subscriber']);
  const conflicts = counter('conflicts', 'Units that both sides had changed', ['subscriber', 'winner']);
  const parked = counter('parked', 'Records that were set aside', ['subscriber', 'code']);
  const healed = counter('healed', 'Parked or failing records in agreement again', ['subscriber']);
  const retries = counter('retries', 'Attempts that failed or must wait, and are made again', ['subscriber']);
  const blocked = counter('blocked', 'Times a whole subscriber was held: credentials or quota', ['subscriber']);
  const routed = counter('routed', 'Hints that became due links', ['kind']);
  const errors = counter('errors', 'Failures of the engine itself', []);
  const watching = watchCounters(registry);
  errors.inc(0);
  return ({ name, event }) => {
    switch (name) {
      case 'pushed': {
        pushed.inc({ subscriber: event.subscriber, operation: event.operation });
        return;
      }
      case 'applied': {
        applied.inc({ subscriber: event.subscriber, operation: event.operation });
        return;
      }
      case 'linked': {
        linked.inc({ subscriber: event.subscriber });
        return;
      }
      case 'conflict': {
        conflicts.inc({ subscriber: event.subscriber, winner: event.winner });
        return;
      }
      case 'parked': {
        parked.inc({ subscriber: event.subscriber, code: event.code });
        return;
      }
      case 'healed': {
        healed.inc({ subscriber: event.subscriber });
        return;
      }
      case 'retried': {
        retries.inc({ subscriber: event.subscriber });
        return;
      }
      case 'blocked': {
        blocked.inc({ subscriber: event.subscriber });
        return;
      }
      case 'routed':
        routed.inc({ kind: 'mark' }, event.marks);
        {
          routed.inc({ kind: 'event' }, event.events);
          return;
        }
      case 'error': {
        errors.inc();
        return;
      }
      case 'held':
      case 'decided':
      case 'verified':
      case 'retention': {
        watching({ name, event } as AnyEvent);
        return;
      }
      case 'progress':
        return undefined;
    }
  };
}

/** Of what watches over the road. */
function watchCounters(registry: Registry): (event: AnyEvent) => void {
  const registers = [registry];
  const sweeps = new Counter({
    name: 'syncflow_verified_total',
    help: 'Whole comparisons that ended',
    labelNames: ['subscriber'],
    registers,
  });
  const alarms = new Counter({
    name: 'syncflow_retention_alarms_total',
    help: 'Alarms that a system forgets unread events',
    labelNames: ['subscriber', 'level'],
    registers,
  });
  const held = new Counter({
    name: 'syncflow_held_total',
    help: 'Changes that the brake held',
    labelNames: ['subscriber', 'direction', 'operation'],
    registers,
  });
  const decided = new Counter({
    name: 'syncflow_decided_total',
    help: 'Held changes that were released or discarded',
    labelNames: ['subscriber', 'decision'],
    registers,
  });
  return ({ name, event }) => {
    if (name === 'held') {
      const { subscriber, direction, operation } = event;
      held.inc({ subscriber, direction, operation }, event.count);
    }
    if (name === 'decided') decided.inc({ subscriber: event.subscriber, decision: event.decision }, event.count);
    if (name === 'verified') sweeps.inc({ subscriber: event.subscriber });
    if (name === 'retention') alarms.inc({ subscriber: event.subscriber, level: event.level });
  };
}

function gauges(registry: Registry): (measured: Measurements) => void {
  const gauge = <L extends string>(name: string, help: string, labelNames: readonly L[]): Gauge<L> =>
    new Gauge({ name: `syncflow_${name}`, help, labelNames, registers: [registry] });
  const records = gauge('links', 'Links by where they stand', ['subscriber', 'state']);
  const lag = gauge('lag_seconds', 'Age of the oldest thing that is due', ['subscriber']);
  const conflicts = gauge('open_conflicts', 'Logged conflicts that nobody has decided about', ['subscriber']);
  const parked = gauge('parked_records', 'Records set aside, by code', ['subscriber', 'code']);
  const standing = gauge('subscriber_stopped', '1 while it is paused, held (credentials or quota), or not heard from', [
    'subscriber',
    'why',
  ]);
  const waiting = gauge('hints_waiting', 'Hints that no worker has routed', ['kind']);
  const oldest = gauge('hints_oldest_seconds', 'Age of the oldest hint that no worker has routed', ['kind']);
  const unread = gauge('changes_read_seconds', 'Time since changes were last read to their end', ['subscriber']);
  const open = gauge('open_writes_old', 'Remote writes without an answer for more than an hour', []);
  return ({ subscribers, parked: codes, feeds, backlog }) => {
    // what is parked no more must not stay at its last number
    parked.reset();
    for (const one of subscribers) {
      const { subscriber } = one;
      const states = {
        in_agreement: one.inAgreement,
        waiting: one.waiting,
        parked: one.parked,
        excluded: one.excluded,
        tombstone: one.tombstones,
      };
      for (const [state, count] of Object.entries(states)) records.set({ subscriber, state }, count);
      lag.set({ subscriber }, one.lagMs / 1_000);
      conflicts.set({ subscriber }, one.conflicts);
    }
    for (const { subscriber, code, count } of codes) parked.set({ subscriber, code }, count);
    for (const { subscriber, paused, held, deaf, cursorAgeMs } of feeds) {
      if (cursorAgeMs !== null) unread.set({ subscriber }, cursorAgeMs / 1_000);
      const reasons = { paused, held, deaf: deaf !== null };
      for (const [why, is] of Object.entries(reasons)) standing.set({ subscriber, why }, Number(is));
    }
    if (backlog === undefined) return;
    waiting.set({ kind: 'mark' }, backlog.marks);
    waiting.set({ kind: 'event' }, backlog.events);
    oldest.set({ kind: 'mark' }, backlog.oldestMarkMs / 1_000);
    oldest.set({ kind: 'event' }, backlog.oldestEventMs / 1_000);
    open.set(backlog.oldIntents);
  };
}
