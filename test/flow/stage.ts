/** One hub for all tests of a file, emptied after each; and contacts, the catalog that most inward tests use. */
import { afterAll, afterEach, beforeAll, vi } from 'vitest';
import { z } from 'zod';
import { Catalog, type CatalogClass } from '../../src/catalog/catalog.js';
import type { Database } from '../../src/store/database.js';
import { leastCapabilities, type Capabilities } from '../../src/subscriber/capabilities.js';
import type { Delivery, RemoteEvent } from '../../src/subscriber/base.js';
import type { MappingSpec } from '../../src/subscriber/mapping.js';
import type { Sight } from '../../src/subscriber/outcome.js';
import { SyncflowError } from '../../src/errors.js';
import type { SyncflowOptions } from '../../src/syncflow.js';
import { MemorySubscriber, MemorySystem, type MemoryObject } from '../../src/testing/memory-system/index.js';
import { hubs, type TestHub } from '../setup/hub.js';
import { startFlow, type World } from './world.js';

vi.setConfig({ testTimeout: 60_000 });

/** The hub for tests whose subject isn't the driver: a server where there is one. */
export const anyHub = hubs.at(-1) as TestHub;

export interface Stage {
  /** Starts a Syncflow on the file's hub. Remotes are polled by `flow.sync()` alone. */
  start(
    catalogs: readonly CatalogClass[],
    accounts: Record<string, unknown>,
    options?: Partial<SyncflowOptions>,
  ): Promise<World>;
  readonly db: Database;
}

export function useStage(hub: TestHub = anyHub): Stage {
  let db: Database | undefined;
  const worlds: World[] = [];
  const open = (): Database => {
    if (db === undefined) throw new Error('the hub is opened before the first test');
    return db;
  };
  beforeAll(async () => {
    db = await hub.open();
  }, 180_000);
  afterEach(async () => {
    for (const world of worlds.splice(0)) await world.flow.stop();
    await open().execute(`drop schema if exists syncflow cascade;
      do $$ declare one record; begin
        for one in select tablename from pg_tables where schemaname = 'public' loop
          execute format('drop table public.%I cascade', one.tablename);
        end loop;
      end $$;`);
  }, 60_000);
  afterAll(() => db?.close());
  return {
    get db() {
      return open();
    },
    async start(catalogs, accounts, options = {}) {
      const world = await startFlow(keptOpen(open()), catalogs, accounts, { pollIntervalMs: 3_600_000, ...options });
      worlds.push(world);
      return world;
    },
  };
}

/** The hub as a Syncflow sees it; stopping that doesn't close it. */
function keptOpen(db: Database): Database {
  const stops: (() => Promise<void>)[] = [];
  return {
    description: db.description,
    shared: db.shared,
    open: () => Promise.resolve(),
    query: (statement, params) => db.query(statement, params),
    transaction: (work, options) => db.transaction(work, options),
    execute: (sql) => db.execute(sql),
    async listen(channel, onNotify) {
      const stop = await db.listen(channel, onNotify);
      if (stop !== undefined) stops.push(stop);
      return stop;
    },
    async close() {
      for (const stop of stops.splice(0)) await stop();
    },
  };
}

export function contactCatalog() {
  return class Contact extends Catalog({
    name: 'contact',
    key: 'id',
    fields: {
      id: z.int(),
      email: z.string().nullable(),
      name: z.string().min(1),
      city: z.string().nullable(),
      note: z.string().nullable(),
    },
  }) {};
}

/** A catalog with one collection, or another one beside it. */
export function childCatalog(more?: string) {
  const lines = (table: string) => ({
    table,
    key: 'id' as const,
    parent: 'parent_id' as const,
    fields: { id: z.int(), parent_id: z.int(), text: z.string().nullable() },
  });
  return class Parent extends Catalog({
    name: 'parent',
    key: 'id',
    fields: { id: z.int(), name: z.string().min(1) },
    children: { lines: lines('parent_line'), ...(more === undefined ? {} : { [more]: lines(`parent_${more}`) }) },
  }) {};
}

export interface Side {
  readonly mapping?: MappingSpec;
  readonly match?: readonly string[];
  readonly capabilities?: Partial<Capabilities>;
}

export const contactMapping: MappingSpec = { email: 'values.email', name: 'values.name', city: 'values.city' };

export const sideCapabilities: Capabilities = {
  ...leastCapabilities,
  marker: true,
  polling: true,
  listing: true,
  webhooks: true,
};

/** A subscriber of a memory system, for any catalog. It takes webhooks as JSON lists of events, signed `right`. */
export class ContactSide extends MemorySubscriber<CatalogClass> {
  override readonly mapping: MappingSpec = contactMapping;
  override readonly capabilities: Capabilities = sideCapabilities;

  override keyOf(remote: MemoryObject): string | undefined {
    return this.capabilities.marker ? super.keyOf(remote) : undefined;
  }

  override async receive(delivered: Delivery): Promise<readonly RemoteEvent<MemoryObject>[]> {
    if (delivered.headers.get('signature') !== 'right') throw new SyncflowError('webhook', 'the signature is wrong');
    return JSON.parse(new TextDecoder().decode(delivered.body)) as RemoteEvent<MemoryObject>[];
  }
}

export function memorySide({ mapping = contactMapping, match = [], capabilities = {} }: Side = {}): typeof ContactSide {
  return class extends ContactSide {
    override readonly mapping = mapping;
    override readonly match = match;
    override readonly capabilities = { ...sideCapabilities, ...capabilities };
  };
}

/** A system that answers 404 for whatever isn't there, deleted or not. */
export function forgetfulSide(side: Side = {}): typeof ContactSide {
  return class extends memorySide(side) {
    override async fetch(remoteId: string): Promise<Sight<MemoryObject>> {
      const sight = await super.fetch(remoteId);
      return sight.kind === 'gone' ? { kind: 'missing', reason: '404' } : sight;
    }
  };
}

/** A webhook delivery with these events. */
export function delivery(events: readonly RemoteEvent<MemoryObject>[], signature = 'right'): Delivery {
  return {
    headers: new Headers({ signature }),
    body: new TextEncoder().encode(JSON.stringify(events)),
    url: new URL('http://localhost/webhooks/memory'),
    receivedAt: new Date(),
  };
}

/** The only object of a system. */
export function only(system: MemorySystem): MemoryObject {
  const [object, ...others] = system.objects.values();
  if (object === undefined || others.length > 0) throw new Error(`there are ${system.objects.size} objects`);
  return object;
}

/** Both sides are edited while the subscriber is held, so that neither edit is seen alone. */
export async function atOnce(world: World, subscriber: string, edits: () => Promise<unknown>): Promise<void> {
  await world.flow.pause(subscriber);
  await edits();
  await world.flow.sync();
  await world.flow.resume(subscriber);
  await world.flow.sync();
}

/** The conflict log, oldest first, without times. */
export async function conflictsOf(world: World) {
  const rows = await world.flow.conflicts();
  return rows
    .map(({ subscriber, unit, base, hub, remote, winner }) => ({ subscriber, unit, base, hub, remote, winner }))
    .reverse();
}

export async function parkedOf(world: World) {
  const rows = await world.flow.parked();
  return rows.map(({ subscriber, key, code }) => ({ subscriber, key, code }));
}

/** Syncs once more and tells how many calls that wrote: what is in agreement writes nothing. */
export async function writesWhenQuiet(world: World, systems: readonly MemorySystem[]): Promise<number> {
  const count = (): number => systems.reduce((sum, system) => sum + system.writes, 0);
  const before = count();
  await world.flow.sync();
  await world.flow.sync();
  return count() - before;
}

export { MemorySystem };
