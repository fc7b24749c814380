/** The live stream as a store: frames are taken in as they come, and shown once per animation frame. */
import { useSyncExternalStore } from 'react';
import type { Beat, HistoryEntry, Notice, Overview, Point, Progress } from '../../../src/server/dashboard/contract.js';

/** Entries of the feed that are kept in memory. */
const kept = 500;
const keptPoints = 180;

export interface LiveState {
  readonly connected: boolean;
  readonly overview: Overview | undefined;
  /** Newest first. */
  readonly activity: readonly HistoryEntry[];
  /** Changes that the stream left out because there were too many. */
  readonly skipped: number;
  /** Oldest first. */
  readonly points: readonly Point[];
  readonly progress: readonly Progress[];
  readonly notices: readonly Notice[];
  readonly trouble: string | null;
}

type Arrived = (entries: readonly HistoryEntry[]) => void;

const empty: LiveState = {
  connected: false,
  overview: undefined,
  activity: [],
  skipped: 0,
  points: [],
  progress: [],
  notices: [],
  trouble: null,
};

class LiveStore {
  #state = empty;
  #source: EventSource | undefined;
  #pending: Beat[] = [];
  #isAsked = false;
  readonly #listeners = new Set<() => void>();
  readonly #arrivals = new Set<Arrived>();

  open(): void {
    if (this.#source !== undefined) return;
    const source = new EventSource('api/events');
    this.#source = source;
    source.onopen = () => this.#set({ ...this.#state, connected: true });
    source.onerror = () => this.#set({ ...this.#state, connected: false });
    source.onmessage = ({ data }: MessageEvent<string>) => this.#take(JSON.parse(data) as Beat);
  }

  close(): void {
    this.#source?.close();
    this.#source = undefined;
    this.#set(empty);
  }

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** Calls back with what has just happened, for the picture. */
  onArrival(call: Arrived): () => void {
    this.#arrivals.add(call);
    return () => this.#arrivals.delete(call);
  }

  readonly state = (): LiveState => this.#state;

  #take(beat: Beat): void {
    this.#pending.push(beat);
    if (this.#isAsked) return;
    this.#isAsked = true;
    // a page in the background gets no frames: it must not pile up what comes
    const show = (): void => {
      this.#isAsked = false;
      const beats = this.#pending.splice(0);
      this.#set(beats.reduce(after, this.#state));
      const fresh = beats.flatMap((one) => one.activity ?? []);
      if (fresh.length > 0 && !document.hidden) for (const call of this.#arrivals) call(fresh);
    };
    if (document.hidden) setTimeout(show, 1_000);
    else requestAnimationFrame(show);
  }

  #set(state: LiveState): void {
    this.#state = state;
    for (const listener of this.#listeners) listener();
  }
}

function after(state: LiveState, beat: Beat): LiveState {
  return {
    connected: true,
    overview: beat.overview ?? state.overview,
    activity:
      beat.activity === undefined ? state.activity : newestFirst(beat.activity, state.activity),
    skipped: state.skipped + (beat.skipped ?? 0),
    points: beat.points === undefined ? state.points : merged(state.points, beat.points),
    progress: beat.progress === undefined ? state.progress : progressAfter(state.progress, beat.progress),
    notices: beat.notices === undefined ? state.notices : [...state.notices, ...beat.notices].slice(-20),
    trouble: beat.trouble === undefined ? state.trouble : beat.trouble,
  };
}

function newestFirst(fresh: readonly HistoryEntry[], known: readonly HistoryEntry[]): HistoryEntry[] {
  const ids = new Set(fresh.map(({ id }) => id));
  // after a reconnection some come again
  return [...fresh.toReversed(), ...known.filter(({ id }) => !ids.has(id))].slice(0, kept);
}

function merged(known: readonly Point[], fresh: readonly Point[]): Point[] {
  const byTime = new Map([...known, ...fresh].map((point) => [point.at, point]));
  return [...byTime.values()].sort((a, b) => a.at - b.at).slice(-keptPoints);
}

function progressAfter(known: readonly Progress[], fresh: readonly Progress[]): Progress[] {
  const id = (one: Progress): string => `${one.subscriber} ${one.kind}`;
  return [...new Map([...known, ...fresh].map((one) => [id(one), one])).values()];
}

export const live = new LiveStore();

/** A part of the live state; the component is drawn again only when that part has changed. */
export function useLive<T>(pick: (state: LiveState) => T): T {
  return useSyncExternalStore(live.subscribe, () => pick(live.state()));
}
