/**
 * The live stream. While somebody watches, the hub is looked at a few times a second, and each page gets one frame with all that
 * is new. A page that reads slowly gets fewer frames, not more memory: what it missed is joined, and what is too much is counted.
 */
import type { AnyEvent } from '../../metrics/metrics.js';
import { historyAfter, historySince, type HistoryEntry as HistoryRow } from '../../store/dashboard.js';
import type { Syncflow } from '../../syncflow.js';
import type { Beat, HistoryEntry, Notice, Overview, Progress } from './contract.js';
import { named } from '../../engine/labels.js';
import type { Reads } from './reads.js';
import { GaugeLog, Series } from './series.js';

/** Frames of what happened: at most this often. */
const beatMs = 250;
/** How things stand is counted at most so often, and never for more than a tenth of the time. */
const overviewMs = 1_000;
const overviewShare = 10;
const heartbeatMs = 15_000;
/** Between two looks while nobody watches. */
const sampleMs = 15_000;
/** Entries of history that one look reads, and that one frame carries. */
const readAtOnce = 1_000;
const mostInFrame = 200;
/** What charts begin with. */
const chartMs = 15 * 60_000;
const mostAtFirst = 5_000;
/** Entries that a page begins with. */
const atFirst = 50;
/** Entries whose transaction may commit after that of a later one: so many ids are looked at again. */
const overlap = 200;
const mostProgress = 100;
const mostWatchers = 50;

interface Watcher {
  send(beat: Beat | undefined): void;
  end(): void;
}

export interface LiveOptions {
  readonly now?: () => number;
  /** Resolves after so many ms; for tests. */
  readonly pause?: (ms: number) => Promise<void>;
}

export class Live {
  readonly #flow: Syncflow;
  readonly #reads: Reads;
  readonly #now: () => number;
  readonly #pause: (ms: number) => Promise<void>;
  readonly #watchers = new Set<Watcher>();
  readonly #progress = new Map<string, Progress>();
  /** What somebody at the dashboard has begun, and can end. */
  readonly #begun = new Set<string>();
  readonly #gauges = new GaugeLog();
  #notices: Notice[] = [];
  #isMoving = true;
  #running = false;
  #tail: Tail | undefined;
  #overview: { readonly value: Overview; readonly text: string } | undefined;
  #overviewDueAt = 0;
  #trouble: string | null = null;

  constructor(flow: Syncflow, reads: Reads, options: LiveOptions = {}) {
    this.#flow = flow;
    this.#reads = reads;
    this.#now = options.now ?? Date.now;
    this.#pause = options.pause ?? ((ms) => new Promise((resolve) => setTimeout(resolve, ms).unref()));
    flow.observe((event) => this.#observe(event));
    void this.#sample();
  }

  /** Notes how things stand while nobody watches, as cheaply as can be: a chart then shows when it began. */
  async #sample(): Promise<void> {
    for (;;) {
      await this.#pause(sampleMs);
      const { phase } = this.#flow;
      if (phase === 'stopped') return;
      if (this.#watchers.size > 0 || phase !== 'working') continue;
      try {
        this.#gauges.add(this.#now(), gaugesOf(await this.#reads.gauges()));
      } catch {
        // a hub that can't be read leaves a gap in the chart
      }
    }
  }

  /** Says something to everybody who watches. */
  announce(notice: Notice): void {
    this.#notices = [...this.#notices, notice].slice(-20);
  }

  /** Looks at how things stand at once: somebody has just changed it. */
  touch(): void {
    this.#overviewDueAt = 0;
  }

  /** A stream of server-sent events; undefined where too many watch already. */
  watch(closing: AbortSignal | undefined): ReadableStream<Uint8Array> | undefined {
    if (this.#watchers.size >= mostWatchers) return undefined;
    let watcher: Watcher | undefined;
    const leave = (): void => {
      if (watcher !== undefined) this.#watchers.delete(watcher);
      closing?.removeEventListener('abort', end);
    };
    const end = (): void => watcher?.end();
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          watcher = watcherOf(controller, this.#first(), this.#now, leave);
          this.#watchers.add(watcher);
          if (closing?.aborted === true) end();
          else closing?.addEventListener('abort', end, { once: true });
          this.#begin();
        },
        cancel: leave,
      },
      new CountQueuingStrategy({ highWaterMark: 4 }),
    );
  }

  #first(): Beat {
    return {
      ...(this.#overview === undefined ? {} : { overview: this.#overview.value }),
      activity: this.#tail?.latest ?? [],
      points: this.#tail?.series.all() ?? [],
      progress: [...this.#progress.values()],
      trouble: this.#trouble,
    };
  }

  #begin(): void {
    if (this.#running) return;
    this.#running = true;
    void this.#run().finally(() => {
      this.#running = false;
      this.#tail = undefined;
      this.#overview = undefined;
    });
  }

  async #run(): Promise<void> {
    while (this.#watchers.size > 0) {
      const beat = await this.#beat();
      for (const watcher of this.#watchers) watcher.send(beat);
      await this.#pause(beatMs);
    }
  }

  async #beat(): Promise<Beat | undefined> {
    const notices = this.#notices.splice(0);
    const progress = [...this.#progress.values()].filter(({ at }) => Date.parse(at) >= this.#now() - beatMs * 2);
    const rest = { ...(notices.length > 0 ? { notices } : {}), ...(progress.length > 0 ? { progress } : {}) };
    try {
      const news = await this.#news();
      const overview = await this.#standing();
      const recovered = this.#trouble === null ? {} : { trouble: null };
      this.#trouble = null;
      const points = this.#tail?.series.changed() ?? [];
      const beat: Beat = {
        ...rest,
        ...recovered,
        ...(overview === undefined ? {} : { overview }),
        ...(points.length > 0 ? { points } : {}),
        ...shown(news),
      };
      return Object.keys(beat).length === 0 ? undefined : beat;
    } catch {
      // whoever runs the hub learns of it elsewhere; who watches is told that what he sees is old
      const trouble = 'The hub can’t be read at the moment: what is shown may be old.';
      const isNew = this.#trouble !== trouble;
      this.#trouble = trouble;
      return isNew || Object.keys(rest).length > 0 ? { ...rest, trouble } : undefined;
    }
  }

  /** What came to history since the last look, with names for what is shown of it. */
  async #news(): Promise<News> {
    const { db, bindings } = await this.#flow.inside();
    const newsOf = async (rows: readonly HistoryRow[]): Promise<News> => ({
      activity: await named(db, bindings, rows.slice(-mostInFrame)),
      skipped: Math.max(0, rows.length - mostInFrame),
    });
    if (this.#tail === undefined) {
      const rows = await historySince(db, chartMs, mostAtFirst);
      const tail = new Tail();
      tail.take(rows);
      for (const [at, gauges] of this.#gauges.entries()) tail.series.gauge(at, gauges);
      this.#tail = tail;
      const news = await newsOf(rows.slice(-atFirst));
      tail.keep(news.activity);
      return news;
    }
    // another process may work on the hub, too: looked at now and then, even if nothing moves here
    const isDue = this.#isMoving || this.#now() >= this.#tail.readAt + 1_000;
    if (!isDue) return { activity: [], skipped: 0 };
    this.#isMoving = false;
    this.#tail.readAt = this.#now();
    const read = await historyAfter(db, this.#tail.from, readAtOnce);
    if (read.length === readAtOnce) this.#isMoving = true;
    const { activity, skipped } = await newsOf(this.#tail.take(read));
    this.#tail.keep(activity);
    return { activity, skipped };
  }

  /** How things stand, where that has changed. */
  async #standing(): Promise<Overview | undefined> {
    const started = this.#now();
    if (started < this.#overviewDueAt) return undefined;
    const value = await this.#reads.overview();
    const ended = this.#now();
    this.#overviewDueAt = ended + Math.max(overviewMs, (ended - started) * overviewShare);
    const gauges = gaugesOf(value);
    this.#gauges.add(ended, gauges);
    this.#tail?.series.gauge(ended, gauges);
    const { now: _now, countedAt: _countedAt, ...lasting } = value;
    const text = JSON.stringify(lasting);
    if (text === this.#overview?.text) return undefined;
    this.#overview = { value, text };
    return value;
  }

  /** Somebody has begun a long run here. */
  begun(subscriber: string, kind: Progress['kind']): void {
    this.#begun.add(`${subscriber} ${kind}`);
  }

  /** A long run has ended. */
  over(subscriber: string, kind: Progress['kind']): void {
    const id = `${subscriber} ${kind}`;
    this.#begun.delete(id);
    const known = this.#progress.get(id);
    if (known !== undefined) this.#progress.set(id, { ...known, over: true, at: new Date(this.#now()).toISOString() });
  }

  #observe({ name, event }: AnyEvent): void {
    this.#isMoving = true;
    if (name === 'verified') this.over(event.subscriber, 'verify');
    if (name !== 'progress') return;
    const id = `${event.subscriber} ${event.kind}`;
    const known = this.#progress.get(id);
    const at = new Date(this.#now()).toISOString();
    const { subscriber, kind, done, total = null, phase = null } = event;
    const isSame = known?.over === false && done >= known.done && phase === known.phase;
    this.#progress.delete(id);
    const since = isSame ? known.since : at;
    const stops = this.#begun.has(id);
    this.#progress.set(id, { subscriber, kind, phase, done, total, since, at, over: false, stops });
    const [oldest] = this.#progress.keys();
    if (this.#progress.size > mostProgress && oldest !== undefined) this.#progress.delete(oldest);
  }
}

interface News {
  readonly activity: readonly HistoryEntry[];
  readonly skipped: number;
}

function shown({ activity, skipped }: News): Pick<Beat, 'activity' | 'skipped'> {
  return activity.length === 0 ? {} : { activity, ...(skipped > 0 ? { skipped } : {}) };
}

function gaugesOf({ subscribers, quotas }: Awaited<ReturnType<Reads['gauges']>>) {
  const sum = (pick: (one: (typeof subscribers)[number]) => number): number =>
    subscribers.reduce((total, one) => total + pick(one), 0);
  return {
    waiting: sum((one) => one.waiting),
    parked: sum((one) => one.parked),
    conflicts: sum((one) => one.conflicts),
    lagMs: Math.max(0, ...subscribers.map((one) => one.lagMs)),
    requests: Object.fromEntries(quotas.map(({ account, used }) => [account, used])),
  };
}

/** Reads history on as it grows. Ids are given before their transactions commit, so that the last few are looked at again. */
class Tail {
  readonly series = new Series();
  readAt = 0;
  readonly #seen = new Set<string>();
  /** What a page begins with, oldest first. */
  latest: readonly HistoryEntry[] = [];
  #newest = 0;

  get from(): string {
    return String(Math.max(0, this.#newest - overlap));
  }

  keep(entries: readonly HistoryEntry[]): void {
    if (entries.length > 0) this.latest = [...this.latest, ...entries].slice(-atFirst);
  }

  take(entries: readonly HistoryRow[]): HistoryRow[] {
    const fresh = entries.filter(({ id }) => !this.#seen.has(id));
    for (const entry of fresh) {
      this.#seen.add(entry.id);
      this.#newest = Math.max(this.#newest, Number(entry.id));
      this.series.add(entry);
    }
    if (this.#seen.size > overlap * 4)
      for (const id of this.#seen) if (Number(id) <= this.#newest - overlap) this.#seen.delete(id);
    return fresh;
  }
}

const encoder = new TextEncoder();

function watcherOf(
  controller: ReadableStreamDefaultController<Uint8Array>,
  first: Beat,
  now: () => number,
  left: () => void,
): Watcher {
  let pending: Beat | undefined = first;
  let saidAt = now();
  const write = (text: string): void => {
    saidAt = now();
    controller.enqueue(encoder.encode(text));
  };
  write('retry: 2000\n\n');
  return {
    send(beat) {
      if (beat !== undefined) pending = pending === undefined ? beat : joined(pending, beat);
      if ((controller.desiredSize ?? 0) <= 0) return; // it still reads what it was sent
      if (pending !== undefined) write(`data: ${JSON.stringify(pending)}\n\n`);
      else if (now() >= saidAt + heartbeatMs) write(': still here\n\n');
      pending = undefined;
    },
    end() {
      left();
      controller.close();
    },
  };
}

/** Two frames as one, no larger than one may be. */
export function joined(a: Beat, b: Beat): Beat {
  const activity = [...(a.activity ?? []), ...(b.activity ?? [])];
  const dropped = Math.max(0, activity.length - mostInFrame);
  const skipped = (a.skipped ?? 0) + (b.skipped ?? 0) + dropped;
  const byTime = new Map([...(a.points ?? []), ...(b.points ?? [])].map((point) => [point.at, point]));
  const progress = new Map(
    [...(a.progress ?? []), ...(b.progress ?? [])].map((one) => [`${one.subscriber} ${one.kind}`, one]),
  );
  return {
    ...a,
    ...b,
    ...(activity.length > 0 ? { activity: activity.slice(-mostInFrame) } : {}),
    ...(skipped > 0 ? { skipped } : {}),
    ...(byTime.size > 0 ? { points: [...byTime.values()] } : {}),
    ...(progress.size > 0 ? { progress: [...progress.values()] } : {}),
    ...(a.notices !== undefined || b.notices !== undefined
      ? { notices: [...(a.notices ?? []), ...(b.notices ?? [])].slice(-20) }
      : {}),
  };
}
