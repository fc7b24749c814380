/** Records that are linked without having been sent, as a first load would have left them. */
import type { Hub } from '../harness/hub.js';
import { insertCustomers } from './plain-customer.js';

export interface LinkedCustomers {
  readonly subscriber: string;
  readonly count: number;
  /** SQL: the remote of the record `id`. `g7` unless given. */
  readonly remoteId?: string;
  /** What the remotes' versions are; none unless given. */
  readonly version?: string;
}

/** Rows and links; the hub must be ready, and nobody at work on it. */
export async function insertLinked(hub: Hub, { subscriber, count, remoteId, version }: LinkedCustomers): Promise<void> {
  const { pool } = hub;
  await pool.query('alter table customer disable trigger user');
  await pool.query(insertCustomers, [1, count]);
  await pool.query('alter table customer enable trigger user');
  await pool.query(
    `insert into syncflow.link (subscriber, key, remote_id, state, shadow, version, settled_at)
     select $1, json_build_array(id::text)::text, ${remoteId ?? "'g' || id"}, 'linked', json_build_object('units', json_build_object(
         'email', json_build_object('h', email, 'r', email), 'name', json_build_object('h', name, 'r', name),
         'phone', json_build_object('h', phone, 'r', phone), 'city', json_build_object('h', city, 'r', city))), $2, clock_timestamp()
       from customer`,
    [subscriber, version ?? null],
  );
}
