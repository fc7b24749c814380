/** How the hub is: read for `doctor` and for metrics, never by a worker. */
import type { Queryable } from './database.js';
import { isoUtc } from './iso.js';

export interface Server {
  readonly version: string;
  readonly versionNumber: number;
  /** The server's time, ISO. */
  readonly now: string;
  readonly role: string;
  readonly isSuperuser: boolean;
  /** Null: there is no schema `syncflow` yet. */
  readonly ownsSchema: boolean | null;
  /** Who owns what of the schema our role doesn't: the schema itself, or a table in it. Null: nobody else. */
  readonly otherOwner: string | null;
  readonly mayCreateSchema: boolean;
  readonly skipsRowSecurity: boolean;
}

export async function serverReport(db: Queryable): Promise<Server | undefined> {
  const [row] = await db.query<Server>({
    name: 'syncflow-doctor-server',
    text: `select current_setting('server_version') as version, current_setting('server_version_num')::int4 as "versionNumber",
       ${isoUtc('clock_timestamp()', '.MS')} as now, current_user::text as role,
       r.rolsuper as "isSuperuser", r.rolsuper or r.rolbypassrls as "skipsRowSecurity",
       (select pg_has_role(n.nspowner, 'usage') from pg_catalog.pg_namespace n where n.nspname = 'syncflow') as "ownsSchema",
       (select pg_get_userbyid(o.owner)::text from (
          select n.nspowner as owner from pg_catalog.pg_namespace n where n.nspname = 'syncflow'
          union select c.relowner from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'syncflow' and c.relkind in ('r', 'p', 'S')
        ) o where not pg_has_role(o.owner, 'usage') order by 1 limit 1) as "otherOwner",
       has_database_privilege(current_database(), 'create') as "mayCreateSchema"
     from pg_catalog.pg_roles r where r.rolname = current_user`,
  });
  return row;
}

export interface TableRights {
  readonly schema: string;
  readonly table: string;
  readonly exists: boolean;
  /** Privileges that the hub's role lacks. */
  readonly lacking: string;
  readonly role: string;
}

/** Which privileges the hub's role lacks on these tables. */
export function tableRights(
  db: Queryable,
  tables: readonly { readonly schema: string; readonly table: string }[],
): Promise<TableRights[]> {
  return db.query<TableRights>(
    {
      name: 'syncflow-doctor-rights',
      text: `select r.schema, r."table", c.oid is not null as exists, current_user::text as role,
         coalesce((select string_agg(p, ', ') from unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRIGGER']) p
           where c.oid is not null and not has_table_privilege(c.oid, p)), '') as lacking
       from json_to_recordset($1::json) as r(schema text, "table" text)
       left join pg_catalog.pg_namespace n on n.nspname = r.schema
       left join pg_catalog.pg_class c on c.relnamespace = n.oid and c.relname = r."table" and c.relkind in ('r', 'p')`,
    },
    [JSON.stringify(tables)],
  );
}

export interface Backlog {
  readonly marks: number;
  readonly oldestMarkMs: number;
  readonly events: number;
  readonly oldestEventMs: number;
  /** Remote writes without an answer for more than an hour, those of parked records aside. */
  readonly oldIntents: number;
  readonly parked: number;
}

const ageMs = (moment: string): string =>
  `coalesce(extract(epoch from clock_timestamp() - ${moment}) * 1000, 0)::float8`;

export async function backlog(db: Queryable): Promise<Backlog | undefined> {
  const [row] = await db.query<Backlog>({
    name: 'syncflow-doctor-backlog',
    text: `select (select count(*)::int from syncflow.mark) as marks, (select ${ageMs('min(at)')} from syncflow.mark) as "oldestMarkMs",
       (select count(*)::int from syncflow.inbox where settled_at is null) as events,
       (select ${ageMs('min(received_at)')} from syncflow.inbox where settled_at is null) as "oldestEventMs",
       (select count(*)::int from syncflow.intent i join syncflow.link l on l.id = i.link_id
         where i.closed_at is null and l.parked_code is null and i.created_at < clock_timestamp() - interval '1 hour') as "oldIntents",
       (select count(*)::int from syncflow.link where parked_code is not null) as parked`,
  });
  return row;
}

export interface Feed {
  readonly subscriber: string;
  /** Since the cursor of polling has moved; null: there is none. */
  readonly cursorAgeMs: number | null;
  /** Since anything came from there; null: nothing ever did, or it was pruned. */
  readonly lastEventMs: number | null;
  /** Why nothing is heard from it. */
  readonly deaf: string | null;
  readonly held: boolean;
  readonly paused: boolean;
}

export function feeds(db: Queryable, subscribers: readonly string[]): Promise<Feed[]> {
  return db.query<Feed>(
    {
      name: 'syncflow-doctor-feeds',
      text: `select r.value as subscriber,
         (select extract(epoch from clock_timestamp() - c.updated_at) * 1000 from syncflow.cursor c where c.subscriber = r.value and c.name = 'changes')::float8 as "cursorAgeMs",
         (select extract(epoch from clock_timestamp() - max(i.received_at)) * 1000 from syncflow.inbox i where i.subscriber = r.value)::float8 as "lastEventMs",
         (select s.value from syncflow.setting s where s.name = 'deaf:' || r.value) as deaf,
         exists (select from syncflow.setting s where s.name = 'hold:' || r.value and s.value::timestamptz > clock_timestamp()) as held,
         exists (select from syncflow.setting s where s.name = 'pause:' || r.value) as paused
       from json_array_elements_text($1::json) r`,
    },
    [JSON.stringify(subscribers)],
  );
}

export interface LongTransaction {
  readonly pid: number;
  readonly application: string;
  readonly state: string;
  readonly ageMs: number;
}

/** Transactions of others that have written something and are still open: their marks can't be seen yet. */
export function longTransactions(db: Queryable, olderThanMs: number): Promise<LongTransaction[]> {
  return db.query<LongTransaction>(
    {
      name: 'syncflow-doctor-transactions',
      text: `select pid, coalesce(application_name, '') as application, coalesce(state, '') as state, ${ageMs('xact_start')} as "ageMs"
       from pg_catalog.pg_stat_activity where datname = current_database() and pid <> pg_backend_pid() and backend_xid is not null
         and xact_start < clock_timestamp() - $1::float8 * interval '1 ms' order by xact_start limit 5`,
    },
    [olderThanMs],
  );
}
