/** What people decided about logged conflicts. */
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import { storableJson, storableText, type Queryable } from './database.js';

/** Which value was taken: a side's as it was logged, or another. */
export type Taken = 'hub' | 'remote' | 'value';

export interface LoggedConflict {
  readonly id: string;
  readonly subscriber: string;
  readonly key: RecordKey | null;
  readonly unit: string;
  /** Canonical text. */
  readonly hub: Json;
  /** As the remote showed it. */
  readonly remote: Json;
  readonly resolvedBy: string | null;
}

/** Reads an entry of the log and locks it, so that no two resolve it. */
export async function lockConflict(tx: Queryable, id: string): Promise<LoggedConflict | undefined> {
  type Text = Record<'hub' | 'remote', string | null>;
  const [row] = await tx.query<Omit<LoggedConflict, keyof Text> & Text>(
    {
      name: 'syncflow-lock-conflict',
      text: `select id::text as id, subscriber, key, unit, hub::text as hub, remote::text as remote, resolved_by as "resolvedBy"
        from syncflow.conflict where id = $1 for update`,
    },
    [id],
  );
  if (row === undefined) return undefined;
  const value = (text: string | null): Json => (text === null ? null : (JSON.parse(text) as Json));
  return { ...row, hub: value(row.hub), remote: value(row.remote) };
}

export async function markResolved(
  tx: Queryable,
  id: string,
  resolution: { readonly taken: Taken; readonly value: Json; readonly by: string },
): Promise<void> {
  await tx.query(
    {
      name: 'syncflow-mark-resolved',
      text: `update syncflow.conflict set resolved_at = clock_timestamp(), resolved_by = $2, resolution = $3::json where id = $1`,
    },
    [id, storableText(resolution.by), storableJson({ taken: resolution.taken, value: resolution.value })],
  );
}
