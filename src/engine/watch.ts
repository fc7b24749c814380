/** Loops that watch over the others: whole comparisons by the clock, and events that a system will forget. */
import { cursorName } from '../inward/poll.js';
import { ReadFailure } from '../inward/reading.js';
import { keptMs, retentionLevel, type RetentionLevel } from '../inward/retention.js';
import { sweepWhenDue } from '../maintenance/sweep.js';
import { retryDelayMs } from '../outward/retry.js';
import { cursorAgeMs } from '../store/inbox.js';
import type { VerifySchedule } from '../subscriber/policy.js';
import type { Binding } from './binding.js';
import type { Environment } from './environment.js';

/** Compares a subscriber every so often. `queued`: a repair has left something to route. */
export async function sweepLoop(
  env: Environment,
  binding: Binding,
  schedule: VerifySchedule,
  signal: AbortSignal,
  queued: () => void,
): Promise<void> {
  const isOver = (): boolean => signal.aborted;
  let failures = 0;
  while (!isOver()) {
    try {
      const waitMs = await sweepWhenDue(env, binding, schedule, signal);
      failures = 0;
      queued();
      await env.clock.sleep(waitMs, signal);
    } catch (error) {
      if (isOver()) return;
      if (!(error instanceof ReadFailure)) throw error;
      failures += 1;
      // it goes on at the page where it stopped
      const waitMs = retryDelayMs(failures, error.afterMs, env.retry, env.random);
      env.emit('error', { where: `${binding.id} verify, again in ${waitMs} ms`, error });
      await env.clock.sleep(waitMs, signal);
    }
  }
}

/** So often of the time that a system keeps its events is looked how old they are. */
const looks = 50;
const longestMs = 600_000;

/** Gives an alarm each time that it gets worse. */
export async function retentionLoop(
  env: Environment,
  bindings: readonly Binding[],
  signal: AbortSignal,
): Promise<void> {
  const watched = bindings.flatMap((binding) => {
    const kept = keptMs(binding);
    return kept === undefined ? [] : [{ binding, kept }];
  });
  if (watched.length === 0) return;
  const told = new Map<string, RetentionLevel | undefined>();
  const intervalMs = Math.min(longestMs, ...watched.map(({ kept }) => kept / looks));
  while (!signal.aborted) {
    for (const { binding, kept } of watched) {
      const unreadMs = (await cursorAgeMs(env.db, binding.id, cursorName)) ?? 0;
      const level = retentionLevel(unreadMs, kept);
      if (level !== undefined && level !== told.get(binding.id))
        env.emit('retention', { subscriber: binding.id, level, unreadMs: Math.round(unreadMs), keptMs: kept });
      told.set(binding.id, level);
    }
    await env.clock.sleep(intervalMs, signal);
  }
}
