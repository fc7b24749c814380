/** The tables of the schema `syncflow`, in memory. See src/store/migrations. */
import type { Clock } from '../../../src/engine/environment.js';
import type { SqlValue } from '../../../src/store/database.js';
import { notSeen } from '../../../src/store/intents.js';
import type { Moment } from './moment.js';
import { Index, Table } from './table.js';
import type { Transaction } from './transaction.js';

/** Columns of type json are kept as their text. */
type JsonText = string;

export interface SettingRow {
  readonly name: string;
  readonly value: string;
}

export interface MarkRow {
  readonly id: number;
  /** One of a mass UPDATE: routed after all others. */
  readonly bulk: boolean;
  readonly catalog: string;
  readonly key: string | null;
  readonly op: 'I' | 'U' | 'D' | 'K' | 'T';
  readonly old_key: string | null;
  readonly statement: string | null;
  readonly at: Moment;
  readonly origin: string | null;
  readonly except_subscribers: string | null;
}

export interface LinkRow {
  readonly id: number;
  readonly subscriber: string;
  readonly key: string | null;
  readonly remote_id: string | null;
  readonly state: string;
  readonly shadow: JsonText | null;
  readonly version: string | null;
  readonly former_key: string | null;
  readonly generation: number;
  readonly due_at: Moment | null;
  readonly lane: number;
  readonly paused: boolean;
  readonly look: boolean;
  readonly gone_at: Moment | null;
  readonly deleted_at: Moment | null;
  readonly edited_at: Moment | null;
  readonly edited_by: string | null;
  readonly remote_edited_at: Moment | null;
  readonly sight: JsonText | null;
  readonly claims: string | null;
  readonly planned: JsonText | null;
  readonly listed_run: number | null;
  readonly waits_for: string | null;
  readonly parked_code: string | null;
  readonly parked_reason: string | null;
  readonly parked_at: Moment | null;
  readonly attempts: number;
  readonly last_error: string | null;
  readonly flips: JsonText | null;
  readonly lease_owner: string | null;
  readonly lease_until: Moment | null;
  readonly fence: number;
  readonly created_at: Moment;
  readonly settled_at: Moment | null;
}

export interface IntentRow {
  readonly id: number;
  readonly link_id: number;
  readonly subscriber: string;
  readonly kind: string;
  readonly idempotency_key: string;
  readonly body: JsonText;
  readonly steps: JsonText;
  readonly sent_at: Moment | null;
  readonly unknown_at: Moment | null;
  readonly missed: number;
  readonly closed_at: Moment | null;
  readonly outcome: string | null;
  readonly created_at: Moment;
}

export interface InboxRow {
  readonly id: number;
  readonly subscriber: string;
  readonly event_id: string;
  readonly remote_id: string;
  readonly kind: string;
  readonly payload: JsonText;
  readonly lane: number;
  readonly received_at: Moment;
  readonly settled_at: Moment | null;
}

export interface CursorRow {
  readonly subscriber: string;
  readonly name: string;
  readonly value: string;
  readonly updated_at: Moment;
}

export interface ConflictRow {
  readonly id: number;
  readonly link_id: number;
  readonly subscriber: string;
  readonly key: string | null;
  readonly unit: string;
  readonly base: JsonText | null;
  readonly hub: JsonText | null;
  readonly remote: JsonText | null;
  readonly winner: string;
  readonly rule: string;
  readonly at: Moment;
  readonly resolved_at: Moment | null;
  readonly resolved_by: string | null;
  readonly resolution: JsonText | null;
}

export interface HistoryRow {
  readonly id: number;
  readonly at: Moment;
  readonly subscriber: string;
  readonly key: string | null;
  readonly remote_id: string | null;
  readonly event: string;
  readonly detail: JsonText | null;
}

export interface RunRow {
  readonly id: number;
  readonly subscriber: string;
  readonly kind: string;
  readonly progress: JsonText;
  readonly started_at: Moment;
  readonly finished_at: Moment | null;
}

export interface SleeperRow {
  readonly worker: string;
  readonly since: Moment;
}

/** What answers a statement: rows as a driver would give them. */
export type Twin = (tx: Transaction, params: readonly SqlValue[]) => Promise<object[]> | object[];
export type Twins = Readonly<Record<string, Twin>>;

/** Two texts as one key of an index. */
export const both = (one: string, other: string): string => `${one}\n${other}`;

const byId = <R extends { readonly id: number }>(table: string): Index<R> =>
  new Index<R>(`${table}_pkey`, true, (row) => row.id, ['id']);

/** All tables of `syncflow` but those of the catalogs. */
export class Store {
  readonly #clock: Clock;

  readonly settingByName = new Index<SettingRow>('setting_pkey', true, (row) => row.name);
  readonly setting = new Table<SettingRow>('setting', [this.settingByName]);

  readonly markByStatement = new Index<MarkRow>('mark_statement', false, (row) => row.statement ?? undefined, [
    'statement',
  ]);
  readonly mark = new Table<MarkRow>('mark', [this.markByStatement]);

  readonly linkById = byId<LinkRow>('link');
  readonly linkByKey = new Index<LinkRow>(
    'link_key',
    true,
    (row) => (row.key === null ? undefined : both(row.subscriber, row.key)),
    ['subscriber', 'key'],
  );
  readonly linkByRemote = new Index<LinkRow>(
    'link_remote',
    true,
    (row) => (row.remote_id === null ? undefined : both(row.subscriber, row.remote_id)),
    ['subscriber', 'remote_id'],
  );
  readonly linkDue = new Index<LinkRow>(
    'link_due',
    false,
    (row) => (row.due_at === null ? undefined : row.subscriber),
    ['subscriber', 'due_at'],
  );
  readonly linkWaits = new Index<LinkRow>('link_waits', false, (row) => row.waits_for ?? undefined, ['waits_for']);
  readonly linkBySubscriber = new Index<LinkRow>('link_subscriber', false, (row) => row.subscriber, ['subscriber']);
  readonly link = new Table<LinkRow>('link', [
    this.linkById,
    this.linkByKey,
    this.linkByRemote,
    this.linkDue,
    this.linkWaits,
    this.linkBySubscriber,
  ]);

  readonly intentById = byId<IntentRow>('intent');
  readonly intentByKey = new Index<IntentRow>('intent_idempotency_key_key', true, (row) => row.idempotency_key, [
    'idempotency_key',
  ]);
  readonly intentOpen = new Index<IntentRow>(
    'intent_open',
    false,
    (row) => (row.closed_at === null ? row.link_id : undefined),
    ['link_id', 'closed_at'],
  );
  readonly intentUnseen = new Index<IntentRow>(
    'intent_unseen',
    false,
    (row) => (row.outcome === notSeen ? row.link_id : undefined),
    ['link_id', 'outcome'],
  );
  readonly intent = new Table<IntentRow>('intent', [
    this.intentById,
    this.intentByKey,
    this.intentOpen,
    this.intentUnseen,
  ]);

  readonly inboxById = byId<InboxRow>('inbox');
  readonly inboxByEvent = new Index<InboxRow>(
    'inbox_subscriber_event_id_key',
    true,
    (row) => both(row.subscriber, row.event_id),
    ['subscriber', 'event_id'],
  );
  readonly inboxOpen = new Index<InboxRow>(
    'inbox_open',
    false,
    (row) => (row.settled_at === null ? row.subscriber : undefined),
    ['subscriber', 'settled_at'],
  );
  readonly inbox = new Table<InboxRow>('inbox', [this.inboxById, this.inboxByEvent, this.inboxOpen]);

  readonly cursorByName = new Index<CursorRow>('cursor_pkey', true, (row) => both(row.subscriber, row.name));
  readonly cursor = new Table<CursorRow>('cursor', [this.cursorByName]);

  readonly conflict = new Table<ConflictRow>('conflict', []);

  readonly historyBySubscriber = new Index<HistoryRow>('history_record', false, (row) => row.subscriber);
  readonly history = new Table<HistoryRow>('history', [this.historyBySubscriber]);

  readonly runById = byId<RunRow>('run');
  readonly runBySubscriber = new Index<RunRow>('run_subscriber', false, (row) => row.subscriber);
  readonly run = new Table<RunRow>('run', [this.runById, this.runBySubscriber]);

  readonly sleeperByWorker = new Index<SleeperRow>('sleeper_pkey', true, (row) => row.worker);
  readonly sleeper = new Table<SleeperRow>('sleeper', [this.sleeperByWorker]);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** clock_timestamp() */
  now(): Moment {
    return this.#clock.now().getTime() * 1000;
  }
}

/** A new link: the defaults of its columns. */
export const newLink = (
  id: number,
  now: Moment,
  given: Partial<LinkRow> & { readonly subscriber: string },
): LinkRow => ({
  id,
  key: null,
  remote_id: null,
  state: 'new',
  shadow: null,
  version: null,
  former_key: null,
  generation: 0,
  due_at: null,
  lane: 0,
  paused: false,
  look: false,
  gone_at: null,
  deleted_at: null,
  edited_at: null,
  edited_by: null,
  remote_edited_at: null,
  sight: null,
  claims: null,
  planned: null,
  listed_run: null,
  waits_for: null,
  parked_code: null,
  parked_reason: null,
  parked_at: null,
  attempts: 0,
  last_error: null,
  flips: null,
  lease_owner: null,
  lease_until: null,
  fence: 0,
  created_at: now,
  settled_at: null,
  ...given,
});

/** Slots of all of these keys of an index, without doubles. */
export function slotsOf<R>(tx: Transaction, index: Index<R>, keys: Iterable<string | number>) {
  return [...new Set(keys)].flatMap((key) => index.find(tx, key));
}

/** A list or an object that came as one JSON parameter. */
export const json = <T>(param: SqlValue | undefined): T => JSON.parse(String(param)) as T;
/** A column of type json, out of a JSON parameter. */
export const jsonText = (value: unknown): string | null =>
  value === null || value === undefined ? null : JSON.stringify(value);
export const text = (param: SqlValue | undefined): string => String(param);
export const optional = (param: SqlValue | undefined): string | null =>
  param === null || param === undefined ? null : String(param);
