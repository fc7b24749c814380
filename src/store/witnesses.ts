/** Remotes that must be there: whoever shows none of them hides what it has. */
import type { Queryable } from './database.js';

/** Ids of some remotes that are paired, and not known to be hidden or deleted. */
export async function pairedRemotes(db: Queryable, subscriber: string, limit: number): Promise<string[]> {
  const rows = await db.query<{ remoteId: string }>(
    {
      name: 'syncflow-paired-remotes',
      text: `select remote_id as "remoteId" from syncflow.link
        where subscriber = $1 and remote_id is not null and key is not null and state = 'linked' and parked_code is null
          and gone_at is null and deleted_at is null
        order by remote_id limit $2`,
    },
    [subscriber, limit],
  );
  return rows.map((row) => row.remoteId);
}

/** Whether another record of the subscriber may become such a witness: it is about to get its first remote, or its own isn't shown just now. */
export async function witnessesComing(db: Queryable, subscriber: string, linkId: string): Promise<boolean> {
  const rows = await db.query(
    {
      name: 'syncflow-witnesses-coming',
      text: `select 1 from syncflow.link
        where subscriber = $1 and id <> $2 and key is not null
          and (remote_id is null and state = 'new' and due_at is not null and parked_code is null and not paused and waits_for is null
            or state = 'linked' and parked_code = 'remote-missing') limit 1`,
    },
    [subscriber, linkId],
  );
  return rows.length > 0;
}
