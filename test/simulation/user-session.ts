/** What people do with the hub's own tables, past the library. */
import type { Database, Queryable, Statement } from '../../src/store/database.js';

export interface CustomerRow {
  readonly id: number;
  readonly code: string;
  readonly name: string;
  readonly email: string | null;
  readonly city: string | null;
  /** The code of the customer that comes after it, as a main class with a `save` of its own keeps it. */
  readonly follower: string | null;
}

export interface OrderRow {
  readonly id: number;
  readonly code: string;
  readonly customer_id: number;
  readonly note: string | null;
}

export interface LineRow {
  readonly id: number;
  readonly order_id: number;
  readonly label: string;
  readonly text: string | null;
}

/** A table and those that refer to it. */
const withReferring = {
  customer: 'customer, orders, order_line',
  orders: 'orders, order_line',
  order_line: 'order_line',
} as const;

/** The tables of the simulated world, by name. */
export interface UserTables {
  readonly customer: CustomerRow;
  readonly orders: OrderRow;
  readonly order_line: LineRow;
}
export type UserTable = keyof UserTables;

/** Columns besides the key, with the type that a parameter is cast to. */
export const userColumns = {
  customer: { code: 'text', name: 'text', email: 'text', city: 'text', follower: 'text' },
  orders: { code: 'text', customer_id: 'bigint', note: 'text' },
  order_line: { order_id: 'bigint', label: 'text', text: 'text' },
} as const satisfies { [T in UserTable]: Readonly<Record<Exclude<keyof UserTables[T], 'id'>, 'text' | 'bigint'>> };

type Columns<T extends UserTable> = Omit<UserTables[T], 'id'>;
type ColumnOf<T extends UserTable> = string & keyof Columns<T>;

export interface LinkRow {
  readonly id: string;
  readonly subscriber: string;
  readonly key: string | null;
  readonly remote_id: string | null;
  readonly state: string;
  readonly parked_code: string | null;
  readonly parked_reason: string | null;
  readonly due: boolean;
  readonly leased: boolean;
  readonly shadow: string | null;
}

export interface EventRow {
  readonly subscriber: string;
  readonly event_id: string;
  readonly settled: boolean;
}

export interface CursorRow {
  readonly subscriber: string;
  readonly value: string;
}

/** How much of each is left once the world is quiet. */
export interface Counts {
  readonly marks: number;
  readonly sleepers: number;
  readonly settings: number;
  readonly runs: number;
}

/** Intents without an outcome. */
export interface IntentRow {
  readonly link_id: string;
  readonly kind: string;
}

/** When a write was decided, in ms. */
export interface PlannedRow {
  readonly idempotency_key: string;
  readonly at: number;
}

/** A record that inward sync made. */
export interface MadeRow {
  readonly subscriber: string;
  readonly key: string | null;
  readonly remote_id: string | null;
}

export interface LoggedConflict {
  readonly link_id: string;
  readonly subscriber: string;
  readonly key: string | null;
  readonly base: string | null;
  readonly hub: string | null;
  readonly remote: string | null;
}

/** A person's connection to the hub. Each call is one statement, and every statement has a name of its own. */
export class UserSession {
  readonly #db: Queryable;

  constructor(db: Queryable) {
    this.#db = db;
  }

  /** All rows, by key. `lock`: they stay as they are until the transaction ends. */
  rows<T extends UserTable>(table: T, options: { lock?: boolean } = {}): Promise<UserTables[T][]> {
    return this.#db.query<UserTables[T]>(selectRows(table, options.lock === true));
  }

  /** Returns the key. Given one, it is inserted under that: the life of a row that was deleted begins anew. */
  async insert<T extends UserTable>(table: T, values: Columns<T>, id?: number): Promise<number> {
    const names = Object.keys(userColumns[table]) as ColumnOf<T>[];
    const params = names.map((name) => values[name] as string | number | null);
    const [row] = await this.#db.query<{ id: number }>(
      insertRow(table, id !== undefined),
      id === undefined ? params : [...params, id],
    );
    if (row === undefined) throw new Error(`${table}: the insert stored no row`);
    return row.id;
  }

  /** Sets one column of some rows in one statement: values by key. */
  async set<T extends UserTable, C extends ColumnOf<T>>(
    table: T,
    column: C,
    values: ReadonlyMap<number, Columns<T>[C]>,
  ): Promise<void> {
    await this.#db.query(setColumn(table, column), [JSON.stringify([...values].map(([id, value]) => ({ id, value })))]);
  }

  /** Changes a row's key. */
  async rekey(table: UserTable, from: number, to: number): Promise<void> {
    await this.#db.query({ name: `user-rekey-${table}`, text: `update ${table} set id = $2 where id = $1` }, [
      from,
      to,
    ]);
  }

  /** Changes the keys of several rows in one statement: they may take each other's. Fails where the key's constraint isn't deferrable. */
  async rekeyAll(table: UserTable, moves: readonly { readonly from: number; readonly to: number }[]): Promise<void> {
    const text = `update ${table} t set id = r."to" from json_to_recordset($1::json) as r("from" bigint, "to" bigint) where t.id = r."from"`;
    await this.#db.query({ name: `user-rekey-all-${table}`, text }, [JSON.stringify(moves)]);
  }

  /** Deletes rows in one statement; the lines of an order go with it. */
  async delete(table: UserTable, ids: readonly number[]): Promise<void> {
    await this.#db.query(
      {
        name: `user-delete-${table}`,
        text: `delete from ${table} where id in (select value::bigint from json_array_elements_text($1::json))`,
      },
      [JSON.stringify(ids)],
    );
  }

  /** TRUNCATE of a table and of those that refer to it. */
  /** Triggers are off until the transaction ends. */
  async silence(): Promise<void> {
    await this.#db.query({
      name: 'user-silence',
      text: `select set_config('session_replication_role', 'replica', true)`,
    });
  }

  /** Nobody writes to it, or to those that refer to it, until the transaction ends: what is read then is all that is truncated. */
  async lockWhole(table: UserTable): Promise<void> {
    await this.#db.query({
      name: `user-lock-whole-${table}`,
      text: `lock table ${withReferring[table]} in access exclusive mode`,
    });
  }

  async truncate(table: UserTable): Promise<void> {
    await this.#db.query({ name: `user-truncate-${table}`, text: `truncate ${withReferring[table]}` });
  }

  /** What Syncflow keeps, for the final check. */
  links(): Promise<LinkRow[]> {
    return this.#db.query<LinkRow>(linksStatement);
  }
  events(): Promise<EventRow[]> {
    return this.#db.query<EventRow>(eventsStatement);
  }
  cursors(): Promise<CursorRow[]> {
    return this.#db.query<CursorRow>(cursorsStatement);
  }
  openIntents(): Promise<IntentRow[]> {
    return this.#db.query<IntentRow>(openIntentsStatement);
  }
  planned(): Promise<PlannedRow[]> {
    return this.#db.query<PlannedRow>(plannedStatement);
  }
  made(): Promise<MadeRow[]> {
    return this.#db.query<MadeRow>(madeStatement);
  }
  async counts(): Promise<Counts> {
    const [row] = await this.#db.query<Counts>(countsStatement);
    return row ?? { marks: 0, sleepers: 0, settings: 0, runs: 0 };
  }
  conflicts(): Promise<LoggedConflict[]> {
    return this.#db.query<LoggedConflict>(conflictsStatement);
  }
}

/** A person waits for a row. */
const patienceMs = 600_000;

/** A session outside of any transaction, which can open one. */
export class User extends UserSession {
  readonly #database: Database;

  constructor(database: Database) {
    super(database);
    this.#database = database;
  }

  transaction<T>(work: (session: UserSession) => Promise<T>): Promise<T> {
    return this.#database.transaction((tx) => work(new UserSession(tx)), { lockTimeoutMs: patienceMs });
  }
}

/** Whole numbers come as such: `bigint` would be text. */
function selectRows(table: UserTable, lock: boolean): Statement {
  const columns = Object.entries(userColumns[table]).map(([name, type]) =>
    type === 'bigint' ? `t.${name}::int as ${name}` : `t.${name}`,
  );
  const text = `select t.id::int as id, ${columns.join(', ')} from ${table} t order by t.id`;
  return lock ? { name: `user-lock-${table}`, text: `${text} for update` } : { name: `user-rows-${table}`, text };
}

function insertRow(table: UserTable, withKey: boolean): Statement {
  const names = [...Object.keys(userColumns[table]), ...(withKey ? ['id'] : [])];
  const values = names.map((_, index) => `$${index + 1}`);
  return {
    name: `user-${withKey ? 'reinsert' : 'insert'}-${table}`,
    text: `insert into ${table} (${names.join(', ')}) values (${values.join(', ')}) returning id::int as id`,
  };
}

function setColumn(table: UserTable, column: string): Statement {
  const type = (userColumns[table] as Readonly<Record<string, string>>)[column] ?? 'text';
  return {
    name: `user-set-${table}-${column}`,
    text: `update ${table} t set ${column} = r.value from json_to_recordset($1::json) as r(id bigint, value ${type}) where t.id = r.id`,
  };
}

const linksStatement = {
  name: 'user-links',
  text: `select id::text as id, subscriber, key, remote_id, state, parked_code, parked_reason, due_at is not null as due,
      lease_owner is not null as leased, shadow::text as shadow
    from syncflow.link order by link.id`,
};

const conflictsStatement = {
  name: 'user-conflicts',
  text: `select link_id::text as link_id, subscriber, key, base::text as base, hub::text as hub, remote::text as remote
    from syncflow.conflict order by conflict.id`,
};

const eventsStatement = {
  name: 'user-events',
  text: `select subscriber, event_id, settled_at is not null as settled from syncflow.inbox order by inbox.id`,
};

const cursorsStatement = {
  name: 'user-cursors',
  text: `select subscriber, value from syncflow.cursor where name = 'changes' order by subscriber`,
};

const openIntentsStatement = {
  name: 'user-open-intents',
  text: `select link_id::text as link_id, kind from syncflow.intent where closed_at is null order by intent.id`,
};

const plannedStatement = {
  name: 'user-planned',
  text: `select idempotency_key, (extract(epoch from created_at) * 1000)::float8 as at from syncflow.intent order by intent.id`,
};

const madeStatement = {
  name: 'user-made',
  text: `select subscriber, key, remote_id from syncflow.history where event = 'record-created' order by history.id`,
};

const countsStatement = {
  name: 'user-counts',
  text: `select (select count(*)::int from syncflow.mark) as marks, (select count(*)::int from syncflow.sleeper) as sleepers,
    (select count(*)::int from syncflow.setting) as settings, (select count(*)::int from syncflow.run where finished_at is null) as runs`,
};
