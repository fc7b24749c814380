/** Time series for the charts: a ring of buckets of some seconds each, for a quarter of an hour. Pure. */
import type { HistoryEvent } from '../../store/history.js';
import type { HistoryEntry } from '../../store/dashboard.js';

export const bucketMs = 5_000;
const kept = 180;
/** Durations that a bucket keeps for its quantiles. */
const sampled = 500;

/** A bucket. `at`: its start, ms since 1970. Durations in ms; null: nothing was measured. */
export interface Point {
  readonly at: number;
  readonly outward: number;
  readonly inward: number;
  readonly parkings: number;
  readonly outwardMs: Quantiles | null;
  readonly inwardMs: Quantiles | null;
  readonly gauges: Gauges | null;
}

export interface Quantiles {
  readonly p50: number;
  readonly p95: number;
}

/** How things stood, for as long as a chart shows: kept while nobody watches, too, so that who opens it sees when it began. */
export class GaugeLog {
  readonly #seen = new Map<number, Gauges>();

  add(atMs: number, gauges: Gauges): void {
    const at = Math.floor(atMs / bucketMs) * bucketMs;
    this.#seen.delete(at);
    this.#seen.set(at, gauges);
    for (const old of this.#seen.keys()) if (old <= at - kept * bucketMs) this.#seen.delete(old);
  }

  /** Oldest first. */
  entries(): readonly (readonly [number, Gauges])[] {
    return [...this.#seen].sort(([one], [other]) => one - other);
  }
}

/** How things stood when they were last looked at. */
export interface Gauges {
  readonly waiting: number;
  readonly parked: number;
  readonly conflicts: number;
  readonly lagMs: number;
  /** Requests a second that each account makes; by its name. */
  readonly requests: Readonly<Record<string, number>>;
}

interface Bucket {
  readonly at: number;
  readonly counts: { outward: number; inward: number; parkings: number };
  readonly took: { readonly outward: number[]; readonly inward: number[] };
  gauges: Gauges | null;
}

const outward: ReadonlySet<HistoryEvent> = new Set<HistoryEvent>(['created', 'updated', 'deleted']);
const inward: ReadonlySet<HistoryEvent> = new Set<HistoryEvent>(['record-created', 'record-updated', 'record-deleted']);

export class Series {
  readonly #buckets = new Map<number, Bucket>();
  readonly #touched = new Set<number>();

  add(entry: Pick<HistoryEntry, 'at' | 'event' | 'tookMs'>): void {
    const bucket = this.#bucket(Date.parse(entry.at));
    if (bucket === undefined) return;
    if (entry.event === 'parked') bucket.counts.parkings += 1;
    const direction = outward.has(entry.event) ? 'outward' : inward.has(entry.event) ? 'inward' : undefined;
    if (direction === undefined) return;
    bucket.counts[direction] += 1;
    const took = bucket.took[direction];
    if (entry.tookMs !== null && entry.tookMs >= 0 && took.length < sampled) took.push(entry.tookMs);
  }

  gauge(atMs: number, gauges: Gauges): void {
    const bucket = this.#bucket(atMs);
    if (bucket !== undefined) bucket.gauges = gauges;
  }

  /** Every point, oldest first. */
  all(): Point[] {
    return [...this.#buckets.values()].map(pointOf);
  }

  /** The points that changed since this was last asked, oldest first. */
  changed(): Point[] {
    const points = [...this.#touched].sort((a, b) => a - b).flatMap((at) => this.#buckets.get(at) ?? []);
    this.#touched.clear();
    return points.map(pointOf);
  }

  #bucket(atMs: number): Bucket | undefined {
    const at = Math.floor(atMs / bucketMs) * bucketMs;
    const newest = [...this.#buckets.keys()].at(-1) ?? at;
    if (at <= newest - kept * bucketMs || !Number.isFinite(at)) return undefined;
    const known = this.#buckets.get(at);
    this.#touched.add(at);
    if (known !== undefined) return known;
    const made: Bucket = {
      at,
      counts: { outward: 0, inward: 0, parkings: 0 },
      took: { outward: [], inward: [] },
      gauges: null,
    };
    this.#insert(made);
    return made;
  }

  /** In order of time, and no more than are kept. */
  #insert(made: Bucket): void {
    const later = [...this.#buckets.values()].filter((one) => one.at > made.at);
    for (const { at } of later) this.#buckets.delete(at);
    for (const one of [made, ...later]) this.#buckets.set(one.at, one);
    const oldest = Math.max(...this.#buckets.keys()) - kept * bucketMs;
    for (const at of this.#buckets.keys()) if (at <= oldest) this.#buckets.delete(at);
  }
}

function pointOf({ at, counts, took, gauges }: Bucket): Point {
  return { at, ...counts, outwardMs: quantilesOf(took.outward), inwardMs: quantilesOf(took.inward), gauges };
}

export function quantilesOf(values: readonly number[]): Quantiles | null {
  if (values.length === 0) return null;
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { p50: at(0.5), p95: at(0.95) };
}
