/** Links: claiming them under a lease, finding and locking them. */
import type { RecordKey } from '../catalog/key.js';
import { emptyShadow, type Shadow } from '../merge/shadow.js';
import type { LinkState, ParkCode } from '../outward/plan.js';
import type { Database, Queryable } from './database.js';
import { isoUtc } from './iso.js';

/** A link as a worker holds it. */
export interface Link {
  readonly id: string;
  readonly subscriber: string;
  readonly key: RecordKey | undefined;
  readonly remoteId: string | undefined;
  readonly state: LinkState;
  readonly shadow: Shadow;
  readonly version: string | undefined;
  readonly generation: string;
  readonly fence: string;
  readonly lane: number;
  readonly look: boolean;
  readonly sight: unknown;
  readonly gone: boolean;
  readonly deleted: boolean;
  readonly editedAt: string | undefined;
  /** Who made that edit: a subscriber, or `@role (application)`. */
  readonly editedBy: string | undefined;
  readonly remoteEditedAt: string | undefined;
  readonly attempts: number;
  /** The last pass failed or parked it. */
  readonly failing: boolean;
  readonly flips: Flips;
  readonly planned: Planned | undefined;
  /** Of a remote without a record: whose it may be. */
  readonly claims: string | undefined;
  readonly createdAt: string;
}

/** What was decided about a side that has no partner yet: by a person, or by a plan that was approved. */
export interface Planned {
  /** A plan's decision is only carried out where the world is still as it was; a person's is. */
  readonly by: 'person' | 'plan';
  readonly do: 'link' | 'create' | 'leave';
  /** `link`: with this record. */
  readonly key?: RecordKey;
}

/** By a person, who alone can take it back. */
export function isLeftAlone({ planned }: Pick<Link, 'planned'>): boolean {
  return planned?.by === 'person' && planned.do === 'leave';
}

/** A link as one statement saw it. */
export interface FoundLink extends Link {
  /** Somebody is at work on it, or a write of ours has no answer yet: its shadow may be about to move. */
  readonly busy: boolean;
  /** A deletion of its remote is under way. */
  readonly leaving: boolean;
}

/** A value that inward sync wrote, as a digest, and when. */
export interface Flip {
  readonly value: string;
  readonly atMs: number;
}

/** Recent values that inward sync wrote, by unit, newest last: what the loop breaker looks at. */
export type Flips = Readonly<Record<string, readonly Flip[]>>;

interface LinkRow {
  id: string;
  subscriber: string;
  key: string | null;
  remote_id: string | null;
  state: LinkState;
  shadow: string | null;
  version: string | null;
  generation: string;
  fence: string;
  lane: number;
  look: boolean;
  sight: string | null;
  gone: boolean;
  deleted: boolean;
  edited_at: string | null;
  edited_by: string | null;
  remote_edited_at: string | null;
  attempts: number;
  failing: boolean;
  flips: string | null;
  planned: string | null;
  claims: string | null;
  created_at: string;
}

/**
 * The remote was deleted, and so was its record: whoever hears of it again looks, since a request of ours may have come late and made
 * it once more. (A pair that was let go keeps its remote, and says nothing of a deletion.)
 */
export const tombstone = `l.state = 'gone' and l.key is null and l.gone_at is not null`;

const linkColumns = `l.id::text as id, l.subscriber, l.key, l.remote_id, l.state, l.shadow::text as shadow, l.version, l.generation::text as generation,
  l.fence::text as fence, l.lane, l.look, l.sight::text as sight, l.gone_at is not null as gone, l.deleted_at is not null as deleted,
  ${isoUtc('l.edited_at')} as edited_at, l.edited_by, ${isoUtc('l.remote_edited_at')} as remote_edited_at, l.attempts, l.last_error is not null as failing, l.flips::text as flips, l.planned::text as planned,
  l.claims, l.created_at::text as created_at`;

function toLink(row: LinkRow): Link {
  return {
    id: row.id,
    subscriber: row.subscriber,
    key: row.key ?? undefined,
    remoteId: row.remote_id ?? undefined,
    state: row.state,
    shadow: row.shadow === null ? emptyShadow : (JSON.parse(row.shadow) as Shadow),
    version: row.version ?? undefined,
    generation: row.generation,
    fence: row.fence,
    lane: row.lane,
    look: row.look,
    sight: row.sight === null ? undefined : (JSON.parse(row.sight) as unknown),
    gone: row.gone,
    deleted: row.deleted,
    editedAt: row.edited_at ?? undefined,
    editedBy: row.edited_by ?? undefined,
    remoteEditedAt: row.remote_edited_at ?? undefined,
    attempts: row.attempts,
    failing: row.failing,
    flips: row.flips === null ? {} : (JSON.parse(row.flips) as Flips),
    planned: row.planned === null ? undefined : (JSON.parse(row.planned) as Planned),
    claims: row.claims ?? undefined,
    createdAt: row.created_at,
  };
}

/**
 * Who may be paired now. A link with one side only waits while the first load goes on (or, queued by a later one, while that
 * does); a record's waits on until every remote that the load listed has been judged. Else a record could get a second remote
 * while its own lies on a page that nobody has read yet, or one that two may claim would be taken by whoever comes first. What
 * has an open intent goes first: remotes that may be what it made wait for it.
 */
const pairable = `(state <> 'new'
  or exists (select from syncflow.intent i where i.link_id = link.id and i.closed_at is null)
  or not exists (select from syncflow.run r where r.subscriber = $1 and r.kind = 'backfill' and r.finished_at is null
      and not exists (select from syncflow.run e where e.subscriber = $1 and e.kind = 'backfill' and e.id < r.id))
    and (lane < 2 or not exists (select from syncflow.run r where r.subscriber = $1 and r.kind = 'backfill' and r.finished_at is null))
    and (key is null or not exists (select from syncflow.link u
      where u.subscriber = $1 and u.key is null and u.state = 'new' and u.due_at is not null and u.parked_code is null and not u.paused
        and u.waits_for is null and u.attempts < 3 -- one that fails again and again mustn't hold up the others
        and u.created_at <= (select max(r.finished_at) from syncflow.run r where r.subscriber = $1 and r.kind = 'backfill'))))`;

export interface Claim {
  readonly subscriber: string;
  readonly limit: number;
  readonly owner: string;
  readonly leaseMs: number;
  /** None that is less urgent. */
  readonly mostLane?: number;
}

/** Of every lane. */
const anyLane = 32_767;

/** `claimLinks`, at the same cost however much is due. */
export function claimFromBacklog(db: Database, claim: Claim): Promise<Link[]> {
  return db.transaction((tx) => claimLinks(tx, claim), { byIndex: 'ordered' });
}

/** Claims due links of a subscriber, urgent lanes first. The fence rises with every claim: a later commit under an old one fails. */
export async function claimLinks(db: Queryable, claim: Claim): Promise<Link[]> {
  const rows = await db.query<LinkRow>(
    {
      name: 'syncflow-claim-links',
      text: `with due as materialized (
          select id from syncflow.link
          where subscriber = $1 and lane <= $5::smallint and due_at <= clock_timestamp() and (lease_until is null or lease_until < clock_timestamp())
            and parked_code is null and not paused and not exists (
              select from syncflow.setting where name = 'pause:' || $1 or (name = 'hold:' || $1 and value::timestamptz > clock_timestamp()))
            and ${pairable}
          order by lane, due_at limit $2 for update skip locked
        )
        update syncflow.link l set lease_owner = $3, lease_until = clock_timestamp() + $4::float8 * interval '1 ms', fence = l.fence + 1
        from due where l.id = due.id returning ${linkColumns}`,
    },
    [claim.subscriber, claim.limit, claim.owner, claim.leaseMs, claim.mostLane ?? anyLane],
  );
  return rows.map(toLink);
}

/** Prolongs leases that are still ours; returns the ids of those. */
export async function renewLeases(db: Queryable, links: readonly Link[], leaseMs: number): Promise<Set<string>> {
  const rows = await db.query<{ id: string }>(
    {
      name: 'syncflow-renew-leases',
      text: `update syncflow.link l set lease_until = clock_timestamp() + $2::float8 * interval '1 ms'
     from json_to_recordset($1::json) as r(id bigint, fence bigint)
     where l.id = r.id and l.fence = r.fence and l.lease_owner is not null returning l.id::text as id`,
    },
    [JSON.stringify(links.map(({ id, fence }) => ({ id, fence }))), leaseMs],
  );
  return new Set(rows.map((row) => row.id));
}

/** Ends all leases after so many ms at most: for a hub that nobody else can be working on. */
export async function shortenLeases(db: Queryable, ms: number): Promise<void> {
  await db.query(
    {
      name: 'syncflow-shorten-leases',
      text: `update syncflow.link set lease_until = clock_timestamp() + $1::float8 * interval '1 ms'
     where lease_owner is not null and lease_until > clock_timestamp() + $1::float8 * interval '1 ms'`,
    },
    [ms],
  );
}

/** Somebody is at work on it, or a write of ours has no answer yet. */
const busyColumn = `coalesce(l.lease_until > clock_timestamp(), false)
  or exists (select from syncflow.intent i where i.link_id = l.id and i.closed_at is null) as busy`;

/** A deletion of its remote is under way, and has no answer yet. */
export const leaving = `exists (select from syncflow.intent i where i.link_id = l.id and i.kind = 'delete' and i.closed_at is null)`;

/** Links by (subscriber, key) or (subscriber, remote id), for resolving references and routing events. */
export async function findLinks(
  db: Queryable,
  wanted: readonly { subscriber: string; key?: string | undefined; remoteId?: string | undefined }[],
): Promise<FoundLink[]> {
  if (wanted.length === 0) return [];
  const rows = await db.query<LinkRow & { busy: boolean; leaving: boolean }>(
    {
      name: 'syncflow-find-links',
      text: `select ${linkColumns}, ${busyColumn}, ${leaving} as leaving from json_to_recordset($1::json) as r(subscriber text, key text) join syncflow.link l
          on l.subscriber = r.subscriber and l.key = r.key where r.key is not null
        union all
        select ${linkColumns}, ${busyColumn}, ${leaving} as leaving from json_to_recordset($1::json) as r(subscriber text, "remoteId" text) join syncflow.link l
          on l.subscriber = r.subscriber and l.remote_id = r."remoteId" where r."remoteId" is not null`,
    },
    [JSON.stringify(wanted)],
  );
  return rows.map((row) => ({ ...toLink(row), busy: row.busy, leaving: row.leaving }));
}

/** A link that was locked, whether it is free to be taken over, and why it is parked. */
export interface LockedLink {
  readonly link: Link;
  readonly busy: boolean;
  readonly parked: ParkCode | undefined;
}

/** Locks the links of records, in the order of their ids. By key; records without one are left out. */
export async function lockRecordLinks(
  tx: Queryable,
  subscriber: string,
  keys: readonly RecordKey[],
): Promise<Map<RecordKey, LockedLink>> {
  if (keys.length === 0) return new Map();
  const rows = await tx.query<LinkRow & { busy: boolean; parked_code: ParkCode | null }>(
    {
      name: 'syncflow-lock-record-links',
      text: `select ${linkColumns}, ${busyColumn}, l.parked_code from syncflow.link l
        where l.subscriber = $1 and l.key in (select value from json_array_elements_text($2::json)) order by l.id for update of l`,
    },
    [subscriber, JSON.stringify(keys)],
  );
  return new Map(
    rows.map((row) => [row.key ?? '', { link: toLink(row), busy: row.busy, parked: row.parked_code ?? undefined }]),
  );
}

/** Of these links, the ids of those whose lease is still ours. They stay locked until the transaction ends. */
export async function holdLeases(tx: Queryable, links: readonly Link[]): Promise<Set<string>> {
  return new Set(
    await lockLinks(
      tx,
      'lease',
      links.map(({ id, fence }) => ({ id, fence })),
    ),
  );
}

/** Whether a lease is still ours; locks the link until the transaction ends. */
export async function holdsLease(tx: Queryable, link: Link): Promise<boolean> {
  return (await holdLeases(tx, [link])).size === 1;
}

/** Deletes links by id (a remote-only link that turned out to be the remote of another, or one with nothing on either side). */
export async function deleteLinks(tx: Queryable, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-delete-links',
      text: 'delete from syncflow.link where id in (select value::bigint from json_array_elements_text($1::json))',
    },
    [JSON.stringify(ids)],
  );
}

/** How the links to be locked are named. */
const linksBy = {
  lease: 'l.id = r.id and l.fence = r.fence',
  key: 'l.subscriber = r.subscriber and l.key = r.key',
  remote: 'l.subscriber = r.subscriber and l.remote_id = r."remoteId"',
} as const;

/**
 * Locks links in the order of their ids: whoever changes several does this first, so that no two can wait for each other. A
 * statement of its own, because one that has waited for a lock may judge by what it saw before (and clear a "due" that came
 * in meanwhile). Returns their ids.
 */
export async function lockLinks(
  tx: Queryable,
  by: keyof typeof linksBy,
  rows: readonly object[],
): Promise<readonly string[]> {
  if (rows.length === 0) return [];
  const locked = await tx.query<{ id: string }>(
    {
      name: `syncflow-lock-links-by-${by}`,
      text: `select l.id::text as id from syncflow.link l join json_to_recordset($1::json) as r(id bigint, fence bigint, subscriber text, key text, "remoteId" text)
     on ${linksBy[by]} order by l.id for update of l`,
    },
    [JSON.stringify(rows)],
  );
  return locked.map((row) => row.id);
}

/** Gives links back unchanged, to be claimed again at once. */
export async function releaseLeases(tx: Queryable, links: readonly Link[]): Promise<void> {
  if (links.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-release-leases',
      text: `update syncflow.link l set lease_owner = null, lease_until = null, fence = l.fence + 1 from json_to_recordset($1::json) as r(id bigint, fence bigint)
     where l.id = r.id and l.fence = r.fence`,
    },
    [JSON.stringify(links.map(({ id, fence }) => ({ id, fence })))],
  );
}
