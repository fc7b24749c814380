import type Stripe from 'stripe';
import { describe, expect, it } from 'vitest';
import { overlapSeconds, readFeed, shortOverlapSeconds, type FeedReader } from '../../src/connectors/stripe/feed.js';
import { SyncflowError } from '../../src/errors.js';
import { StripeCustomers } from './catalogs.js';
import { createOf, world } from './support.js';

const now = 1_800_000_000;

/** Stripe's list in memory: newest first; of one second, the later one first. */
function list(created: readonly number[]): { read: FeedReader; add(at: number): void; calls: number } {
  const events = created.map((at, index) => ({ id: `evt_${index}`, created: at }) as Stripe.Event);
  const state = {
    calls: 0,
    add(at: number) {
      events.push({ id: `evt_${events.length}`, created: at } as Stripe.Event);
    },
    read: (async (request) => {
      state.calls += 1;
      const { gte = 0, lt = Infinity } = request.created ?? {};
      const all = events
        .map((event, index) => ({ event, index }))
        .sort((a, b) => b.event.created - a.event.created || b.index - a.index)
        .map(({ event }) => event)
        .filter((event) => event.created >= gte && event.created < lt);
      const from =
        request.starting_after === undefined ? 0 : all.findIndex((event) => event.id === request.starting_after) + 1;
      const data = all.slice(from, from + request.limit);
      return { data, has_more: all.length > from + request.limit };
    }) satisfies FeedReader,
  };
  return state;
}

async function readAll(read: FeedReader, cursor: string) {
  const ids: string[] = [];
  const pages: number[] = [];
  const times: number[] = [];
  for (let round = 0; round < 500; round++) {
    const feed = await readFeed(read, cursor, now);
    ids.push(...feed.events.map((event) => event.id));
    times.push(...feed.events.map((event) => event.created));
    pages.push(feed.events.length);
    cursor = feed.cursor;
    if (!feed.more) return { ids, pages, times, cursor };
  }
  throw new Error('the feed did not end');
}

const cursorAt = (from: number): string => JSON.stringify({ from });

describe('the event feed', () => {
  it('gives out every event of a backlog, oldest first, in bounded pages', async () => {
    const created = Array.from({ length: 5000 }, (_, index) => now - 200_000 + index * 37 - (index % 7) * 11);
    const source = list(created);
    const { ids, pages, times } = await readAll(source.read, cursorAt(now - 300_000));
    expect(new Set(ids).size).toBe(5000);
    expect(ids).toHaveLength(5000);
    expect(Math.max(...pages)).toBeLessThanOrEqual(100);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    expect(source.calls).toBeLessThan(400);
  });

  it('skips none of a second that holds more than a page', async () => {
    const created = [
      now - 5000,
      ...Array.from({ length: 350 }, () => now - 4000),
      now - 3000,
      ...Array.from({ length: 250 }, () => now - 10),
    ];
    const { ids } = await readAll(list(created).read, cursorAt(now - 6000));
    expect(new Set(ids).size).toBe(created.length);
  });

  it('reads the last seconds again each time, and the last minute once a minute: an event that comes late is not lost', async () => {
    const source = list([now - 20]);
    const first = await readFeed(source.read, cursorAt(now - 100), now);
    source.add(now - 20);
    source.add(now - 20 - shortOverlapSeconds);
    source.add(now - 20 - overlapSeconds + 1);
    const second = await readFeed(source.read, first.cursor, now + 5);
    expect(second.events.map((event) => event.id)).toEqual(['evt_2', 'evt_0', 'evt_1']);
    const third = await readFeed(source.read, second.cursor, now + overlapSeconds);
    expect(third.events.map((event) => event.id)).toContain('evt_3');
  });

  it('reads a busy minute not again and again', async () => {
    const source = list(Array.from({ length: 3000 }, (_, index) => now - 50 + Math.floor(index / 60)));
    let { cursor } = await readFeed(source.read, cursorAt(now - 55), now);
    const before = source.calls;
    let given = 0;
    for (let second = 1; second <= 50; second++) {
      const feed = await readFeed(source.read, cursor, now + second);
      cursor = feed.cursor;
      given += feed.events.length;
    }
    expect(source.calls - before).toBeLessThan(50 * 4);
    expect(given).toBeLessThan(50 * 60 * (shortOverlapSeconds + 1) + 1);
  });

  it('finds a late event although younger ones keep coming, and a clock that was put back', async () => {
    const source = list([now]);
    let { cursor } = await readFeed(source.read, cursorAt(now - 100), now);
    source.add(now - 40);
    const seen = new Set<string>();
    for (let second = 1; second <= overlapSeconds; second++) {
      source.add(now + second);
      const feed = await readFeed(source.read, cursor, now + second);
      cursor = feed.cursor;
      for (const event of feed.events) seen.add(event.id);
    }
    expect(seen.has('evt_1')).toBe(true);
    source.add(now + 10);
    const back = await readFeed(source.read, cursor, now - 3600);
    expect(back.events.map((event) => event.id)).toContain(`evt_${overlapSeconds + 2}`);
  });

  it('does not pass what a clock that is ahead has not seen', async () => {
    const source = list([now - 2000]);
    const { cursor } = await readFeed(source.read, undefined, now);
    source.add(now - 1990);
    expect((await readFeed(source.read, cursor, now)).events.map((event) => event.id)).toEqual(['evt_0', 'evt_1']);
  });

  it('stands still in a quiet account, without growing old', async () => {
    const { read } = list([]);
    const { cursor } = await readFeed(read, undefined, now);
    expect((await readFeed(read, cursor, now + 5)).cursor).toBe(cursor);
    let later = cursor;
    for (let day = 1; day < 90; day++) later = (await readFeed(read, later, now + day * 86_400)).cursor;
    expect(JSON.parse(later)).toMatchObject({ from: expect.any(Number) as number });
  });

  it('says so when its cursor is older than what Stripe keeps, or is not one', async () => {
    for (const cursor of [cursorAt(now - 30 * 86_400), 'nonsense', 'null']) {
      const error: unknown = await readFeed(list([]).read, cursor, now).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(SyncflowError);
      expect(error).toMatchObject({ code: 'cursor-expired' });
    }
  });
});

describe('polling', () => {
  it('tells of creates, updates and deletes, with cause, previous values and snapshot', async () => {
    const { sim, context, clock } = await world();
    const customers = new StripeCustomers(context('customer/stripe'));
    const { cursor, events: none } = await customers.changes(undefined);
    expect(none).toEqual([]);
    const outcome = await customers.push(createOf({ email: 'a@example.com' }, { idempotencyKey: 'ours' }));
    const id = outcome.kind === 'done' ? outcome.remoteId : '';
    clock.advance(1);
    sim.dashboard.customers.update(id, { email: 'b@example.com' });
    sim.dashboard.customers.del(id);
    sim.dashboard.products.create({ name: 'Not ours' });
    const { events, more } = await customers.changes(cursor);
    expect(more).toBe(false);
    expect(events).toMatchObject([
      {
        remoteId: id,
        kind: 'changed',
        cause: 'ours',
        at: '2026-11-01T12:00:00.000Z',
        snapshot: { email: 'a@example.com' },
      },
      { remoteId: id, kind: 'changed', at: '2026-11-01T12:00:01.000Z', previous: { email: 'a@example.com' } },
      { remoteId: id, kind: 'deleted' },
    ]);
    expect(events[2]).not.toHaveProperty('snapshot');
  });

  it('sees 250 changes of one second', async () => {
    const { sim, context } = await world();
    const customers = new StripeCustomers(context('customer/stripe'));
    let page = await customers.changes(undefined);
    for (let index = 0; index < 250; index++) sim.dashboard.customers.create({ name: String(index) });
    const seen = new Set<string>();
    do {
      page = await customers.changes(page.cursor);
      for (const event of page.events) seen.add(event.remoteId);
    } while (page.more);
    expect(seen.size).toBe(250);
  });
});
