/** What kind of system a remote is; what it can't do, the engine must do without. */
import { leastCapabilities, type Capabilities } from '../../src/subscriber/capabilities.js';
import type { Chance } from './chance.js';
import { pace, type Span } from './pace.js';

export interface Character {
  /** How long a repeated request takes effect once, in ms. */
  readonly idempotencyMs: number | undefined;
  readonly markers: boolean;
  readonly chosenId: boolean;
  readonly conditional: boolean;
  readonly history: boolean;
  /** What it makes of texts: two remotes may do it in opposite ways. */
  readonly normalises: 'lower' | 'upper' | 'padded' | undefined;
  /** Records per batch call; 1: there is none. */
  readonly batchSize: number;
  readonly webhooks: boolean;
  readonly polling: boolean;
  /** Deletions are told by an event; otherwise only a look shows them. */
  readonly tellsDeletions: boolean;
  /** A deleted object answers `gone`; otherwise like one that never was. */
  readonly remembersDeleted: boolean;
  /** To what its time stamps are cut, in ms. */
  readonly stampMs: number;
  readonly snapshots: boolean;
  /** By how much lists, the change feed and searches lag behind writes, in ms. */
  readonly lagMs: number;
  /** It can be searched for what the hub calls `code`, without a lag. */
  readonly searchable: boolean;
  /** How many calls it takes at once. */
  readonly concurrency: number;
  /** Its answers take all the same time: those to calls of the same moment come together. */
  readonly steady: boolean;
  /** How long a call takes each way, in ms: together with what must be asked first, longer than a lease. */
  readonly wayMs: Span;
  /** How many deletions it lets through in any case, and of how many. */
  readonly brake: { readonly count: number; readonly share: number };
}

export function randomCharacter(chance: Chance, forgetsKeys: boolean, isSlow: boolean): Character {
  const webhooks = chance.hits(0.6);
  const polling = chance.hits(webhooks ? 0.75 : 0.85);
  const hours24 = 24 * 3_600_000;
  const wayMs = chance.hits(0.1) ? pace.farAway : pace.near;
  // in life a key is kept for longer than a call ever waits for its turn
  const forgets = forgetsKeys && !isSlow && wayMs === pace.near;
  const idempotencyMs = forgets ? pace.keysForgottenMs : hours24;
  const lagMs = chance.hits(0.3) ? chance.pick(pace.lagsMs) : 0;
  return {
    idempotencyMs: chance.hits(0.5) ? idempotencyMs : undefined,
    markers: chance.hits(0.6),
    chosenId: chance.hits(0.25),
    conditional: chance.hits(0.5),
    // it is told by events alone
    history: chance.hits(0.4) && (webhooks || polling),
    normalises: chance.hits(0.5) ? chance.pick(['lower', 'upper', 'padded'] as const) : undefined,
    batchSize: chance.hits(0.4) ? chance.pick([2, 5, 20]) : 1,
    webhooks,
    polling,
    tellsDeletions: chance.hits(0.75),
    remembersDeleted: chance.hits(0.8),
    stampMs: chance.pick([1, 100, 1_000, 6_000]),
    snapshots: chance.hits(0.5),
    lagMs,
    // a search that lags is none: the contract asks for one that sees every write
    searchable: lagMs === 0 && chance.hits(0.8),
    concurrency: chance.pick([1, 3, 10, 10]),
    steady: chance.hits(0.6),
    wayMs,
    brake: chance.hits(0.25) ? { count: 4, share: 0.1 } : { count: 20, share: 0.2 },
  };
}

export function capabilitiesOf(character: Character): Capabilities {
  return {
    ...leastCapabilities,
    batchSize: character.batchSize,
    concurrency: character.concurrency,
    idempotencyHours: character.idempotencyMs === undefined ? undefined : character.idempotencyMs / 3_600_000,
    marker: character.markers,
    chosenId: character.chosenId,
    conditional: character.conditional,
    history: character.history,
    webhooks: character.webhooks,
    polling: character.polling,
    listing: true,
  };
}

/** Whether an unknown create can be resolved: by a replay (in time), a chosen id, a marker or a search. */
export function resolvesCreates(character: Character, replaysInTime: boolean): boolean {
  return (
    (character.idempotencyMs !== undefined && replaysInTime) ||
    character.chosenId ||
    character.markers ||
    character.searchable
  );
}
