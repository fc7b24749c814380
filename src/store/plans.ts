/** Plans of first loads, and what they say of each remote and record: written and read by pages. */
import type { RecordKey } from '../catalog/key.js';
import type { Detail, ItemKind } from '../first-load/item.js';
import { storableJson, type Database, type Queryable } from './database.js';
import { isoUtc } from './iso.js';

export type PlanState = 'drafting' | 'ready' | 'checking' | 'applying' | 'applied';

export interface StoredPlan {
  readonly id: string;
  readonly subscriber: string;
  readonly state: PlanState;
  readonly createdAt: string;
}

/** What a person has decided about an ambiguous item. */
export interface ItemDecision {
  readonly do: 'link' | 'new' | 'leave';
  readonly key?: RecordKey;
}

export interface PlanItem {
  readonly id: string;
  readonly kind: ItemKind | 'listed';
  readonly remoteId: string | null;
  readonly key: RecordKey | null;
  readonly claims: string | null;
  readonly sight: unknown;
  readonly detail: Detail;
  readonly decision: ItemDecision | null;
}

/** Begins a plan; one of the same subscriber that was never finished gives way. */
export function beginPlan(db: Database, subscriber: string, state: 'drafting' | 'checking'): Promise<string> {
  return db.transaction(async (tx) => {
    await tx.query(
      {
        name: 'syncflow-drop-unfinished-plans',
        text: `delete from syncflow.plan where subscriber = $1 and state in ('drafting', 'checking')`,
      },
      [subscriber],
    );
    const [made] = await tx.query<{ id: string }>(
      {
        name: 'syncflow-begin-plan',
        text: 'insert into syncflow.plan (subscriber, state) values ($1, $2) returning id::text as id',
      },
      [subscriber, state],
    );
    if (made === undefined) throw new Error('an insert returned no row');
    return made.id;
  });
}

/** The newest plan of a subscriber that is ready, or was applied. */
export async function latestPlan(db: Queryable, subscriber: string): Promise<StoredPlan | undefined> {
  const [plan] = await db.query<StoredPlan>(
    {
      name: 'syncflow-latest-plan',
      text: `select id::text as id, subscriber, state, ${isoUtc('created_at')} as "createdAt" from syncflow.plan
        where subscriber = $1 and state in ('ready', 'applying', 'applied') order by id desc limit 1`,
    },
    [subscriber],
  );
  return plan;
}

/** Moves a plan on; plans of its subscriber before it are dropped once it is ready or applied. */
export async function setPlanState(tx: Queryable, id: string, state: PlanState): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-set-plan-state',
      text: `update syncflow.plan set state = $2, ready_at = case when $2 = 'ready' then clock_timestamp() else ready_at end,
        applied_at = case when $2 = 'applied' then clock_timestamp() end where id = $1`,
    },
    [id, state],
  );
}

/** Drops plans of a subscriber: those before one, or all. Returns how many. */
export async function dropPlans(tx: Queryable, subscriber: string, before?: string): Promise<number> {
  const rows = await tx.query(
    {
      name: 'syncflow-drop-plans',
      text: `delete from syncflow.plan where subscriber = $1 and ($2::bigint is null or id < $2) returning id`,
    },
    [subscriber, before ?? null],
  );
  return rows.length;
}

/** Remotes of a page of the listing. One that shifts to another page meanwhile is noted once, as it was seen last. */
export async function insertListed(
  tx: Queryable,
  plan: string,
  rows: readonly { readonly remoteId: string; readonly sight: unknown; readonly claims: string | null }[],
): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-plan-listed',
      text: `insert into syncflow.plan_item as i (plan_id, remote_id, sight, claims)
        select $2::bigint, r."remoteId", r.sight, r.claims from json_to_recordset($1::json) as r("remoteId" text, sight json, claims text)
        on conflict (plan_id, remote_id) where remote_id is not null do update set sight = excluded.sight, claims = excluded.claims`,
    },
    [storableJson(rows), plan],
  );
}

/** What was judged of items that stand there already. */
export interface JudgedItem {
  readonly id: string;
  readonly kind: ItemKind;
  readonly key: RecordKey | null;
  readonly detail: Detail;
  readonly says: string;
}

export async function saveJudged(tx: Queryable, rows: readonly JudgedItem[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-plan-judged',
      text: `update syncflow.plan_item i set kind = r.kind, key = r.key, detail = r.detail, says = r.says
        from json_to_recordset($1::json) as r(id bigint, kind text, key text, detail json, says text) where i.id = r.id`,
    },
    [storableJson(rows)],
  );
}

export type NewItem = Omit<JudgedItem, 'id'> & { readonly remoteId: string | null; readonly sight?: unknown };

export async function insertItems(tx: Queryable, plan: string, rows: readonly NewItem[]): Promise<void> {
  if (rows.length === 0) return;
  await tx.query(
    {
      name: 'syncflow-plan-records',
      text: `insert into syncflow.plan_item (plan_id, kind, remote_id, key, sight, detail, says)
        select $2::bigint, r.kind, r."remoteId", r.key, r.sight, r.detail, r.says
        from json_to_recordset($1::json) as r(kind text, "remoteId" text, key text, sight json, detail json, says text)
        on conflict do nothing`,
    },
    [storableJson(rows), plan],
  );
}

/** Items in the order in which they were written, after one of them. */
export async function itemsAfter(
  db: Queryable,
  plan: string,
  after: string,
  limit: number,
  filter: { readonly kind?: string | undefined; readonly undecided?: boolean | undefined } = {},
): Promise<PlanItem[]> {
  const rows = await db.query<
    Omit<PlanItem, 'sight' | 'detail' | 'decision'> & { sight: string | null; detail: string; decision: string | null }
  >(
    {
      name: 'syncflow-plan-items',
      text: `select i.id::text as id, i.kind, i.remote_id as "remoteId", i.key, i.claims, i.sight::text as sight, i.detail::text as detail,
          i.decision::text as decision
        from syncflow.plan_item i
        where i.plan_id = $1 and i.id > $2::bigint and ($4::text is null or i.kind = $4) and (not $5::boolean or i.decision is null)
        order by i.id limit $3`,
    },
    [plan, after, limit, filter.kind ?? null, filter.undecided === true],
  );
  return rows.map((row) => ({
    ...row,
    sight: row.sight === null ? undefined : (JSON.parse(row.sight) as unknown),
    detail: JSON.parse(row.detail) as Detail,
    decision: row.decision === null ? null : (JSON.parse(row.decision) as ItemDecision),
  }));
}

/** Remotes of a plan that make one of these claims. */
export async function claimsInPlan(
  db: Queryable,
  plan: string,
  claims: readonly string[],
): Promise<{ remoteId: string; claims: string }[]> {
  if (claims.length === 0) return [];
  return db.query(
    {
      name: 'syncflow-plan-claims',
      text: `select i.remote_id as "remoteId", i.claims from syncflow.plan_item i join json_array_elements_text($2::json) r on i.claims = r.value
        where i.plan_id = $1 and i.remote_id is not null order by i.remote_id`,
    },
    [plan, JSON.stringify(claims)],
  );
}

/** Remotes of a plan as they were listed. */
export async function sightsInPlan(
  db: Queryable,
  plan: string,
  remoteIds: readonly string[],
): Promise<{ remoteId: string; sight: unknown }[]> {
  if (remoteIds.length === 0) return [];
  const rows = await db.query<{ remoteId: string; sight: string }>(
    {
      name: 'syncflow-plan-sights',
      text: `select i.remote_id as "remoteId", i.sight::text as sight from syncflow.plan_item i
          join json_array_elements_text($2::json) r on i.remote_id = r.value
        where i.plan_id = $1 and i.sight is not null`,
    },
    [plan, JSON.stringify(remoteIds)],
  );
  return rows.map(({ remoteId, sight }) => ({ remoteId, sight: JSON.parse(sight) as unknown }));
}

/** Which of these records a plan speaks of already: as one of a pair, or as a candidate of an ambiguous remote, and of which. */
export async function recordsInPlan(
  db: Queryable,
  plan: string,
  keys: readonly RecordKey[],
): Promise<{ key: RecordKey; candidateOf: string | null }[]> {
  return db.query(
    {
      name: 'syncflow-plan-keys',
      text: `select r.value as key, null as "candidateOf" from json_array_elements_text($2::json) r
          join syncflow.plan_item i on i.plan_id = $1 and i.key = r.value
        union
        select c.value, i.remote_id from syncflow.plan_item i, json_array_elements_text(coalesce(i.detail->'records', '[]')) c
        where i.plan_id = $1 and i.kind = 'ambiguous' and i.remote_id is not null
          and c.value in (select value from json_array_elements_text($2::json))
        order by 1, 2`,
    },
    [plan, JSON.stringify(keys)],
  );
}

/** Pairs of the newest plans of these subscribers: references are followed through them as if they were linked. */
export async function pairsInPlans(
  db: Queryable,
  wanted: readonly { readonly subscriber: string; readonly key?: string; readonly remoteId?: string }[],
): Promise<{ subscriber: string; key: RecordKey; remoteId: string }[]> {
  if (wanted.length === 0) return [];
  return db.query(
    {
      name: 'syncflow-plan-pairs',
      text: `select p.subscriber, i.key, i.remote_id as "remoteId" from (
          select r.subscriber, r.key, r."remoteId", (select max(p.id) from syncflow.plan p where p.subscriber = r.subscriber) as plan_id
          from json_to_recordset($1::json) as r(subscriber text, key text, "remoteId" text)
        ) w join syncflow.plan p on p.id = w.plan_id
        join syncflow.plan_item i on i.plan_id = w.plan_id and (i.key = w.key or i.remote_id = w."remoteId")
        where i.key is not null and i.remote_id is not null`,
    },
    [JSON.stringify(wanted)],
  );
}

/** How many items there are of a kind. */
export interface ItemCount {
  readonly kind: ItemKind;
  readonly count: number;
  /** By a person. */
  readonly decided: number;
  /** In a field. */
  readonly differing: number;
  /** Nothing is made or linked of them, until their cause is mended. */
  readonly parked: number;
  /** They come after what they refer to. */
  readonly waiting: number;
  /** Outside of the subscriber's `where`. */
  readonly outside: number;
}

/** How many items there are of each kind, and how many of those are decided, or stop on their way. */
export async function countItems(db: Queryable, plan: string): Promise<ItemCount[]> {
  return db.query(
    {
      name: 'syncflow-plan-counts',
      text: `select kind, count(*)::int as count, count(decision)::int as decided,
          (count(*) filter (where json_array_length(coalesce(detail->'differ', '[]')) > 0))::int as differing,
          (count(*) filter (where detail->>'stops' = 'parked'))::int as parked,
          (count(*) filter (where detail->>'stops' = 'waiting'))::int as waiting,
          (count(*) filter (where detail->>'stops' = 'outside'))::int as outside
        from syncflow.plan_item where plan_id = $1 group by kind order by kind`,
    },
    [plan],
  );
}

/** Of the pairs: in which fields they differ, and who would win. */
export async function countDifferences(
  db: Queryable,
  plan: string,
): Promise<{ unit: string; winner: 'hub' | 'remote' | 'merged'; rule: string; count: number }[]> {
  return db.query(
    {
      name: 'syncflow-plan-differences',
      text: `select d.value->>'unit' as unit, d.value->>'winner' as winner, d.value->>'rule' as rule, count(*)::int as count
        from syncflow.plan_item i, json_array_elements(coalesce(i.detail->'differ', '[]')) d
        where i.plan_id = $1 group by 1, 2, 3 order by 1, 4 desc, 2, 3`,
    },
    [plan],
  );
}

/** Where one plan says something else than another one. */
export interface MovedItem {
  readonly remoteId: string | null;
  readonly key: RecordKey | null;
  /** What was approved; null where the plan didn't speak of it. */
  readonly before: string | null;
  readonly now: string | null;
}

export async function movedItems(
  db: Queryable,
  approved: string,
  now: string,
  limit: number,
): Promise<{ count: number; items: MovedItem[] }> {
  const rows = await db.query<MovedItem & { total: number }>(
    {
      name: 'syncflow-plan-moved',
      // pairs are named by their remote; a record has a name of its own only as long as it is alone: of one that was in a pair before,
      // the plan spoke as that
      text: `with a as (select remote_id, key, says, coalesce('r' || remote_id, 'k' || key) as name from syncflow.plan_item where plan_id = $1),
          b as (select remote_id, key, says, coalesce('r' || remote_id, 'k' || key) as name from syncflow.plan_item where plan_id = $2)
        select coalesce(b.remote_id, a.remote_id) as "remoteId", coalesce(b.key, a.key) as key,
          coalesce(a.says, (select p.says || coalesce('; remote ' || p.remote_id, '') from a p where p.key = b.key and p.remote_id is not null limit 1)) as before,
          b.says as now, (count(*) over ())::int as total
        from a full join b on a.name = b.name where a.says is distinct from b.says
        order by coalesce(a.name, b.name) limit $3`,
    },
    [approved, now, limit],
  );
  return {
    count: rows[0]?.total ?? 0,
    items: rows.map(({ remoteId, key, before, now: today }) => ({ remoteId, key, before, now: today })),
  };
}

/** The decisions of one plan hold in the next, where that says the same. */
export async function copyDecisions(tx: Queryable, from: string, to: string): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-plan-copy-decisions',
      text: `update syncflow.plan_item b set decision = a.decision from syncflow.plan_item a
        where a.plan_id = $1 and b.plan_id = $2 and a.decision is not null and a.says = b.says
          and ((a.remote_id is not null and a.remote_id = b.remote_id) or (a.remote_id is null and b.remote_id is null and a.key = b.key))`,
    },
    [from, to],
  );
}

/** An item that somebody decides about. */
export interface ItemToDecide {
  readonly id: string;
  readonly kind: ItemKind;
  readonly remoteId: string | null;
  readonly key: RecordKey | null;
  /** Records that it may be, of an ambiguous remote. */
  readonly records: readonly RecordKey[];
}

/** The item of a remote; or of a record, where no remote is named. */
export async function itemToDecide(
  tx: Queryable,
  plan: string,
  of: { readonly remoteId?: string | undefined; readonly key?: string | undefined },
): Promise<ItemToDecide | undefined> {
  const [item] = await tx.query<Omit<ItemToDecide, 'records'> & { records: string }>(
    {
      name: 'syncflow-plan-to-decide',
      text: `select id::text as id, kind, remote_id as "remoteId", key, coalesce(detail->'records', '[]')::text as records
        from syncflow.plan_item
        where plan_id = $1 and case when $2::text is null then key = $3 else remote_id = $2 end
        order by (kind = 'ambiguous') desc limit 1`,
    },
    [plan, of.remoteId ?? null, of.key ?? null],
  );
  return item === undefined ? undefined : { ...item, records: JSON.parse(item.records) as RecordKey[] };
}

/** What a plan says of a record, and what was decided about it: a pair of it, its own item, and remotes that were decided to be its. */
export async function standingOfRecord(
  tx: Queryable,
  plan: string,
  key: RecordKey,
): Promise<{ readonly id: string; readonly remoteId: string | null; readonly do: ItemDecision['do'] | null }[]> {
  return tx.query(
    {
      name: 'syncflow-plan-standing',
      text: `select id::text as id, remote_id as "remoteId", decision->>'do' as do from syncflow.plan_item
        where plan_id = $1 and (key = $2 or (decision is not null and decision->>'key' = $2)) order by id`,
    },
    [plan, key],
  );
}

export async function saveDecision(tx: Queryable, item: string, decision: ItemDecision): Promise<void> {
  await tx.query(
    { name: 'syncflow-plan-decide', text: 'update syncflow.plan_item set decision = $2::json where id = $1' },
    [item, JSON.stringify(decision)],
  );
}
