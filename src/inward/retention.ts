/** Systems keep their events for a time. What wasn't read by then is lost to polling, and made up for by a whole listing. */
import type { Binding } from '../engine/binding.js';

/** `half`: over half of the time has gone since everything was read · `urgent`: four fifths · `lost`: all of it. */
export type RetentionLevel = 'half' | 'urgent' | 'lost';

/** How near it is that events are lost; undefined: far. Pure. */
export function retentionLevel(unreadMs: number, keptMs: number): RetentionLevel | undefined {
  if (unreadMs > keptMs) return 'lost';
  if (unreadMs >= keptMs * 0.8) return 'urgent';
  return unreadMs >= keptMs * 0.5 ? 'half' : undefined;
}

/** For how long the system of a subscriber that is polled keeps its events, in ms. */
export function keptMs({ subscriber }: Binding): number | undefined {
  return subscriber.capabilities.polling ? subscriber.eventRetentionMs : undefined;
}
