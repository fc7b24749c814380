import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { systemClock, type Clock } from '../../src/engine/environment.js';
import type { SyncflowEvents } from '../../src/events.js';
import type { Database } from '../../src/store/database.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import type { ChangePage, ListPage } from '../../src/subscriber/base.js';
import type { SyncflowOptions } from '../../src/syncflow.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { hubs } from '../setup/hub.js';
import { contactCatalog, expectAgreement, settle, startOn } from './hub-scenario.js';
import { MemorySystem } from './world.js';

const hourMs = 3_600_000;

/** Sleeps of a minute and more end when the test says so. */
class SlowClock implements Clock {
  readonly #sleepers = new Set<() => void>();
  readonly now = (): Date => systemClock.now();

  sleep(ms: number, signal: AbortSignal): Promise<void> {
    if (ms < 60_000 || signal.aborted) return systemClock.sleep(ms, signal);
    return new Promise((resolve) => {
      const wake = (): void => {
        this.#sleepers.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve();
      };
      this.#sleepers.add(wake);
      signal.addEventListener('abort', wake);
    });
  }

  wakeAll(): void {
    for (const wake of [...this.#sleepers]) wake();
  }
}

/** It lists two a page. */
class PagedSystem extends MemorySystem {
  readonly cursors: (string | undefined)[] = [];
  failsFrom: number | undefined;
  isUnreachable = false;
}

describe.each(hubs)('$name', { timeout: 60_000 }, (hub) => {
  let db: Database;
  beforeAll(async () => {
    db = await hub.open();
  }, 60_000);
  afterAll(() => db.close());

  function catalog(name: string, polling: boolean) {
    const { Contact, MemoryContact } = contactCatalog(name);
    class Paged extends MemoryContact {
      override readonly capabilities = { ...leastCapabilities, marker: true, listing: true, polling };
      override readonly eventRetentionMs = 24 * hourMs;

      get #system(): PagedSystem {
        if (this.account instanceof PagedSystem) return this.account;
        throw new Error('the account is no PagedSystem');
      }

      override async list(cursor?: string): Promise<ListPage<MemoryObject>> {
        const [from, all] = [Number(cursor ?? 0), [...this.#system.objects.values()]];
        this.#system.cursors.push(cursor);
        if (this.#system.failsFrom !== undefined && from >= this.#system.failsFrom) throw new Error('503');
        return { remotes: all.slice(from, from + 2), ...(from + 2 < all.length ? { cursor: String(from + 2) } : {}) };
      }

      override async changes(cursor: string | undefined): Promise<ChangePage<MemoryObject>> {
        if (this.#system.isUnreachable) throw new Error('ECONNREFUSED');
        return super.changes(cursor);
      }
    }
    Contact.register(Paged, { as: 'memory' });
    return Contact;
  }

  async function begin(name: string, system: PagedSystem, options: Partial<SyncflowOptions> = {}, polling = false) {
    const clock = new SlowClock();
    const world = await startOn(db, [catalog(name, polling)], { memory: system }, { clock, ...options });
    const of = <N extends 'verified' | 'retention'>(name: N) =>
      world.events.filter((one) => one.name === name).map(({ event }) => event as SyncflowEvents[N]);
    return { ...world, clock, verified: () => of('verified'), alarms: () => of('retention') };
  }

  async function filled(name: string, system: PagedSystem, options: Partial<SyncflowOptions>) {
    const world = await begin(name, system, options);
    await db.query(`insert into ${name} (id, name) select i, 'N' || i from generate_series(1, 7) i`);
    await settle(world);
    return world;
  }

  const anHourLater = (name: string): Promise<unknown> =>
    db.query(`update syncflow.run set finished_at = finished_at - interval '61 minutes' where subscriber = $1`, [
      `${name}/memory`,
    ]);
  const until = (check: () => unknown): Promise<void> => expect.poll(check, { timeout: 10_000 }).toBe(true);

  test('a sweep finds and repairs what nobody told of, and then waits its time', async () => {
    const system = new PagedSystem();
    const world = await filled('swept', system, { verify: { everyMs: hourMs, repair: true } });
    const [id = ''] = system.objects.keys();
    system.edit(id, { city: 'Paris' });
    world.clock.wakeAll();
    await anHourLater('swept');
    await until(() => {
      world.clock.wakeAll();
      return world.verified().length === 1;
    });
    expect(world.verified()[0]).toMatchObject({
      compared: 7,
      equal: 6,
      drift: 1,
      repairing: 1,
      causes: { 'edited-there': 1 },
    });
    await settle(world);
    await expectAgreement(db, 'swept', system);
    const listed = system.cursors.length;
    world.clock.wakeAll();
    await world.flow.verify(); // whatever had been due would have begun by now
    expect(system.cursors.length - listed).toBe(4);
    expect(world.verified()).toHaveLength(2); // with the one by hand
  });

  test('two workers: one of them sweeps', async () => {
    const system = new PagedSystem();
    const one = await filled('shared_sweep', system, { verify: { everyMs: hourMs } });
    const two = await begin('shared_sweep', system, { verify: { everyMs: hourMs } });
    const before = system.cursors.length;
    await anHourLater('shared_sweep');
    await until(() => {
      for (const { clock } of [one, two]) clock.wakeAll();
      return one.verified().length + two.verified().length > 0;
    });
    await one.flow.verify();
    await two.flow.verify();
    expect(one.verified().length + two.verified().length).toBe(3); // with the two by hand
    expect(system.cursors.length - before).toBe(12);
  });

  test('a sweep that was cut off goes on where it stopped, in the next process', async () => {
    const system = new PagedSystem();
    const first = await filled('cut_sweep', system, {
      verify: { everyMs: hourMs, repair: true },
      retry: { baseMs: 70_000, maxMs: 70_000 },
    });
    const early = [...system.objects.keys()][0] ?? '';
    system.edit(early, { city: 'Paris' });
    system.failsFrom = 4;
    await anHourLater('cut_sweep');
    await until(() => {
      first.clock.wakeAll();
      return first.events.some(({ name }) => name === 'error');
    });
    await first.flow.stop();
    system.failsFrom = undefined;
    system.cursors.length = 0;
    const second = await begin('cut_sweep', system, { verify: { everyMs: hourMs, repair: true } });
    await until(() => second.verified().length === 1);
    expect(system.cursors[0]).toBe('2');
    expect(second.verified()[0]).toMatchObject({ compared: 7, equal: 6, causes: { 'edited-there': 1 } });
    await settle(second);
    await expectAgreement(db, 'cut_sweep', system);
    expect(await db.query(`select 1 from syncflow.setting where name = 'sweep:cut_sweep/memory'`)).toEqual([]);
  });

  describe('the system keeps its events for a day', () => {
    const age = (name: string, hours: number): Promise<unknown> =>
      db.query(
        `update syncflow.cursor set updated_at = clock_timestamp() - make_interval(hours => $2) where subscriber = $1`,
        [`${name}/memory`, hours],
      );

    test('an alarm before they are lost, once for each level', async () => {
      const system = new PagedSystem();
      const world = await begin('alarmed', system, { retry: { baseMs: 70_000, maxMs: 70_000 } }, true);
      await world.flow.sync();
      system.isUnreachable = true;
      for (const hours of [1, 13, 14, 20, 25]) {
        await age('alarmed', hours);
        const expected = { 1: 0, 13: 1, 14: 1, 20: 2, 25: 3 }[hours] ?? 0;
        await until(() => {
          world.clock.wakeAll(); // whoever wasn't asleep yet when it was rung last
          return world.alarms().length === expected;
        });
      }
      expect(world.alarms().map(({ level }) => level)).toEqual(['half', 'urgent', 'lost']);
      const { findings } = await world.flow.doctor();
      expect(findings.find(({ check }) => check === 'retention of alarmed/memory')).toMatchObject({ status: 'broken' });
    });

    test('what was lost is found by a whole listing, though the system takes the cursor', async () => {
      const system = new PagedSystem();
      const world = await begin('forgotten', system, {}, true);
      await db.query(`insert into forgotten (id, name) values (1, 'Ada')`);
      await settle(world);
      await world.flow.sync();
      const [id = ''] = system.objects.keys();
      system.edit(id, { city: 'Paris' });
      const { sequence } = system;
      system.changesSince = () => []; // forgotten, and no word of it
      await age('forgotten', 23);
      await world.flow.sync();
      expect(await db.query('select city from forgotten')).toEqual([{ city: null }]);
      await age('forgotten', 25);
      await world.flow.sync();
      expect(system.sequence).toBe(sequence);
      await expectAgreement(db, 'forgotten', system);
    });

    test('a quiet system is no alarm: its cursor stands for now', async () => {
      const system = new PagedSystem();
      const world = await begin('quiet', system, {}, true);
      await age('quiet', 20);
      await world.flow.sync();
      const [row] = await db.query<{ fresh: boolean }>(
        `select updated_at > clock_timestamp() - interval '1 minute' as fresh from syncflow.cursor where subscriber = 'quiet/memory'`,
      );
      expect(row).toEqual({ fresh: true });
    });
  });
});
