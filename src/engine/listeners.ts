/** Who hears of events. */
import type { SyncflowEvents } from '../events.js';
import type { AnyEvent } from '../metrics/metrics.js';

type Listener<E> = (event: E) => void;

export class Listeners {
  readonly #listeners = new Map<string, Set<Listener<never>>>();
  readonly #observers = new Set<(event: AnyEvent) => void>();

  /** Returns a function that stops it. */
  on<N extends keyof SyncflowEvents>(name: N, listener: (event: SyncflowEvents[N]) => void): () => void {
    const listeners = this.#listeners.get(name) ?? new Set();
    listeners.add(listener);
    this.#listeners.set(name, listeners);
    return () => listeners.delete(listener);
  }

  /** Every event: an observer is no listener. */
  observe(observer: (event: AnyEvent) => void): void {
    this.#observers.add(observer);
  }

  /** An error that nobody listens to is a warning of the process. */
  emit<N extends keyof SyncflowEvents>(name: N, event: SyncflowEvents[N]): void {
    for (const observer of this.#observers) observer({ name, event } as AnyEvent);
    for (const listener of this.#listeners.get(name) ?? []) (listener as Listener<SyncflowEvents[N]>)(event);
    if (name === 'error' && (this.#listeners.get('error')?.size ?? 0) === 0)
      process.emitWarning(String((event as SyncflowEvents['error']).error));
  }
}
