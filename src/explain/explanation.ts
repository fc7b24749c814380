/** What `explain` tells of a record. Hub values are canonical text, remote values JSON as that system shows them. */
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import type { Shadow } from '../merge/shadow.js';
import type { LinkState } from '../outward/plan.js';
import type { HistoryEvent } from '../store/history.js';
import type { Direction } from '../subscriber/mapping.js';

export interface Explanation {
  readonly catalog: string;
  readonly key: RecordKey;
  /** The field that was asked for; null: all. */
  readonly field: string | null;
  /** The row as it is now; null where there is none. */
  readonly record: RecordReport | null;
  readonly softDeleted: boolean;
  /** Edits that no worker has seen yet. */
  readonly unrouted: readonly { readonly at: string; readonly by: Writer }[];
  /** By unit: where the hub's present value came from. A unit of which nothing is known isn't there. */
  readonly origins: Readonly<Record<string, ValueOrigin>>;
  readonly subscribers: readonly SubscriberReport[];
  /** Oldest first. */
  readonly timeline: readonly TimelineEntry[];
  /** There is more in the hub than the newest entries that are listed. */
  readonly truncated: boolean;
}

export interface RecordReport {
  readonly fields: Readonly<Record<string, string | null>>;
  readonly children: Readonly<Record<string, readonly Readonly<Record<string, string | null>>[]>>;
}

/** Who edited something. `hub`: past the library or by the app, under this database role; `subscriber`: in that system. */
export type Writer =
  { readonly kind: 'hub'; readonly role: string | null } | { readonly kind: 'subscriber'; readonly subscriber: string };

export interface ValueOrigin {
  readonly value: string | null;
  readonly by: Writer;
  /** When it was edited where it comes from; null where that isn't known. */
  readonly editedAt: string | null;
  /** When this hub came to know. */
  readonly at: string | null;
  readonly rule: string;
  /** The value that a conflict over it overruled. */
  readonly lost?: { readonly side: 'hub' | 'remote'; readonly value: Json; readonly subscriber: string };
  /** Events about that remote that asked for the look which found it. */
  readonly events: readonly string[];
}

/** Where a record stands with a subscriber, in one word. */
export type Standing =
  | 'in-agreement'
  | 'waiting' // something is due
  | 'retrying' // the last attempt failed; another follows
  | 'awaiting-reference'
  | 'parked'
  | 'paused'
  | 'held' // credentials or quota of the whole subscriber
  | 'left-alone'
  | 'tombstone'
  | 'unknown'; // there is no link: never synced, or forgotten

export interface SubscriberReport {
  readonly subscriber: string;
  readonly standing: Standing;
  /** Why, in words; null where the standing says it all. */
  readonly because: string | null;
  /** What to do about it; null where nothing is to be done. */
  readonly cure: string | null;
  readonly link: LinkSummary | null;
  /** Earlier links of this record: tombstones. */
  readonly former: readonly LinkSummary[];
  readonly units: readonly UnitReport[];
  /** What both sides last agreed on of child rows, by collection and key. */
  readonly children: NonNullable<Shadow['children']>;
  readonly openIntents: readonly OpenIntent[];
  /** Only where it was asked for. */
  readonly fetched?: FetchReport;
}

export interface LinkSummary {
  readonly id: string;
  readonly remoteId: string | null;
  readonly state: LinkState;
  readonly version: string | null;
  readonly lane: 'live' | 'repair' | 'backfill';
  readonly dueAt: string | null;
  readonly look: boolean;
  readonly paused: boolean;
  readonly parked: { readonly code: string; readonly reason: string; readonly since: string | null } | null;
  readonly waitsFor: string | null;
  readonly attempts: number;
  readonly lastError: string | null;
  readonly editedAt: string | null;
  readonly editedBy: Writer | null;
  readonly remoteEditedAt: string | null;
  readonly deletedAt: string | null;
  readonly goneAt: string | null;
  readonly settledAt: string | null;
  readonly lease: { readonly owner: string; readonly until: string } | null;
}

export interface UnitReport {
  readonly unit: string;
  readonly fields: readonly string[];
  readonly remote: string;
  readonly direction: Direction;
  readonly authority: 'hub' | 'remote' | 'latest' | 'function';
  readonly group: string | null;
  /** The hub's value now. */
  readonly hub: string | null;
  /** What was last agreed on: what the hub held (absent: it is owed to the remote), what the remote showed for it. */
  readonly shadow: { readonly hub?: string | null; readonly remote?: Json } | null;
  /** `agreed`; `owed`: the hub's is to be sent; `inward-only`: it differs, and the remote's will be taken; `not-compared` yet. */
  readonly state: 'agreed' | 'owed' | 'inward-only' | 'not-compared';
  /** With `fetch`: what the remote shows now, and whether that stands for the hub's value; null where it shows nothing there. */
  readonly live?: { readonly remote: Json; readonly differs: boolean };
}

export interface OpenIntent {
  readonly id: string;
  readonly kind: 'create' | 'update' | 'delete';
  readonly idempotencyKey: string;
  readonly since: string;
  /** Since when it is known that its answer was lost. */
  readonly unknownSince: string | null;
  readonly units: readonly string[];
  readonly steps: readonly { readonly name: string; readonly done: boolean }[];
}

export interface FetchReport {
  readonly kind: 'found' | 'gone' | 'missing' | 'retry' | 'blocked';
  readonly reason: string | null;
  /** Names of units that differ from the hub. */
  readonly differing: readonly string[];
}

export interface UnitChange {
  readonly unit: string;
  readonly from: Json;
  readonly to: Json;
  /** Outward: the hub's value that was sent. */
  readonly hub?: Json;
  readonly rule: string;
}

export interface TimelineEntry {
  readonly at: string;
  readonly subscriber: string;
  readonly event: HistoryEvent | 'event';
  readonly direction: 'outward' | 'inward' | 'none';
  readonly remoteId: string | null;
  /** Who made the edit that this carried over, and when. */
  readonly by: Writer | null;
  readonly editedAt: string | null;
  readonly changes: readonly UnitChange[];
  /** Names of everything that changed, child collections too. */
  readonly units: readonly string[];
  readonly intent: string | null;
  /** Ids of events about the remote since the entry before: what asked for the look. */
  readonly events: readonly string[];
  readonly conflict?: {
    readonly id: string;
    readonly unit: string;
    readonly base: Json;
    readonly hub: Json;
    readonly remote: Json;
    readonly winner: 'hub' | 'remote' | 'merged';
    readonly rule: string;
    /** What a person has decided about it since; null: nobody has. */
    readonly resolved: { readonly at: string; readonly by: string; readonly taken: string } | null;
  };
  readonly parked?: { readonly code: string; readonly reason: string };
  /** Of an event that changed nothing: why. */
  readonly note?: string;
}
