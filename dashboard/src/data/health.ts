/** How a subscriber is, in one word and one colour. */
import type { SubscriberView } from '../../../src/server/dashboard/contract.js';
import { duration, plural } from './format.js';

export type HealthTone = 'good' | 'warn' | 'bad' | 'plain';

/** What waits longer than this is worth a look. */
const lateMs = 30_000;

export interface Health {
  readonly tone: HealthTone;
  readonly word: string;
}

export function healthOf(one: SubscriberView): Health {
  if (one.feed?.held === true) return { tone: 'bad', word: 'held: credentials or quota' };
  if (one.paused) return { tone: 'warn', word: 'paused' };
  if (one.feed?.deaf != null) return { tone: 'bad', word: 'not heard from' };
  if (one.parked > 0) return { tone: 'warn', word: `${plural(one.parked, 'record')} parked` };
  if (one.conflicts > 0) return { tone: 'warn', word: plural(one.conflicts, 'open conflict') };
  if (one.lagMs > lateMs) return { tone: 'warn', word: `${duration(one.lagMs)} behind` };
  if (one.waiting > 0) return { tone: 'good', word: `syncing ${plural(one.waiting, 'record')}` };
  return { tone: 'good', word: 'in agreement' };
}

export function toneOf(one: SubscriberView): HealthTone {
  return healthOf(one).tone;
}
