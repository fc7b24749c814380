import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DriftCount } from '../../src/maintenance/drift.js';
import type { Database } from '../../src/store/database.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import type { ListPage } from '../../src/subscriber/base.js';
import { missing, type Sight } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { callsOf, contactCatalog, expectAgreement, remoteValues, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

/** A system that tells of nothing by itself, lists two objects a page, and may lose sight of what it has. */
class QuietSystem extends MemorySystem {
  readonly hidden = new Set<string>();
  /** The list ends after so many pages: with an error, or as if that were all. */
  endsAfter: { readonly pages: number; readonly how: 'fails' | 'just ends' } | undefined;
  pages = 0;

  byKey(key: number): MemoryObject {
    const found = [...this.objects.values()].find(({ values }) => values['marker'] === `["${key}"]`);
    if (found === undefined) throw new Error(`no object of record ${key}`);
    return found;
  }
}

function quietCatalog(name: string) {
  const { Contact, MemoryContact } = contactCatalog(name);
  class QuietContact extends MemoryContact {
    override readonly capabilities = { ...leastCapabilities, marker: true, listing: true };

    get #system(): QuietSystem {
      if (this.account instanceof QuietSystem) return this.account;
      throw new Error('the account is no QuietSystem');
    }

    override async fetch(remoteId: string): Promise<Sight<MemoryObject>> {
      if (this.#system.hidden.has(remoteId)) return missing('404');
      return super.fetch(remoteId);
    }

    override async list(cursor?: string): Promise<ListPage<MemoryObject>> {
      const system = this.#system;
      const from = Number(cursor ?? 0);
      if (system.endsAfter !== undefined && from >= system.endsAfter.pages * 2) {
        if (system.endsAfter.how === 'fails') throw new Error('403: the permission was taken away');
        return { remotes: [] };
      }
      system.pages += 1;
      const visible = [...system.objects.values()].filter(({ id }) => !system.hidden.has(id));
      const remotes = visible.slice(from, from + 2);
      return from + 2 >= visible.length ? { remotes } : { remotes, cursor: String(from + 2) };
    }
  }
  Contact.register(QuietContact, { as: 'memory' });
  return Contact;
}

const byCause = (table: readonly DriftCount[] = []): DriftCount[] =>
  [...table].sort((a, b) => `${a.field} ${a.cause}`.localeCompare(`${b.field} ${b.cause}`));

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  async function scene(name: string, records: number) {
    const system = new QuietSystem();
    const world = await startOn(db, [quietCatalog(name)], { memory: system });
    await db.query(
      `insert into ${name} (id, name, city) select i, 'N' || i, 'Rome' from generate_series(1, ${records}) i`,
    );
    await db.query(`select setval(pg_get_serial_sequence($1, 'id'), 1000)`, [name]);
    await settle(world);
    const unmarked = (sql: string): Promise<void> =>
      db.execute(`begin; set local session_replication_role = replica; ${sql}; commit`);
    const rows = () => db.query<{ id: number }>(`select id, email, name, city from ${name} order by id`);
    const parked = () => world.flow.parked({ subscriber: `${name}/memory` });
    return { system, world, flow: world.flow, unmarked, rows, parked };
  }

  test('verify tells by field and cause what neither webhooks nor triggers told, and writes nothing', async () => {
    const { system, flow, unmarked, rows, parked } = await scene('drifted', 9);
    system.edit(system.byKey(1).id, { email: 'there@x' });
    await unmarked(`update drifted set name = 'Here' where id = 2`);
    system.edit(system.byKey(3).id, { city: 'Paris' });
    await unmarked(`update drifted set city = 'Berlin' where id = 3`);
    system.remove(system.byKey(4).id);
    await unmarked(`delete from drifted where id = 5`);
    await unmarked(`insert into drifted (id, name) values (20, 'Unmarked')`);
    system.put('stranger', { name: 'Stranger' });
    system.put('twin', { name: 'N6', marker: '["6"]' });
    const [before, writes] = [await rows(), system.writes];
    const [report] = await flow.verify();
    expect(byCause(report?.table)).toEqual([
      { field: '(record)', cause: 'not-listed', count: 1 },
      { field: '(record)', cause: 'row-missing', count: 1 },
      { field: '(record)', cause: 'twin', count: 1 },
      { field: '(record)', cause: 'unseen', count: 1 },
      { field: '(record)', cause: 'unsent', count: 1 },
      { field: 'city', cause: 'edited-both', count: 1 },
      { field: 'email', cause: 'edited-there', count: 1 },
      { field: 'name', cause: 'edited-here', count: 1 },
    ]);
    expect(report).toMatchObject({ compared: 7, equal: 4, repairing: 0, moreDifferences: 0 });
    const repairs = new Map(report?.differences.map(({ cause, repair }) => [cause, repair]));
    expect(repairs.get('edited-there')).toMatchObject({ action: 'merge-here', winner: 'remote' });
    expect(repairs.get('edited-here')).toMatchObject({ action: 'merge-there', winner: 'hub' });
    expect(repairs.get('edited-both')).toMatchObject({ winner: 'remote', rule: 'authority remote' });
    expect(repairs.get('not-listed')).toMatchObject({ action: 'ask' });
    await settle({ flow, db, events: [] });
    expect([await rows(), system.writes]).toEqual([before, writes]);
    expect(await parked()).toEqual([]);
  });

  test('a repair merges by authority, asks for what isn’t listed, and parks what only a person can decide', async () => {
    const { system, world, flow, unmarked, parked } = await scene('repaired', 9);
    system.edit(system.byKey(1).id, { email: 'there@x' });
    await unmarked(`update repaired set name = 'Here' where id = 2`);
    system.edit(system.byKey(3).id, { city: 'Paris' });
    await unmarked(`update repaired set city = 'Berlin' where id = 3`);
    system.remove(system.byKey(4).id);
    await unmarked(`delete from repaired where id = 5`);
    await unmarked(`insert into repaired (id, name) values (20, 'Unmarked')`);
    system.put('stranger', { name: 'Stranger' });
    const [report] = await flow.verify(undefined, { repair: true });
    expect(report).toMatchObject({ repairing: 7, held: undefined });
    await settle(world);
    const kept = await db.query<{ id: number }>(
      'select id::int as id, email, name, city from repaired where id in (1, 2, 3, 4, 20) order by id',
    );
    expect(kept).toEqual([
      { id: 1, email: 'there@x', name: 'N1', city: 'Rome' },
      { id: 2, email: null, name: 'Here', city: 'Rome' },
      { id: 3, email: null, name: 'N3', city: 'Paris' },
      { id: 20, email: null, name: 'Unmarked', city: null },
    ]);
    expect((await db.query(`select 1 from repaired where name = 'Stranger'`)).length).toBe(1);
    expect(
      (await flow.conflicts({ subscriber: 'repaired/memory' })).map(({ unit, winner, rule }) => [unit, winner, rule]),
    ).toEqual([['city', 'remote', 'authority remote']]);
    expect((await parked()).map(({ code, key }) => [code, key])).toEqual([['row-missing', '["5"]']]);
    expect(callsOf(system, 'delete')).toBe(0);
    const [again] = await flow.verify();
    expect(again?.table).toEqual([{ field: '(record)', cause: 'parked', count: 1 }]);
  });

  test('what a worker is about to sync is no drift, and a repair leaves it', async () => {
    const { flow, world } = await scene('waiting', 3);
    await flow.pause('waiting/memory');
    await db.query(`update waiting set email = 'soon@x'`);
    const [report] = await flow.verify(undefined, { repair: true });
    expect(report?.table).toEqual([{ field: 'email', cause: 'waiting', count: 3 }]);
    expect(report?.repairing).toBe(0);
    await flow.resume('waiting/memory');
    await settle(world);
    expect((await flow.verify())[0]?.table).toEqual([]);
  });

  test('only what differs is read again', async () => {
    const { system, world, flow } = await scene('few_calls', 7);
    system.edit(system.byKey(1).id, { email: 'there@x' });
    const [pages, fetches] = [system.pages, callsOf(system, 'fetch')];
    await flow.verify(undefined, { repair: true });
    expect(system.pages - pages).toBe(4);
    await settle(world);
    expect(callsOf(system, 'fetch') - fetches).toBe(1);
    await expectAgreement(db, 'few_calls', system);
  });

  test('an abort ends it between two pages', async () => {
    const { system, flow } = await scene('aborted', 7);
    const stop = new AbortController();
    flow.on('progress', () => stop.abort(new Error('enough')));
    const pages = system.pages;
    await expect(flow.verify(undefined, { signal: stop.signal })).rejects.toThrow('enough');
    expect(system.pages - pages).toBe(1);
  });

  describe('a permission is lost while the sweep is under way', () => {
    async function untouched({ system, world, rows }: Awaited<ReturnType<typeof scene>>, check: () => Promise<void>) {
      const [before, objects, writes] = [await rows(), system.objects.size, system.writes];
      await check();
      await settle(world);
      expect(await rows()).toEqual(before);
      expect([system.objects.size, system.writes]).toEqual([objects, writes]);
    }

    test('the list fails half-way: the sweep fails, and says so', async () => {
      const one = await scene('broken_off', 30);
      one.system.endsAfter = { pages: 3, how: 'fails' };
      await untouched(one, async () => {
        await expect(one.flow.verify(undefined, { repair: true })).rejects.toMatchObject({ code: 'subscriber' });
      });
      expect(await one.parked()).toEqual([]);
    });

    test('the list just ends: so many aren’t even asked for', async () => {
      const one = await scene('cut_short', 30);
      one.system.endsAfter = { pages: 2, how: 'just ends' };
      await untouched(one, async () => {
        const [report] = await one.flow.verify(undefined, { repair: true });
        expect(report).toMatchObject({
          repairing: 0,
          held: expect.stringContaining('the list shows 4 of 30 linked remotes: 26') as string,
          table: [{ field: '(record)', cause: 'not-listed', count: 26 }],
        });
      });
      expect(await one.parked()).toEqual([]);
    });

    test('a few are hidden, and answer 404: parked, not deleted; an unlinked record gets no second remote', async () => {
      const one = await scene('hidden', 30);
      for (const key of [1, 2, 3]) one.system.hidden.add(one.system.byKey(key).id);
      // its link was lost; its remote bears its marker, and no listing shows it
      await db.query(`delete from syncflow.link where subscriber = 'hidden/memory' and key = '["4"]'`);
      await untouched(one, async () => {
        await one.flow.verify(undefined, { repair: true });
      });
      expect((await one.parked()).map(({ code }) => code)).toEqual(Array(3).fill('remote-missing'));
      expect(remoteValues(one.system).filter(({ marker }) => marker === '["4"]')).toHaveLength(1);
      one.system.hidden.clear();
      await one.flow.retry();
      await settle(one.world);
      await expectAgreement(db, 'hidden', one.system);
    });

    test('a few aren’t listed, but are there: nothing happens to them', async () => {
      const one = await scene('list_lags', 30);
      one.system.endsAfter = { pages: 14, how: 'just ends' };
      await untouched(one, async () => {
        const [report] = await one.flow.verify(undefined, { repair: true });
        expect(report).toMatchObject({ repairing: 2, held: undefined });
      });
      await expectAgreement(db, 'list_lags', one.system);
    });
  });
});
