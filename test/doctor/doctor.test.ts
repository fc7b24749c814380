/** `doctor` finds what isn't right, before anything mends it, and says what to do. */
import { expect, test } from 'vitest';
import type { DoctorReport, Finding } from '../../src/doctor/finding.js';
import { StripeAccount } from '../../src/connectors/stripe/account.js';
import type { Probe } from '../../src/subscriber/probe.js';
import { Syncflow, type SyncflowOptions } from '../../src/syncflow.js';
import { StripeSimulator } from '../../src/testing/stripe-simulator/index.js';
import { hubs } from '../setup/hub.js';
import { contactCatalog, memorySide, MemorySystem, useStage } from '../flow/stage.js';

/** A system that can be asked. */
class AskedSystem extends MemorySystem {
  answer: Probe | Error = { outcome: 'works', webhookSecret: true, eventRetentionHours: 48 };

  async probe(): Promise<Probe> {
    if (this.answer instanceof Error) throw this.answer;
    return this.answer;
  }
}

const of = (report: DoctorReport, check: string): Finding | undefined =>
  report.findings.find((one) => one.check === check);

for (const hub of hubs) {
  const stage = useStage(hub);

  const scene = async () => {
    const Contact = contactCatalog();
    Contact.register(memorySide());
    const memory = new AskedSystem();
    const world = await stage.start([Contact], { memory });
    await world.flow.catalog(Contact).save({ name: 'Ada' });
    await world.flow.sync();
    const again = (options: Partial<SyncflowOptions> = {}): Syncflow =>
      new Syncflow({ database: stage.db, catalogs: [Contact], accounts: { memory }, ...options });
    return { Contact, memory, world, again };
  };

  test(`${hub.name}: all is well, and nothing is changed by asking`, async () => {
    const { world } = await scene();
    const report = await world.flow.doctor();
    expect(report.findings.filter((one) => one.status !== 'ok')).toEqual([]);
    expect(report.healthy).toBe(true);
    const checks = ['database', 'clock of the database', 'migrations', 'environment', 'triggers of contact'];
    for (const check of [...checks, 'account memory', 'events of contact/memory', 'retention of contact/memory'])
      expect(of(report, check)?.status, check).toBe('ok');
  });

  test(`${hub.name}: triggers that are gone or switched off, and another environment, are found before a start mends them`, async () => {
    const { world, again } = await scene();
    await world.flow.stop();
    const [trigger] = await stage.db.query<{ name: string }>(
      `select tgname::text as name from pg_trigger where tgrelid = 'contact'::regclass and tgname like 'syncflow_update%'`,
    );
    await stage.db.query(`alter table contact disable trigger ${trigger?.name ?? ''}`);
    const disabled = await again({ environment: 'staging' }).doctor();
    expect(disabled.healthy).toBe(false);
    expect(of(disabled, 'triggers of contact')).toMatchObject({
      status: 'broken',
      message: expect.stringMatching(/^disabled: syncflow_update_contact/) as string,
      cure: expect.stringContaining('syncflow migrate') as string,
    });
    expect(of(disabled, 'environment')).toMatchObject({
      status: 'broken',
      message: expect.stringMatching(/"default", this is "staging"/) as string,
    });
    await stage.db.query(`drop trigger ${trigger?.name ?? ''} on contact`);
    expect(of(await again().doctor(), 'triggers of contact')?.message).toMatch(/^missing: syncflow_update_contact/);
    await again().prepare();
    expect((await again().doctor()).healthy).toBe(true);
  });

  test(`${hub.name}: a hub that was never migrated, and a table that isn't there`, async () => {
    const Contact = contactCatalog();
    Contact.register(memorySide());
    const flow = new Syncflow({ database: stage.db, catalogs: [Contact], accounts: { memory: new AskedSystem() } });
    expect(of(await flow.doctor(), 'migrations')).toMatchObject({ status: 'broken', cure: 'syncflow migrate' });
    await flow.prepare();
    await stage.db.query('drop table contact cascade');
    expect(of(await flow.doctor(), 'table of contact')).toMatchObject({
      status: 'broken',
      message: expect.stringMatching(/public\.contact/) as string,
    });
  });

  test(`${hub.name}: clocks, credentials, secrets, a feed about to be forgotten, marks that nobody takes, a lost write`, async () => {
    const { memory, world, again } = await scene();
    await world.flow.stop();
    const hours = async (sql: string, count: number): Promise<void> => {
      await stage.db.query(sql.replace('ago', `clock_timestamp() - interval '${count} hours'`));
    };
    await hours(`update syncflow.cursor set updated_at = ago`, 30);
    await stage.db.query(`insert into contact (id, name) values (77, 'x')`);
    await hours(`update syncflow.mark set at = ago`, 1);
    await stage.db.query(
      `insert into syncflow.intent (link_id, subscriber, kind, idempotency_key, body) select id, subscriber, 'update', 'k', '{}' from syncflow.link limit 1`,
    );
    await hours(`update syncflow.intent set created_at = ago`, 2);
    const clock = { now: () => new Date(Date.now() - 60_000), sleep: async () => undefined };
    memory.answer = { outcome: 'works', webhookSecret: false, eventRetentionHours: 48 };
    const report = await again({ clock }).doctor();
    expect(of(report, 'clock of the database')).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/60 s ahead of|1 min ahead of/) as string,
    });
    expect(of(report, 'retention of contact/memory')).toMatchObject({
      status: 'broken',
      message: expect.stringMatching(/30 h ago.*48 h|30 h ago.*2 days/) as string,
    });
    expect(of(report, 'webhooks of contact/memory')).toMatchObject({ status: 'warning' });
    expect(of(report, 'changes of the hub')).toMatchObject({
      status: 'broken',
      message: expect.stringMatching(/^1 wait, the oldest for 1 h/) as string,
    });
    expect(of(report, 'open writes')).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/^1 without an answer/) as string,
    });
    memory.answer = { outcome: 'refused', reason: 'Bearer abcdefghij is wrong' };
    const refused = of(await again().doctor(), 'account memory');
    expect(refused).toMatchObject({ status: 'broken', message: 'it refuses our credentials: Bearer *** is wrong' });
    memory.answer = new Error('socket hang up');
    expect(of(await again().doctor(), 'account memory')).toMatchObject({
      status: 'broken',
      message: expect.stringMatching(/socket hang up/) as string,
    });
    memory.answer = { outcome: 'works', serverTime: new Date(Date.now() + 600_000).toISOString() };
    expect(of(await again().doctor(), 'clock of memory')).toMatchObject({
      status: 'warning',
      message: expect.stringMatching(/10 min ahead/) as string,
    });
  });
}

test('a database that nobody answers at is one finding with a cure, not a throw', async () => {
  const Contact = contactCatalog();
  const report = await new Syncflow({
    database: 'postgres://nobody:pw@127.0.0.1:9/none',
    catalogs: [Contact],
  }).doctor();
  expect(report.healthy).toBe(false);
  expect(report.findings[0]).toMatchObject({ check: 'database', status: 'broken' });
  expect(JSON.stringify(report)).not.toContain('pw@');
});

test('Stripe: a key that works, and one that doesn’t', async () => {
  const simulator = new StripeSimulator({ rateLimit: undefined });
  await simulator.start();
  try {
    const account = new StripeAccount({ apiKey: 'sk_test_simulator', baseUrl: simulator.url });
    const works = await account.probe();
    expect(works).toMatchObject({ outcome: 'works', webhookSecret: false, eventRetentionHours: 720 });
    expect(Math.abs(Date.parse(works.serverTime ?? '') - Date.now())).toBeLessThan(60_000);
  } finally {
    await simulator.stop();
  }
  const nobody = new StripeAccount({ apiKey: 'sk_test_x', baseUrl: 'http://127.0.0.1:9' });
  expect(await nobody.probe()).toMatchObject({ outcome: 'unreachable' });
});
