/**
 * Repair takes the ordinary road: a remote that differs becomes an event in the inbox, a record without a remote becomes due. Their
 * own passes then read both sides anew and merge by authority, with conflicts, history and brake. Nothing is written here, and
 * nothing is deleted for what a listing didn't show.
 */
import type { RecordKey } from '../catalog/key.js';
import type { Binding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { insertEvents } from '../store/inbox.js';
import { queueRecords } from '../store/listed.js';
import type { Difference } from './drift.js';

/** Behind live edits, before first loads. */
const repairLane = 1;

/** Returns how many records and remotes were queued. `id` makes a repeated page of the same sweep harmless. */
export async function queueRepairs(
  env: Environment,
  binding: Binding,
  id: string,
  differences: readonly Difference[],
): Promise<number> {
  const wanted = differences.filter(({ repair }) => repair.action !== 'none');
  const remoteIds = new Set(wanted.flatMap(({ remoteId }) => remoteId ?? []));
  const keys = new Set(
    wanted.flatMap(({ key, remoteId }): RecordKey[] => (remoteId === undefined && key !== undefined ? [key] : [])),
  );
  if (remoteIds.size + keys.size === 0) return 0;
  await env.db.transaction(async (tx) => {
    await insertEvents(
      tx,
      [...remoteIds].map((remoteId) => ({
        subscriber: binding.id,
        event: { id: `verify:${id}:${remoteId}`, remoteId, kind: 'changed' },
        lane: repairLane,
      })),
    );
    // its remote may be there and bear its marker: a listing that ended early would have hidden it
    const of = { subscriber: binding.id, catalog: binding.catalog.definition.name };
    await queueRecords(tx, of, [...keys], binding.subscriber.capabilities.marker);
  });
  return remoteIds.size + keys.size;
}

/**
 * So many linked remotes that a listing doesn't show are no deletions, but a permission that was lost, or a listing that broke off:
 * they aren't even asked for. Undefined: few enough.
 */
export function tooManyUnlisted({ brake, id }: Binding, notListed: number, listed: number): string | undefined {
  const linked = notListed + listed;
  if (notListed <= brake.count || notListed <= brake.share * linked) return undefined;
  return `the list shows ${listed} of ${linked} linked remotes: ${notListed} that it doesn't show were left alone. Does the account of ${id} still see all of them?`;
}
