/** What the dashboard's page and its server say to each other: types only, for both. */
import type { RecordKey } from '../../catalog/key.js';
import type { Feed } from '../../store/health.js';
import type {
  ConflictEntry as ConflictRow,
  HistoryEntry as HistoryRow,
  LinkFilter,
  LinkOrder,
  LinkRow,
  RunEntry,
} from '../../store/dashboard.js';
import type { ParkedCount } from '../../store/parked.js';
import type { SubscriberStatus } from '../../store/overview.js';
import type { DescribedHeld } from '../../explain/held.js';
import type { HeldCount } from '../../store/held.js';
import type { Explanation, ValueOrigin } from '../../explain/explanation.js';
import type { ParkedCause } from '../../explain/causes.js';
import type { Difference as Drift, RepairStep } from '../../maintenance/drift.js';
import type { Difference } from '../../first-load/item.js';
import type { PlanReport } from '../../first-load/first-load.js';
import type { ItemDecision, PlanItem } from '../../store/plans.js';
import type { VerifyReport } from '../../maintenance/verify.js';
import type { Point } from './series.js';

export type { Explanation, SubscriberReport, TimelineEntry, UnitReport, Writer } from '../../explain/explanation.js';
export type { LinkFilter, LinkOrder, LinkRow, ParkedCause, ParkedCount, Point, RunEntry, ValueOrigin };
export type ConflictEntry = Labelled<ConflictRow>;
export type HistoryEntry = Labelled<HistoryRow>;
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
  /** When all pairs were last counted; what waits and what is parked is as of `now`. ISO. */
  readonly countedAt: string;
  readonly quotas: readonly QuotaReport[];
}

export type { Difference, HeldCount, PlanReport };
export type { ItemKind } from '../../first-load/item.js';
export type { DriftCause } from '../../maintenance/drift.js';

export interface Progress {
  readonly subscriber: string;
  readonly kind: 'backfill' | 'verify' | 'plan' | 'apply';
  /** Of a plan and its application; each counts anew. */
  readonly phase: 'listing' | 'comparing' | 'records' | 'queueing' | 'applying' | null;
  readonly done: number;
  readonly total: number | null;
  /** Since when, and when it last moved: ISO. */
  readonly since: string;
  readonly at: string;
  /** It has ended, one way or another. */
  readonly over: boolean;
  /** Begun by somebody at this dashboard, who can end it; what the clock or another process began can't be. */
  readonly stops: boolean;
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
  /** By field: whom its value names. */
  readonly references: Readonly<Record<string, Reference>>;
  readonly lines: readonly LinesView[];
}

/** Whom a value names: a record of another catalog. */
export interface Reference {
  readonly catalog: string;
  readonly label: string | null;
  /** The link that has its page; null: no subscriber knows it. */
  readonly link: string | null;
}

export interface LineCell {
  readonly value: string | null;
  readonly reference?: Reference;
  /** Where the value came from; absent where nothing maps it. */
  readonly origin?: ValueOrigin;
}

/** Rows that belong to a record. */
export interface LinesView {
  readonly name: string;
  readonly columns: readonly string[];
  /** Which of them are their key. */
  readonly key: readonly string[];
  readonly rows: readonly { readonly key: RecordKey; readonly cells: Readonly<Record<string, LineCell>> }[];
}

/** A change that waits for release or discard, and what each of the two would do. */
export type HeldRow = DescribedHeld;

/** A row of a list with what people know its record by. */
export type Labelled<T> = T & { readonly label: string | null };
export type LabelledLink = Labelled<LinkRow>;

/** One parked cause, with all that is needed to show its records and to try them again. */
export type CauseView = ParkedCause;

export interface SearchHit extends LabelledLink {
  /** Which field matched; null: the key or the remote's id. */
  readonly field: string | null;
  readonly value: string | null;
}

export interface ActionAnswer {
  /** What was done, as a sentence. */
  readonly said: string;
  /** Where the record is shown from now on: the id of its link. */
  readonly link?: string;
}

/** What a long action came to, since this process began. */
export interface Outcome extends Notice {
  readonly action: string;
  /** Of the error; `stopped`: by hand; null: it was done. */
  readonly code: string | null;
}

/** How often a repair would do this. */
export interface RepairCount {
  readonly action: RepairStep['action'];
  readonly count: number;
}

/** What the last comparison that was asked for here came to. */
export interface VerifiedReport extends Omit<VerifyReport, 'differences'> {
  readonly at: string;
  readonly repaired: boolean;
  /** Most frequent first. */
  readonly steps: readonly RepairCount[];
}

export interface VerifiedView {
  readonly report: VerifiedReport | null;
  readonly underWay: string | null;
  readonly outcome: Outcome | null;
}

/** One difference of the last comparison, with the page of its record. */
export interface DriftRow extends Drift {
  readonly id: string;
  readonly link: string | null;
  readonly label: string | null;
}

export interface PlanView {
  /** Null: there is no plan. */
  readonly report: PlanReport | null;
  readonly underWay: 'plan' | 'apply' | null;
  readonly outcome: Outcome | null;
}

/** A record or a remote by what people know it by. */
export interface Named {
  /** The record's key, or the remote's id. */
  readonly id: string;
  readonly label: string | null;
}

/** What a plan says of one remote, one record, or the two together. */
export interface PlanRow extends Pick<PlanItem, 'id' | 'kind' | 'key' | 'remoteId'> {
  readonly label: string | null;
  readonly remoteLabel: string | null;
  /** Who could belong together, where that is in doubt. */
  readonly records: readonly Named[];
  readonly remotes: readonly Named[];
  readonly differ: readonly Difference[];
  readonly note: string | null;
  readonly decision: ItemDecision | null;
}
