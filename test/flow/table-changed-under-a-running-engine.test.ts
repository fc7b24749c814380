/** A migration renames a column, a table, or takes a right away while the engine runs: everybody says what, where, and what to do. */
import { expect, test } from 'vitest';
import { checkAll } from '../../src/check/check.js';
import { SyncflowError } from '../../src/errors.js';
import type { SyncflowEvents } from '../../src/events.js';
import { Syncflow } from '../../src/syncflow.js';
import { hubs } from '../setup/hub.js';
import { childCatalog, contactCatalog, memorySide, MemorySystem, useStage } from './stage.js';

for (const hub of hubs) {
  const stage = useStage(hub);

  const scene = async () => {
    const Contact = contactCatalog();
    Contact.register(memorySide());
    const Parent = childCatalog();
    Parent.register(memorySide({ mapping: { name: 'values.name' } }), { as: 'other', account: 'other' });
    const accounts = { memory: new MemorySystem(), other: new MemorySystem() };
    const { flow } = await stage.start([Contact, Parent], accounts);
    const errors: SyncflowEvents['error'][] = [];
    flow.on('error', (event) => errors.push(event));
    await flow.catalog(Contact).save({ name: 'Ada' });
    await flow.catalog(Parent).save({ name: 'Pa' });
    await flow.sync();
    const again = (): Syncflow => new Syncflow({ database: stage.db, catalogs: [Contact, Parent], accounts });
    const health = async (): Promise<[number, unknown]> => {
      const answer = await flow.handler(new Request('http://localhost/health'));
      return [answer.status, await answer.json()];
    };
    const check = () =>
      checkAll({
        database: stage.db,
        catalogs: [Contact, Parent],
        accounts,
        environment: 'default',
        rows: 10,
        remotes: 0,
      });
    return { Contact, flow, errors, again, health, check };
  };

  test(`${hub.name}: a column that was renamed`, async () => {
    const { flow, again, health, check } = await scene();
    expect(await health()).toEqual([200, { live: true, ready: true }]);
    await stage.db.query('alter table contact rename column city to town');
    const difference = 'column "city" missing: it should be text';
    const broken = (await flow.doctor()).findings.filter(({ status }) => status === 'broken');
    expect(broken).toMatchObject([
      {
        check: 'table of contact',
        message: expect.stringContaining(difference) as string,
        cure: expect.stringMatching(/renamed/) as string,
      },
    ]);
    expect(await health()).toEqual([503, { live: true, ready: false, reason: 'tables' }]);
    for (const asked of [flow, again()]) {
      expect(await asked.status()).toHaveLength(2);
      expect(await asked.parked()).toEqual([]);
      expect(await asked.conflicts()).toEqual([]);
      const reports = await asked.verify();
      expect(reports.map(({ subscriber, compared, refused }) => [subscriber, compared, refused === undefined])).toEqual(
        [
          ['contact/memory', 0, false],
          ['parent/other', 1, true],
        ],
      );
      expect(reports[0]?.refused).toMatch(/city/);
      expect(await asked.explain('parent', 1)).toMatchObject({ catalog: 'parent' });
      const error: unknown = await asked.explain('contact', 1).catch((failed: unknown) => failed);
      expect(error).toBeInstanceOf(SyncflowError);
      expect(error).toMatchObject({ code: 'table', message: expect.stringMatching(/contact.*city/s) as string });
      expect((error as SyncflowError).hint).toBeTruthy();
    }
    const [contact, parent] = await check();
    expect(contact).toMatchObject({
      rows: undefined,
      findings: [{ level: 'error', problem: expect.stringContaining(difference) as string }],
    });
    expect(parent).toMatchObject({ rows: 1, findings: [] });
  });

  test(`${hub.name}: the engine's own errors name the catalog, the table and the cure`, async () => {
    const { errors, flow } = await scene();
    const failed = new Promise<SyncflowEvents['error']>((resolve) => void flow.on('error', resolve));
    await stage.db.query('alter table contact rename column city to town');
    await stage.db.query(`update contact set name = 'Ada L.'`);
    expect((await failed).error).toMatchObject({
      code: 'table',
      message: expect.stringMatching(/^contact: a column of public\.contact .*city/) as string,
      hint: expect.stringContaining('syncflow doctor') as string,
    });
    expect(errors.length).toBeGreaterThan(0);
  });

  test(`${hub.name}: a table that was renamed, and one that is misspelt`, async () => {
    const { flow, check } = await scene();
    await stage.db.query('alter table contact rename to people');
    expect((await flow.doctor()).findings.filter(({ status }) => status === 'broken')).toMatchObject([
      { check: 'table of contact', message: expect.stringContaining('its triggers are on public.people') as string },
    ]);
    expect((await check())[0]?.findings).toMatchObject([
      { level: 'error', cure: expect.stringContaining('public.people') as string },
    ]);
    await flow.stop();
    await stage.db.query('drop schema syncflow cascade');
    expect((await check())[0]?.findings).toMatchObject([
      {
        level: 'warning',
        problem: 'there is no table public.contact',
        cure: expect.stringContaining('syncflow migrate') as string,
      },
    ]);
    await stage.db.query('alter table people rename to contacts');
    expect((await check())[0]?.findings).toMatchObject([
      { level: 'error', cure: expect.stringContaining('Did you mean "contacts"?') as string },
    ]);
  });
}
