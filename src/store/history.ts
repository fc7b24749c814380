/** The audit: what happened to a record, and the values that lost a conflict. */
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import type { Conflict } from '../merge/merge.js';
import { storableJson, type Queryable } from './database.js';
import type { Link } from './links.js';

export type HistoryEvent =
  | 'created' // a remote was created for a record
  | 'updated' // a remote was updated
  | 'deleted' // a remote was deleted
  | 'linked' // a record and a remote that were both there were paired
  | 'unlinked'
  | 'record-created' // inward sync made a record
  | 'record-updated'
  | 'record-deleted'
  | 'conflict'
  | 'parked'
  | 'released' // a person let a held change go
  | 'discarded' // a person took a held change back
  | 'overwritten' // an edit in the remote that our own write overwrote, told by the remote's history
  | 'operated'; // a person did something by hand: `code` says what, `reason` what came of it, `editedBy` who

export interface HistoryRow {
  readonly subscriber: string;
  readonly key: RecordKey | undefined;
  readonly remoteId: string | undefined;
  readonly event: HistoryEvent;
  readonly detail?: HistoryDetail;
}

/** A value that was changed: in the hub as canonical text, in a remote as it shows it. */
export interface AuditedChange {
  readonly from: Json;
  readonly to: Json;
  /** Of a write to a remote: the hub's value that it stands for. */
  readonly hub?: Json;
  /** Why the other side's value was taken. */
  readonly rule?: string;
}

/** Holds values of records, as the conflict log does: kept in the hub alone, and pruned with it. */
export interface HistoryDetail {
  readonly units?: readonly string[];
  readonly changes?: Readonly<Record<string, AuditedChange>>;
  /** Id of the intent that was carried out. */
  readonly intent?: string;
  /** When, and by whom, the edit was made that this carried over to the other side. */
  readonly editedAt?: string;
  readonly editedBy?: string;
  readonly code?: string;
  readonly reason?: string;
  /** 2: a first load or a rescan made it, which no brake counts. */
  readonly lane?: number;
}

export async function insertHistory(tx: Queryable, rows: readonly HistoryRow[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-insert-history',
      text: `insert into syncflow.history (subscriber, key, remote_id, event, detail)
        select r.subscriber, r.key, r."remoteId", r.event, r.detail
        from json_to_recordset($1::json) as r(subscriber text, key text, "remoteId" text, event text, detail json)`,
    },
    [storableJson(rows)],
  );
}

/** The conflicts of one record. */
export interface LoggedConflicts {
  readonly link: Link;
  readonly key: RecordKey | undefined;
  readonly conflicts: readonly Conflict[];
}

/** Logs conflicts, with the values that lost. */
export async function insertConflicts(tx: Queryable, logged: readonly LoggedConflicts[]): Promise<void> {
  const rows = logged.flatMap(({ link, key, conflicts }) =>
    conflicts.map((one) => ({ link_id: link.id, subscriber: link.subscriber, key, ...one })),
  );
  if (rows.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-insert-conflicts',
      text: `insert into syncflow.conflict (link_id, subscriber, key, unit, base, hub, remote, winner, rule)
     select r.link_id, r.subscriber, r.key, r.unit, r.base, r.hub, r.remote, r.winner, r.rule
     from json_to_recordset($1::json) as r(link_id bigint, subscriber text, key text, unit text, base json, hub json, remote json,
       winner text, rule text)`,
    },
    [storableJson(rows)],
  );
}
