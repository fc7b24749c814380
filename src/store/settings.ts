/** Settings kept in the hub: the environment it belongs to, pauses, releases of the brake. */
import type { Queryable } from './database.js';

export async function readSetting(db: Queryable, name: string): Promise<string | undefined> {
  const [row] = await db.query<{ value: string }>(
    { name: 'syncflow-read-setting', text: 'select value from syncflow.setting where name = $1' },
    [name],
  );
  return row?.value;
}

export async function writeSetting(db: Queryable, name: string, value: string): Promise<void> {
  await db.query(
    {
      name: 'syncflow-write-setting',
      text: `insert into syncflow.setting (name, value) values ($1, $2) on conflict (name) do update set value = excluded.value`,
    },
    [name, value],
  );
}

export async function dropSetting(db: Queryable, name: string): Promise<void> {
  await db.query({ name: 'syncflow-drop-setting', text: 'delete from syncflow.setting where name = $1' }, [name]);
}

/** Ends what `holdSubscriber` began: the credentials are back, say. What waited for that is due now, and its system is read again. */
export async function liftHold(db: Queryable, subscribers: readonly string[]): Promise<void> {
  const ids = JSON.stringify(subscribers);
  await db.query(
    {
      name: 'syncflow-lift-deaf',
      text: `delete from syncflow.setting where name in (select 'deaf:' || value from json_array_elements_text($1::json))`,
    },
    [ids],
  );
  const lifted = await db.query(
    {
      name: 'syncflow-lift-hold',
      text: `delete from syncflow.setting where name in (select 'hold:' || value from json_array_elements_text($1::json)) returning name`,
    },
    [ids],
  );
  if (lifted.length === 0) return;
  await db.query(
    {
      name: 'syncflow-lift-hold-links',
      text: `update syncflow.link set due_at = clock_timestamp()
     where due_at > clock_timestamp() and subscriber in (select value from json_array_elements_text($1::json))`,
    },
    [ids],
  );
}

/** How a subscriber's fields were mapped when it was last started: whoever was ever started has one. */
export const mappingSetting = (subscriber: string): string => `mapping:${subscriber}`;

/** Why nothing is heard from a subscriber's system at present. */
export const deafSetting = (subscriber: string): string => `deaf:${subscriber}`;

/** Names of settings that begin with a prefix, without it. */
export async function settingsUnder(db: Queryable, prefix: string): Promise<Map<string, string>> {
  const rows = await db.query<{ name: string; value: string }>(
    { name: 'syncflow-settings-under', text: `select name, value from syncflow.setting where starts_with(name, $1)` },
    [prefix],
  );
  return new Map(rows.map((row) => [row.name.slice(prefix.length), row.value]));
}

/** Nothing of this subscriber is claimed for so many ms: its credentials or its quota are used up. */
export function holdSubscriber(db: Queryable, subscriber: string, ms: number): Promise<void> {
  return writeEnd(db, `hold:${subscriber}`, ms);
}

/** A setting that lasts for so many ms from now, by the hub's clock: it is judged by that, and a worker's own may be wrong. */
export async function writeEnd(db: Queryable, name: string, ms: number): Promise<void> {
  await db.query(
    {
      name: 'syncflow-write-end',
      text: `insert into syncflow.setting (name, value) values ($1, (clock_timestamp() + $2::float8 * interval '1 ms')::text)
     on conflict (name) do update set value = excluded.value`,
    },
    [name, ms],
  );
}
