/**
 * Inward sync as one writes it by hand for one table and one system: each batch is one statement, and so one transaction and one round
 * trip. It writes the rows that Syncflow writes, in the state in which that leaves them.
 */
import type pg from 'pg';
import type { PlainCustomer } from '../shop/plain-customer.js';

export interface ToldRemote {
  readonly eventId: string;
  readonly remote: PlainCustomer;
}

const given = `given as materialized (select r.*, json_build_object('units', json_build_object(
    'email', json_build_object('h', r.email, 'r', r.email), 'name', json_build_object('h', r.name, 'r', r.name),
    'phone', json_build_object('h', r.phone, 'r', r.phone), 'city', json_build_object('h', r.city, 'r', r.city)), 'children', json_build_object()) as shadow
  from json_to_recordset($1::json) as r("eventId" text, "remoteId" text, version text, email text, name text, phone text, city text))`;

/** An event that is there already has no effect. */
const stored = `stored as (insert into syncflow.inbox (subscriber, event_id, remote_id, kind, payload, settled_at)
  select 'customer/told', "eventId", "remoteId", 'changed', '{}', clock_timestamp() from given
  on conflict (subscriber, event_id) do nothing returning event_id)`;

const marked = (op: 'I' | 'U', from: string): string =>
  `insert into syncflow.mark (catalog, key, op, origin, except_subscribers)
   select 'customer', json_build_array(id::text)::text, '${op}', 'customer/told', '["customer/told"]' from ${from}`;

const statements = {
  created: `with ${given}, ${stored},
    fresh as materialized (select nextval(pg_get_serial_sequence('customer', 'id')) as id, given.* from given join stored on stored.event_id = given."eventId"),
    rows as (insert into customer (id, email, name, phone, city) select id, email, name, phone, city from fresh),
    links as (insert into syncflow.link (subscriber, key, remote_id, state, shadow, version, generation, fence, settled_at)
      select 'customer/told', json_build_array(id::text)::text, "remoteId", 'linked', shadow, version, 1, 2, clock_timestamp() from fresh)
    ${marked('I', 'fresh')}`,
  edited: `with ${given}, ${stored},
    links as (update syncflow.link l set shadow = given.shadow, version = given.version, generation = l.generation + 1, fence = l.fence + 2, settled_at = clock_timestamp()
      from given join stored on stored.event_id = given."eventId" where l.subscriber = 'customer/told' and l.remote_id = given."remoteId"
      returning (l.key::json->>0)::bigint as id, given.email, given.name, given.phone, given.city),
    rows as (update customer c set email = links.email, name = links.name, phone = links.phone, city = links.city from links where c.id = links.id returning c.id)
    ${marked('U', 'rows')}`,
} as const;

export async function writeBatch(
  pool: pg.Pool,
  what: keyof typeof statements,
  batch: readonly ToldRemote[],
): Promise<void> {
  const rows = batch.map(({ eventId, remote: { id, version, email, name, phone, city } }) => ({
    eventId,
    remoteId: id,
    version: String(version),
    email,
    name,
    phone,
    city,
  }));
  const { rowCount } = await pool.query({
    name: `batch-${what}`,
    text: statements[what],
    values: [JSON.stringify(rows)],
  });
  if (rowCount !== batch.length)
    throw new Error(`the batch of ${batch.length} ${what} has marked ${String(rowCount)} rows`);
}
