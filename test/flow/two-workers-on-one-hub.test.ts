/** Several worker processes share a Postgres hub. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { CreateOperation } from '../../src/subscriber/base.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import type { Outcome } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { hasPostgres, TestPostgres } from '../setup/hub.js';
import { age, callsOf, contactCatalog, expectAgreement, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

function gate(): { readonly opened: Promise<void>; open: () => void } {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { opened, open };
}

describe.skipIf(!hasPostgres)('postgres', { timeout: 90_000 }, () => {
  let db: TestPostgres;
  beforeAll(async () => {
    db = await TestPostgres.create();
  }, 60_000);
  afterAll(() => db.close());

  test('racing through 500 records: no twins, each is written once', async () => {
    const { Contact, MemoryContact } = contactCatalog('raced');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const accounts = { memory: system };
    const first = await startOn(db, [Contact], accounts, { batchSize: 20 });
    const second = await startOn(db, [Contact], accounts, { batchSize: 20 });
    await db.query(`insert into raced (id, name, email) select i, 'N' || i, i || '@x' from generate_series(1, 500) i`);
    await settle(first, 60_000);
    await settle(second, 60_000);
    await expectAgreement(db, 'raced', system);
    expect(system.writes).toBe(500);
    const pushed = [first, second].map(({ events }) => events.filter(({ name }) => name === 'pushed').length);
    expect((pushed[0] ?? 0) + (pushed[1] ?? 0)).toBe(500);
    expect([...first.events, ...second.events].filter(({ name }) => name === 'error')).toEqual([]);
    await db.query(`update raced set email = 'all@x'`);
    await settle(first, 60_000);
    await settle(second, 60_000);
    await expectAgreement(db, 'raced', system);
    expect(system.writes).toBe(1000);
    await first.flow.sync();
    await second.flow.sync();
    expect(system.writes).toBe(1000);
    await expectAgreement(db, 'raced', system);
  });

  test('a worker paused past its lease, after its create took effect: the other finds it; nothing of the first is committed', async () => {
    const { Contact, MemoryContact } = contactCatalog('paused_after');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const pause = gate();
    const reached = gate();
    const first = await startOn(db, [Contact], { memory: system }, { leaseMs: 3_600_000 });
    system.beforeAnswer = async () => {
      system.beforeAnswer = undefined;
      reached.open();
      await pause.opened;
    };
    await first.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'a@x' });
    await reached.opened;
    await age(db);
    const second = await startOn(db, [Contact], { memory: system });
    await settle(second);
    await expectAgreement(db, 'paused_after', system);
    const link = () =>
      db.query(
        `select fence, shadow::text, version, settled_at from syncflow.link where subscriber = 'paused_after/memory'`,
      );
    const before = await link();
    pause.open();
    await first.flow.stop();
    expect(await link()).toEqual(before);
    expect(first.events.filter(({ name }) => name === 'pushed')).toEqual([]);
    await expectAgreement(db, 'paused_after', system);
    expect(callsOf(system, 'create')).toBe(1);
    const history = await db.query<{ event: string }>(
      `select event from syncflow.history where subscriber = 'paused_after/memory'`,
    );
    expect(history.map(({ event }) => event)).toEqual(['linked']);
  });

  /** A worker is paused before it sends its create, and sends it after another has made the record's remote. */
  async function lateCreate(name: string, side: { readonly match?: readonly string[]; readonly keys?: true } = {}) {
    const { Contact, MemoryContact } = contactCatalog(name);
    const pause = gate();
    const reached = gate();
    let first = true;
    class Slow extends MemoryContact {
      override readonly match = side.match ?? [];
      override readonly capabilities = {
        ...leastCapabilities,
        marker: side.match === undefined && side.keys === undefined,
        ...(side.keys === undefined ? {} : { idempotencyHours: 24 }),
        polling: true,
        listing: true,
      };
      override keyOf(remote: MemoryObject): string | undefined {
        return this.capabilities.marker ? super.keyOf(remote) : undefined;
      }
      override async create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
        if (first) {
          first = false;
          reached.open();
          await pause.opened;
        }
        return super.create(operation);
      }
    }
    Contact.register(Slow);
    const system = new MemorySystem();
    const a = await startOn(db, [Contact], { memory: system }, { leaseMs: 3_600_000 });
    await a.flow.catalog(Contact).save({ id: 1, name: 'Ada', email: 'a@x' });
    await reached.opened;
    await age(db);
    const b = await startOn(db, [Contact], { memory: system });
    await settle(b);
    expect(system.objects.size).toBe(1);
    const [kept = ''] = system.objects.keys();
    pause.open();
    await a.flow.stop();
    expect(system.objects.size).toBe(2); // a fence can't recall a request
    await b.flow.sync();
    const links = await db.query<{ remote_id: string }>(
      `select remote_id from syncflow.link where subscriber = '${name}/memory' and key is not null`,
    );
    expect(links).toEqual([{ remote_id: kept }]);
    expect(await db.query(`select 1 from ${name}`)).toHaveLength(1);
    return { kept, parked: await b.flow.parked({ subscriber: `${name}/memory` }) };
  }

  test('a worker paused past its lease, before its create is sent: the late twin is seen and parked, the record keeps one remote', async () => {
    const { parked } = await lateCreate('paused_before');
    expect(parked).toMatchObject([{ code: 'twin' }]);
  });

  test('the same in a system with match units alone: the late twin gets no record of its own', async () => {
    const { parked, kept } = await lateCreate('paused_matched', { match: ['email'] });
    expect(parked).toMatchObject([{ code: 'twin', key: null }]);
    expect(parked[0]?.reason).toContain(`["1"] is linked to ${kept} already`);
  });

  test('the same in a system with idempotency keys alone, which it has forgotten by then: the late answer tells whose the twin is', async () => {
    const { parked, kept } = await lateCreate('paused_keyed', { keys: true });
    expect(parked).toMatchObject([
      { code: 'twin', key: null, reason: `record ["1"] is linked to ${kept} already: this remote is a twin` },
    ]);
  });

  test('a slow remote doesn’t cost the lease: it is prolonged', async () => {
    const { Contact, MemoryContact } = contactCatalog('slow_remote');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const a = await startOn(db, [Contact], { memory: system }, { leaseMs: 300 });
    const b = await startOn(db, [Contact], { memory: system }, { leaseMs: 300 });
    const started = Date.now();
    const renewed = (): number =>
      [...a.mortal.statements, ...b.mortal.statements].filter((text) =>
        text.includes('set lease_until = clock_timestamp() + $2'),
      ).length;
    system.beforeAnswer = async () => {
      await expect.poll(renewed, { timeout: 20_000 }).toBeGreaterThan(4); // longer than a lease lasts
    };
    await a.flow.catalog(Contact).save({ id: 1, name: 'Ada' });
    await settle(a, 30_000);
    expect(Date.now() - started).toBeGreaterThan(300);
    expect(callsOf(system, 'create')).toBe(1);
    expect(callsOf(system, 'find')).toBe(0);
    await expectAgreement(db, 'slow_remote', system);
  });

  test('a worker of the previous deploy doesn’t swallow the marks of a catalog that it doesn’t know', async () => {
    const old = contactCatalog('deploy_old');
    old.Contact.register(old.MemoryContact);
    const added = contactCatalog('deploy_added');
    added.Contact.register(added.MemoryContact);
    const system = new MemorySystem();
    const next = await startOn(db, [added.Contact], { memory: system });
    await next.flow.stop(); // its tables and triggers are there; it restarts in a moment
    const previous = await startOn(db, [old.Contact], { memory: new MemorySystem() });
    await db.query(`insert into deploy_added (id, name) values (1, 'Ada')`);
    await db.query(`insert into deploy_old (id, name) values (1, 'Bob')`);
    await settle(previous); // it has routed what is its own
    expect(await db.query('select catalog from syncflow.mark')).toEqual([{ catalog: 'deploy_added' }]);
    await previous.flow.stop();
    const again = await startOn(db, [added.Contact], { memory: system });
    await settle(again);
    expect(system.objects.size).toBe(1);
  });

  test('nor events of a subscriber that it doesn’t know', async () => {
    const old = contactCatalog('deploy_old_in');
    old.Contact.register(old.MemoryContact);
    await startOn(db, [old.Contact], { memory: new MemorySystem() });
    await db.query(
      `insert into syncflow.inbox (subscriber, event_id, remote_id, kind, payload) values ('other/memory', '1', 'r1', 'changed', '{}')`,
    );
    await db.query(`insert into deploy_old_in (id, name) values (1, 'Ada')`);
    await expect
      .poll(
        () => db.query(`select 1 from syncflow.link where subscriber = 'deploy_old_in/memory' and state = 'linked'`),
        { timeout: 10_000 },
      )
      .toHaveLength(1);
    expect(
      await db.query(`select 1 from syncflow.inbox where subscriber = 'other/memory' and settled_at is null`),
    ).toHaveLength(1);
  });

  test('a later mark is not routed before an earlier one that another worker holds', async () => {
    const { Contact, MemoryContact } = contactCatalog('order_of_marks');
    Contact.register(MemoryContact);
    const system = new MemorySystem();
    const world = await startOn(db, [Contact], { memory: system });
    await world.flow.catalog(Contact).save({ id: 1, name: 'Ada' });
    await settle(world);
    await world.flow.stop();
    await db.query('update order_of_marks set id = 2 where id = 1');
    const [held] = await db.query<{ id: string }>('select min(id)::text as id from syncflow.mark');
    await db.query('update order_of_marks set id = 3 where id = 2');
    // somebody else has claimed the first change of key and is slow to commit
    const release = gate();
    const locked = gate();
    const other = db.transaction(async (tx) => {
      await tx.query(`select pg_advisory_xact_lock(hashtext('syncflow'), hashtext('route'))`);
      await tx.query(`select 1 from syncflow.mark where id <= ${Number(held?.id) + 1} for update`);
      locked.open();
      await release.opened;
    });
    await locked.opened;
    const next = await startOn(db, [Contact], { memory: system }, {}, false);
    await expect
      .poll(() => next.mortal.statements.filter((text) => text.includes('pg_try_advisory_xact_lock')).length, {
        timeout: 10_000,
      })
      .toBeGreaterThan(2);
    expect(await db.query(`select 1 from syncflow.mark where catalog = 'order_of_marks'`)).not.toEqual([]);
    release.open();
    await other;
    await settle(next);
    await next.flow.stop();
    await expectAgreement(db, 'order_of_marks', system);
    expect(callsOf(system, 'create')).toBe(1);
  });
});
