/** The mass-change brake: too many deletes or updates at once are held until somebody says that they were meant, or takes them back. */
import type { Binding } from '../engine/binding.js';
import type { Queryable } from '../store/database.js';
import type { HistoryEvent } from '../store/history.js';
import type { Link } from '../store/links.js';
import { backfillLane } from '../store/listed.js';

/** How a release of the brake is kept among the settings: until when. It outlasts that: what it let go isn't counted again. */
export const releaseSetting = (subscriber: string): string => `release:${subscriber}`;

/** A kind of change that is counted, and held, by itself. */
export interface BrakedChange {
  readonly direction: 'outward' | 'inward';
  readonly operation: 'delete' | 'update';
}

const events: Readonly<Record<BrakedChange['direction'], Record<BrakedChange['operation'], HistoryEvent>>> = {
  outward: { delete: 'deleted', update: 'updated' },
  inward: { delete: 'record-deleted', update: 'record-updated' },
};

/** Why a record is parked that the brake holds. */
export const brakeCode = { delete: 'brake', update: 'brake-updates' } as const;

/** One inward change of a subscriber at a time, until the transaction ends: each counts those before it. */
export async function lockBrake(tx: Queryable, binding: Binding): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-lock-brake',
      text: `select pg_advisory_xact_lock(hashtext('syncflow'), hashtext('brake:' || $1))`,
    },
    [binding.id],
  );
}

/** Whether updates of this link are counted: not those of a first load, a rescan, or a field that was mapped since. */
export function isBraked({ brake }: Binding, { lane }: Pick<Link, 'lane'>): boolean {
  return brake.updates !== undefined && lane < backfillLane;
}

/**
 * A message when these changes would be too many, with those before them, those that are held, and deletes that are told and wait for
 * their turn: of a mass of them not even the first batch passes. Undefined lets them pass.
 */
export async function overBrake(
  db: Queryable,
  { id, brake }: Pick<Binding, 'id' | 'brake'>,
  { direction, operation }: BrakedChange,
  coming: readonly Pick<Link, 'key' | 'remoteId'>[],
): Promise<string | undefined> {
  const bounds = operation === 'delete' ? brake : brake.updates;
  if (bounds === undefined) return undefined;
  const [row] = await db.query<{ recent: number; held: number; waiting: number; linked: number; released: boolean }>(
    {
      name: 'syncflow-brake',
      text: `with released as (select value::timestamptz as until from syncflow.setting where name = $4),
          coming as (select value as name from json_array_elements_text($5::json))
        select
          (select count(distinct coalesce(h.key, '@' || h.remote_id))::int from syncflow.history h
            where h.subscriber = $1 and h.event = $2 and h.at > clock_timestamp() - $3::float8 * interval '1 second'
              and h.at > coalesce((select until from released), '-infinity') and coalesce((h.detail->>'lane')::int, 0) < ${backfillLane}
              and coalesce(h.key, '@' || h.remote_id) not in (select name from coming)) as recent,
          (select count(*)::int from syncflow.link l where l.subscriber = $1 and l.parked_code = $6 and l.look = $7
              and coalesce(l.key, '@' || l.remote_id) not in (select name from coming)) as held,
          (select count(*)::int from syncflow.link l where $8 and l.subscriber = $1 and l.state = 'linked' and l.key is not null
              and case when $7 then l.gone_at else l.deleted_at end is not null and l.due_at is not null and l.parked_code is null
              and l.key not in (select name from coming)) as waiting,
          (select count(*)::int from syncflow.link where subscriber = $1 and state = 'linked') as linked,
          exists (select from released where until > clock_timestamp()) as released`,
    },
    [
      id,
      events[direction][operation],
      brake.windowSeconds,
      releaseSetting(id),
      JSON.stringify(coming.map(({ key, remoteId }) => key ?? `@${remoteId ?? ''}`)),
      brakeCode[operation],
      direction === 'inward',
      operation === 'delete',
    ],
  );
  if (row === undefined || row.released) return undefined;
  const total = row.recent + row.held + row.waiting + coming.length;
  // what was deleted is linked no more
  const linked = operation === 'delete' ? row.linked + row.recent : row.linked;
  if (total <= bounds.count || total <= bounds.share * linked) return undefined;
  const whose = direction === 'outward' ? 'made here' : 'made there';
  return `${total} ${operation}s ${whose} within ${brake.windowSeconds} s, of ${linked} linked: held until they are released or discarded`;
}
