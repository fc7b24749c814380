/** The mass-change brake: too many deletes at once are held until somebody says that they were meant. */
import type { Binding } from '../engine/binding.js';
import type { Queryable } from '../store/database.js';

/** How a release of the brake is kept among the settings: until when. */
export const releaseSetting = (subscriber: string): string => `release:${subscriber}`;

/** One inward delete of a subscriber at a time, until the transaction ends: each counts those before it. */
export async function lockBrake(tx: Queryable, binding: Binding): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-lock-brake',
      text: `select pg_advisory_xact_lock(hashtext('syncflow'), hashtext('brake:' || $1))`,
    },
    [binding.id],
  );
}

/** A message when `coming` more deletes would be too many; undefined lets them pass. */
export async function overBrake(
  db: Queryable,
  binding: Binding,
  event: 'deleted' | 'record-deleted',
  coming: number,
): Promise<string | undefined> {
  const { brake } = binding;
  const [row] = await db.query<{ recent: number; linked: number; released: boolean }>(
    {
      name: 'syncflow-brake',
      text: `select
          (select count(*)::int from syncflow.history where subscriber = $1 and event = $2 and at > clock_timestamp() - $3::float8 * interval '1 second') as recent,
          (select count(*)::int from syncflow.link where subscriber = $1 and state = 'linked') as linked,
          exists (select from syncflow.setting where name = $4 and value::timestamptz > clock_timestamp()) as released`,
    },
    [binding.id, event, brake.windowSeconds, releaseSetting(binding.id)],
  );
  if (row === undefined || row.released) return undefined;
  const total = row.recent + coming;
  if (total <= brake.count || total <= brake.share * (row.linked + row.recent)) return undefined;
  return `${total} deletes within ${brake.windowSeconds} s, of ${row.linked + row.recent} linked: held until released`;
}
