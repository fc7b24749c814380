/** How fast something goes, and when it will be done. */
import type { Clock } from '../engine/environment.js';
import type { SyncflowEvents } from '../events.js';

export type Phase = 'listing' | 'comparing' | 'records' | 'queueing' | 'applying';

type Tell = (progress: SyncflowEvents['progress']) => void;

export class Pace {
  readonly #clock: Clock;
  readonly #subscriber: string;
  readonly #kind: 'plan' | 'apply';
  readonly #tell: Tell;
  #phase: Phase | undefined;
  #startedMs = 0;

  constructor(clock: Clock, subscriber: string, kind: 'plan' | 'apply', tell: Tell) {
    this.#clock = clock;
    this.#subscriber = subscriber;
    this.#kind = kind;
    this.#tell = tell;
  }

  tell(phase: Phase, done: number, total: number | undefined, quota?: number): void {
    const now = this.#clock.now().getTime();
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#startedMs = now;
    }
    const elapsedMs = now - this.#startedMs;
    const perSecond = elapsedMs > 0 ? (done / elapsedMs) * 1_000 : undefined;
    const etaMs =
      perSecond === undefined || perSecond === 0 || total === undefined
        ? undefined
        : ((total - done) / perSecond) * 1_000;
    this.#tell({
      subscriber: this.#subscriber,
      kind: this.#kind,
      phase,
      done,
      total,
      ...(perSecond === undefined ? {} : { perSecond: Math.round(perSecond) }),
      ...(etaMs === undefined ? {} : { etaMs: Math.round(etaMs) }),
      ...(quota === undefined ? {} : { quotaRemaining: quota }),
    });
  }
}
