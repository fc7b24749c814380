/** `held`, `release`, `discard` at the command line, beside a process that works. */
import { afterAll, expect, test } from 'vitest';
import { hasPostgres, TestPostgres } from '../setup/hub.js';
import { begin, customerConfig, finish, Folders } from './support.js';

const folders = new Folders();
afterAll(() => folders.remove());

test.runIf(hasPostgres)(
  'a mass delete is held, shown, taken back; the next one is let go',
  { timeout: 120_000 },
  async () => {
    const db = await TestPostgres.create();
    const cwd = folders.make(
      customerConfig({ database: `'${db.url}'` }).replace(
        'Customer.register(MemoryCustomer);',
        'Customer.register(MemoryCustomer, { brake: { count: 2, share: 0.1 } });',
      ),
    );
    try {
      await finish(['migrate'], { cwd });
      await db.query(`insert into customer (id, name) select i, 'CANARY ' || i from generate_series(1, 5) i`);
      const start = begin(['start', '--port', '0'], { cwd });
      await start.out.until(/(?:"event":"pushed"[\s\S]*){5}\n/);
      expect(await finish(['held'], { cwd })).toMatchObject({ code: 0, out: 'Nothing is held.\n' });
      expect(JSON.parse((await finish(['held', '--json'], { cwd })).out)).toEqual({ counts: [], changes: [] });

      await db.query('delete from customer');
      await start.out.until(/"event":"held".*"operation":"delete".*\n/);
      // the event comes before its commit
      await expect.poll(async () => (await finish(['held'], { cwd })).out).toMatch(/^5 × delete/);
      const held = await finish(['held'], { cwd });
      expect(held.out).toMatch(/^5 × delete {2}customer\/memory {2}made here, not sent {2}since /);
      expect(held.out).toMatch(
        /\n {2}1 ↔ \S+ {2}CANARY 1 {2}by \S.* {2}\(\d+\)\n[\s\S]*discard inserts them again; their mapped fields [\s\S]*meant\? syncflow release customer\/memory .* syncflow discard/,
      );
      expect((await finish(['held', 'customer', 'memory'], { cwd })).out).toBe(held.out);
      expect(JSON.parse((await finish(['held', '--json'], { cwd })).out)).toMatchObject({
        counts: [{ subscriber: 'customer/memory', direction: 'outward', operation: 'delete', count: 5 }],
      });
      for (const [args, message] of [
        [['held', 'custmer'], 'Did you mean "customer"?'],
        [['release', 'customer/memroy'], 'Did you mean "customer/memory"?'],
        [['discard', 'customer'], 'Did you mean "customer/memory"?'],
        [['release', 'customer/memory', '--for', 'long'], '30m'],
      ] as const)
        expect(await finish(args, { cwd })).toMatchObject({ code: 2, err: expect.stringContaining(message) as string });
      expect(await db.query('select 1 from customer')).toEqual([]);

      const discarded = await finish(['discard', 'customer/memory', '--by', 'ada'], { cwd });
      expect(discarded).toMatchObject({
        code: 0,
        err: expect.stringMatching(
          /inserted again: their mapped fields are as both sides agreed, all others as in a new row/,
        ) as string,
        out: '5 changes of customer/memory taken back\n',
      });
      expect(await db.query(`select id, name from customer where id = 3`)).toEqual([{ id: '3', name: 'CANARY 3' }]);
      expect(JSON.parse((await finish(['discard', 'customer/memory', '--json'], { cwd })).out)).toEqual({
        discarded: 0,
        failed: [],
      });

      await db.query('delete from customer');
      await expect.poll(async () => (await finish(['held'], { cwd })).out).toMatch(/^5 × delete/);
      expect((await finish(['release', 'customer/memory', '--for', '5m', '--by', 'ada'], { cwd })).out).toBe(
        '5 changes of customer/memory let go: carried over by its next passes\n',
      );
      await start.out.until(/(?:"operation":"delete","units"[\s\S]*){5}\n/);
      expect(await finish(['held'], { cwd })).toMatchObject({ out: 'Nothing is held.\n' });
      expect(
        await db.query(`select event, detail->>'editedBy' as by, count(*)::int as n from syncflow.history
          where event in ('released', 'discarded') group by 1, 2 order by 1`),
      ).toEqual([
        { event: 'discarded', by: 'ada', n: 5 },
        { event: 'released', by: 'ada', n: 5 },
      ]);
      expect(start.out.text).not.toContain('CANARY');
      start.signal('SIGTERM');
      expect(await start.code).toBe(0);
    } finally {
      await db.close();
    }
  },
);
