/** What the dashboard's page and its server say to each other: types only, for both. */
import type { Backlog, Feed } from '../../store/health.js';
import type { ConflictEntry, HistoryEntry, LinkFilter, LinkRow, RunEntry } from '../../store/dashboard.js';
import type { ParkedCount } from '../../store/parked.js';
import type { SubscriberStatus } from '../../store/overview.js';
import type { HeldChange } from '../../store/held.js';
import type { Explanation } from '../../explain/explanation.js';
import type { ParkedCause } from '../../explain/causes.js';
import type { VerifyReport } from '../../maintenance/verify.js';
import type { Point } from './series.js';

export type { Explanation, SubscriberReport, TimelineEntry, UnitReport, Writer } from '../../explain/explanation.js';
export type { HeldChange };
export type { Backlog, ConflictEntry, HistoryEntry, LinkFilter, LinkRow, ParkedCause, ParkedCount, Point, RunEntry };
export type { HistoryEvent } from '../../store/history.js';
export type { QuotaReport } from './quotas.js';
import type { QuotaReport } from './quotas.js';

export interface Session {
  /** Whether anything may be read: here, without more ado, or after signing in. */
  readonly mayRead: boolean;
  /** Whether there is a token to sign in with. */
  readonly canSignIn: boolean;
  /** Whether this page was opened without a token, on the machine itself. */
  readonly onLoopback: boolean;
  /** To be sent with every action; null: sign in first. */
  readonly csrf: string | null;
}

/** A subscriber, how it stands, and what is heard from it. */
export interface SubscriberView extends SubscriberStatus {
  readonly catalog: string;
  readonly as: string;
  readonly account: string;
  readonly feed: Omit<Feed, 'subscriber'> | null;
  readonly runs: readonly RunEntry[];
}

export interface Overview {
  readonly environment: string;
  readonly hub: string;
  readonly now: string;
  readonly catalogs: readonly string[];
  readonly subscribers: readonly SubscriberView[];
  readonly parked: readonly ParkedCount[];
  readonly backlog: Backlog | null;
  readonly quotas: readonly QuotaReport[];
}

export interface Progress {
  readonly subscriber: string;
  readonly kind: 'backfill' | 'verify' | 'plan' | 'apply';
  readonly done: number;
  readonly total: number | null;
  /** Since when, and when it last moved: ISO. */
  readonly since: string;
  readonly at: string;
}

/** What a long action came to. */
export interface Notice {
  readonly at: string;
  readonly tone: 'good' | 'bad';
  readonly text: string;
}

/** One frame of the live stream: everything that happened since the last one. */
export interface Beat {
  readonly overview?: Overview;
  /** Oldest first. */
  readonly activity?: readonly HistoryEntry[];
  /** More happened than the stream carries. */
  readonly skipped?: number;
  /** All of the time series at first, then what is new; a point with a time that is known replaces it. */
  readonly points?: readonly Point[];
  readonly progress?: readonly Progress[];
  readonly notices?: readonly Notice[];
  /** The hub can't be read at the moment. */
  readonly trouble?: string | null;
}

export interface Page<T> {
  readonly rows: readonly T[];
  /** Goes into `after` for the next page; null: this was the last. */
  readonly next: string | null;
}

export interface RecordView {
  readonly link: string;
  readonly subscriber: string;
  readonly explanation: Explanation;
  /** By subscriber: the id of the record's link there. */
  readonly links: Readonly<Record<string, string>>;
}

/** One parked cause, with all that is needed to show its records and to try them again. */
export type CauseView = ParkedCause;

export interface SearchHit extends LinkRow {
  /** Which field matched; null: the key or the remote's id. */
  readonly field: string | null;
  readonly value: string | null;
}

export interface ActionAnswer {
  /** What was done, as a sentence. */
  readonly said: string;
}

/** What the last comparison that was asked for here came to. */
export interface VerifiedReport extends Omit<VerifyReport, 'differences'> {
  readonly at: string;
}
