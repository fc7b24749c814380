/** For tests of outward faults: a hub shared by a file's tests, a database that dies at a chosen step, and checks of both sides. */
import { afterEach, expect } from 'vitest';
import { z } from 'zod';
import { Catalog, type CatalogClass } from '../../src/catalog/catalog.js';
import type { Database, Queryable, SqlValue, Statement, TransactionOptions } from '../../src/store/database.js';
import type { SyncflowOptions } from '../../src/syncflow.js';
import { MemorySubscriber, type MemorySystem } from '../../src/testing/memory-system/index.js';
import { startFlow, type World } from './world.js';

/** A catalog of its own name, so that tests can share a hub. */
export function contactCatalog<N extends string>(name: N) {
  class Contact extends Catalog({
    name,
    key: 'id',
    fields: { id: z.int(), email: z.string().nullable(), name: z.string().min(1), city: z.string().nullable() },
  }) {}
  class MemoryContact extends MemorySubscriber<typeof Contact> {
    override readonly mapping = this.map({
      email: 'values.email',
      name: { remote: 'values.name', authority: 'latest' },
      city: { remote: 'values.city', authority: 'remote' },
    });
  }
  return { Contact, MemoryContact };
}

/** Which query is the one that goes wrong: before it reaches the database, or after it was done (its answer is lost). */
export type DeathMode = 'before' | 'after';

/** A database of somebody else's: closing it leaves the hub open. It can die, as a process dies: from then on nothing gets through. */
export class MortalDatabase implements Database {
  readonly #inner: Database;
  readonly #stops: (() => Promise<void>)[] = [];
  #left = Number.POSITIVE_INFINITY;
  #mode: DeathMode = 'before';
  #failOnce: RegExp | undefined;
  #onDeath: (() => void) | undefined;
  dead = false;
  /** The statement at which it died. */
  lastWords = '';
  /** Texts of all statements that got through. */
  readonly statements: string[] = [];

  constructor(inner: Database) {
    this.#inner = inner;
  }

  get description(): string {
    return this.#inner.description;
  }
  get shared(): boolean {
    return this.#inner.shared;
  }
  open(): Promise<void> {
    return this.#inner.open();
  }
  async close(): Promise<void> {
    for (const stop of this.#stops.splice(0)) await stop();
  }
  async listen(channel: string, onNotify: (payload: string) => void): Promise<(() => Promise<void>) | undefined> {
    const stop = await this.#inner.listen(channel, onNotify);
    if (stop !== undefined) this.#stops.push(stop);
    return stop;
  }
  execute(sql: string): Promise<void> {
    return this.#inner.execute(sql);
  }

  /** Dies at the n-th statement from now on (the end of a transaction counts as one). Resolves when it does. */
  dieAt(n: number, mode: DeathMode): Promise<void> {
    this.#left = n;
    this.#mode = mode;
    return new Promise((resolve) => {
      this.#onDeath = resolve;
    });
  }

  /** The next statement that matches fails, once. */
  failOnce(pattern: RegExp): void {
    this.#failOnce = pattern;
  }

  query<R extends object>(statement: string | Statement, params?: readonly SqlValue[]): Promise<R[]> {
    return this.#step(textOf(statement), () => this.#inner.query<R>(statement, params));
  }

  async transaction<T>(work: (tx: Queryable) => Promise<T>, options?: TransactionOptions): Promise<T> {
    const result = await this.#inner.transaction(async (tx) => {
      const done = await work({
        query: <R extends object>(statement: string | Statement, params?: readonly SqlValue[]) =>
          this.#step(textOf(statement), () => tx.query<R>(statement, params)),
      });
      if (this.#dies('commit') && this.#mode === 'before') throw new Error('died');
      return done;
    }, options);
    if (this.dead) throw new Error('died');
    return result;
  }

  async #step<R>(text: string, work: () => Promise<R>): Promise<R> {
    if (this.dead) throw new Error('dead');
    if (this.#failOnce?.test(text) === true) {
      this.#failOnce = undefined;
      throw new Error('the database failed');
    }
    if (text.includes('as pending')) return work(); // the test itself asks
    const dies = this.#dies(text);
    if (dies && this.#mode === 'before') throw new Error('died');
    const result = await work();
    if (dies) throw new Error('died');
    this.statements.push(text);
    return result;
  }

  #dies(text: string): boolean {
    this.#left -= 1;
    if (this.#left !== 0) return false;
    this.dead = true;
    this.lastWords = text.replaceAll(/\s+/g, ' ').slice(0, 90);
    this.#onDeath?.();
    return true;
  }
}

function textOf(statement: string | Statement): string {
  return typeof statement === 'string' ? statement : statement.text;
}

const running: World[] = [];
// a Syncflow that a failed test left running would route the marks of the tests after it
afterEach(async () => {
  for (const { flow } of running.splice(0)) await flow.stop();
});

/**
 * A Syncflow on a borrowed hub, stopped after the test. It polls only when asked to (`flow.sync()`). Its first load is over:
 * that makes records due once more, which would hide what an edit alone does.
 */
export async function startOn(
  db: Database,
  catalogs: readonly CatalogClass[],
  accounts: Record<string, unknown>,
  options: Partial<SyncflowOptions> = {},
  loaded = true,
): Promise<World & { readonly mortal: MortalDatabase }> {
  const mortal = new MortalDatabase(db);
  const world = await startFlow(mortal, catalogs, accounts, { pollIntervalMs: 3_600_000, ...options });
  running.push(world);
  if (loaded) await settle(world);
  return { ...world, mortal };
}

/** Leases of the dead run out at once, and back-offs are over. */
export async function age(db: Database): Promise<void> {
  await db.query(
    `update syncflow.link set lease_until = clock_timestamp() - interval '1 second' where lease_until is not null`,
  );
  await hurry(db);
}
/** Whatever is due later is due now. */
export async function hurry(db: Database): Promise<void> {
  await db.query(`update syncflow.link set due_at = clock_timestamp() where due_at > clock_timestamp()`);
}

/** `settled`, or an error that shows what is pending. */
export async function settle(world: Pick<World, 'flow' | 'db' | 'events'>, withinMs = 15_000): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<'late'>((resolve) => {
    timer = setTimeout(() => {
      resolve('late');
    }, withinMs);
  });
  const first = await Promise.race([world.flow.settled(), late]);
  clearTimeout(timer);
  if (first !== 'late') return;
  const links = await world.db.query(
    `select subscriber, key, remote_id, state, due_at, lease_owner, lease_until, attempts, last_error, waits_for, parked_code from syncflow.link where due_at is not null or lease_owner is not null limit 5`,
  );
  const errors = world.events.filter((one) => one.name === 'error').slice(-3);
  throw new Error(
    `not settled: ${JSON.stringify(links)} errors: ${errors.map(({ event }) => String((event as { error?: unknown }).error)).join(' | ')}`,
  );
}

interface Contact {
  key: string;
  email: string | null;
  name: string;
  city: string | null;
}

const byKey = (a: Contact, b: Contact): number => a.key.localeCompare(b.key);

/** Every record has exactly one remote, with equal values, and nothing is under way or parked. */
export async function expectAgreement(db: Queryable, name: string, system: MemorySystem, as = 'memory'): Promise<void> {
  const rows = await db.query<Contact>(
    `select json_build_array(id::text)::text as key, email, name, city from ${name}`,
  );
  const links = await db.query<{ key: string; remote_id: string }>(
    `select key, remote_id from syncflow.link where subscriber = $1 and state = 'linked' and key is not null and remote_id is not null`,
    [`${name}/${as}`],
  );
  const remotes = links.map(({ key, remote_id: id }) => {
    const values = system.objects.get(id)?.values ?? {};
    return { key, email: values['email'] ?? null, name: values['name'], city: values['city'] ?? null } as Contact;
  });
  expect(remotes.sort(byKey)).toEqual(rows.sort(byKey));
  expect(system.objects.size).toBe(rows.length);
  const [left] = await db.query(
    `select (select count(*)::int from syncflow.intent where closed_at is null and subscriber = $1) as intents,
       (select count(*)::int from syncflow.link where parked_code is not null and subscriber = $1) as parked`,
    [`${name}/${as}`],
  );
  expect(left).toEqual({ intents: 0, parked: 0 });
}

/** Values of the system's objects, without the bookkeeping. */
export function remoteValues(system: MemorySystem): Record<string, unknown>[] {
  return [...system.objects.values()].map(({ values }) => ({ ...values }));
}

/** How often the system was called. */
export function callsOf(system: MemorySystem, call: MemorySystem['calls'][number]['call']): number {
  return system.calls.filter((one) => one.call === call).length;
}

/** Resolves once every mark has been routed. */
export async function marksRouted(db: Queryable): Promise<void> {
  await expect.poll(() => db.query('select 1 from syncflow.mark'), { timeout: 10_000 }).toEqual([]);
}
/** Resolves once an event of that name was emitted. */
export async function emitted(world: Pick<World, 'events'>, name: string): Promise<void> {
  await expect.poll(() => world.events.some((one) => one.name === name), { timeout: 10_000 }).toBe(true);
}
