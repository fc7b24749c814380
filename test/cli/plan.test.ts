/**
 * `plan`, `apply`, `link`, `unlink` at the command line, on tables as people have them: composite keys, reserved words, quoted,
 * mixed-case and foreign names, uuid keys, and twins on both sides.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, test } from 'vitest';
import { StripeSimulator } from '../../src/testing/index.js';
import { hasPostgres, TestPostgres } from '../setup/hub.js';
import { finish, Folders } from './support.js';

const folders = new Folders();
let db: TestPostgres;
let simulator: StripeSimulator;
let cwd: string;

const config = (url: string, stripe: string, options = ''): string => `
import { z } from 'zod';
import { Catalog, defineConfig, numberAsText } from 'syncflow';
import { StripeAccount, StripeCustomerSubscriber, StripeProductSubscriber } from 'syncflow/stripe';
import { MemorySubscriber, MemorySystem } from 'syncflow/testing';

class Order extends Catalog({ name: 'Order', table: 'Order', key: 'Id', fields: {
  Id: z.bigint(), class: z.string().max(50), "customer's name": z.string().max(60).nullable(), 'order date': z.iso.date(), ext: z.guid().optional() } }) {}
class Select extends Catalog({ name: 'select', key: ['from', 'to'], fields: { from: z.string(), to: z.string(), where: z.int32().nullable() } }) {}
class Words extends Catalog({ name: 'words', table: '订单', key: 'id', fields: { id: z.int32(), 名: z.string().nullable() } }) {}
class Person extends Catalog({ name: 'person', table: 'Person of "crm"', schema: 'crm', key: 'id', fields: {
  id: z.guid(), 'e-mail': z.string().nullable(), store_id: z.int32().default(1) } }) {}

class StripeOrder extends StripeCustomerSubscriber<typeof Order> {
  override readonly match = ["customer's name"];
  override readonly mapping = this.map({ "customer's name": 'name', class: 'metadata.class', 'order date': { remote: 'metadata.order_date', authority: 'remote' } });
}
Order.register(StripeOrder, { as: 'stripe' });
class StripeSelect extends StripeProductSubscriber<typeof Select> {
  override readonly mapping = this.map({ from: 'metadata.from', to: 'name', where: { remote: 'metadata.where', via: numberAsText } });
}
class MemoryWords extends MemorySubscriber<typeof Words> {
  override readonly match = ['名'];
  override readonly mapping = this.map({ 名: 'values.名' });
}
Words.register(MemoryWords, { as: 'mem', account: 'mem' });
class MemoryPerson extends MemorySubscriber<typeof Person> {
  override readonly match = ['e-mail'];
  override readonly mapping = this.map({ 'e-mail': 'values.mail' });
}
Person.register(MemoryPerson, { as: 'mem', account: 'mem' });
class MemorySelect extends MemorySubscriber<typeof Select> {
  override readonly mapping = this.map({ where: 'values.where' });
}
Select.register(MemorySelect, { as: 'mem', account: 'mem' });

const mem = new MemorySystem();
export default defineConfig({
  database: '${url}', catalogs: [Order, Select, Words, Person], backfill: 'planned',
  accounts: { stripe: new StripeAccount({ apiKey: 'sk_test_simulator', baseUrl: '${stripe}', ratePerSecond: 1000, endpointRatePerSecond: 1000 }), mem }, ${options}
});
`;

/** The objects of Stripe are made by whoever sits there. */
async function customer(fields: Record<string, string>): Promise<string> {
  const answer = await fetch(`${simulator.url}/v1/customers`, {
    method: 'POST',
    headers: { authorization: 'Bearer sk_test_simulator', 'content-type': 'application/x-www-form-urlencoded' },
    body: new URLSearchParams(fields),
  });
  return ((await answer.json()) as { id: string }).id;
}

async function customers(): Promise<{ id: string; name: string | null; metadata: Record<string, string> }[]> {
  const answer = await fetch(`${simulator.url}/v1/customers?limit=100`, {
    headers: { authorization: 'Bearer sk_test_simulator' },
  });
  return ((await answer.json()) as { data: { id: string; name: string | null; metadata: Record<string, string> }[] })
    .data;
}

interface Kind {
  readonly kind: string;
  readonly count: number;
  readonly decided: number;
}

async function planned(...args: string[]): Promise<Record<string, Kind[]>> {
  const { code, out, err } = await finish(['plan', ...args, '--json'], { cwd });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  const { plans } = JSON.parse(out) as { plans: { subscriber: string; kinds: Kind[] }[] };
  return Object.fromEntries(plans.map(({ subscriber, kinds }) => [subscriber, kinds]));
}

const counts = (kinds: readonly Kind[] = []): Record<string, number> =>
  Object.fromEntries(kinds.map(({ kind, count }) => [kind, count]));

async function linksOf(subscriber: string): Promise<{ key: string | null; remote_id: string | null }[]> {
  return db.query(
    `select key, remote_id from syncflow.link where subscriber = $1 and state = 'linked' and parked_code is null order by key`,
    [subscriber],
  );
}

describe.runIf(hasPostgres)('on a Pagila-like database with twins on both sides', { timeout: 120_000 }, () => {
  /** Two of each side bear the name Zoë; Ada and Bob stand on both sides once, Cem here, Dot there. */
  let zoes: readonly string[];
  let ada: string;

  beforeEach(async () => {
    db = await TestPostgres.create();
    await db.execute(readFileSync(new URL('./pagila-like.sql', import.meta.url), 'utf8'));
    await db.execute(`
      create table crm."Person of ""crm""" (id uuid primary key default gen_random_uuid(), "e-mail" text, store_id int not null default 1);
      insert into crm."Person of ""crm""" ("e-mail") values ('a@example.com'), ('b@example.com');
      insert into "select" values ('a', 'b', 1), ('it''s', '"q"', 2), ('', ' ', 3);
      insert into "订单" values (1, '日本'), (2, null);
      delete from "Order_line"; delete from "Order";
      insert into "Order" ("class", "customer's name", "order date") overriding system value select 'x', n, '2026-01-01'
        from unnest(array['Zoë', 'Zoë', 'Ada', 'Bob "the" O''Neill', 'Cem']) n;`);
    simulator = new StripeSimulator({ rateLimit: undefined });
    await simulator.start();
    zoes = [await customer({ name: 'Zoë' }), await customer({ name: 'Zoë' })];
    ada = await customer({ name: 'Ada', 'metadata[order_date]': '2026-03-03' });
    await customer({ name: `Bob "the" O'Neill` });
    await customer({ name: 'Dot' });
    cwd = folders.make(config(db.url, simulator.url));
  });
  afterEach(async () => {
    await simulator.stop();
    await db.close();
  });
  afterAll(() => folders.remove());

  async function keyOf(name: string): Promise<string[]> {
    const rows = await db.query<{ id: string }>(
      `select "Id"::text as id from "Order" where "customer's name" = $1 order by "Id"`,
      [name],
    );
    return rows.map(({ id }) => id);
  }

  test('a plan writes nothing and guesses nothing; applied, twins stay apart; a second one writes nothing', async () => {
    const before = await customers();
    const plans = await planned();
    expect(counts(plans['Order/stripe'])).toEqual({ ambiguous: 4, here: 1, match: 2, there: 1 });
    expect(counts(plans['select/mem'])).toEqual({ here: 3 });
    expect(counts(plans['words/mem'])).toEqual({ here: 2 });
    expect(counts(plans['person/mem'])).toEqual({ here: 2 });
    expect(await customers()).toEqual(before);
    expect(await linksOf('Order/stripe')).toEqual([]);

    const told = await finish(['plan', 'Order', 'stripe'], { cwd });
    const [first = '', second = ''] = await keyOf('Zoë');
    expect(told.out).toContain(`records ${first}, ${second} and remotes ${[...zoes].sort().join(', ')} match by`);
    // "order date" is NOT NULL, and Dot has none: it can't become a record, and the plan says so, and counts it apart
    expect(told.out).toMatch(
      / 1 {2}only there, and parked: it can’t be synced as it is\n +cus_\w+ \(Dot\) · it would be parked: .*order date/,
    );
    expect(told.out).not.toContain('only there: a record is made');
    // what there is to decide by
    const [left = '', right = ''] = [...zoes].sort();
    expect(told.out).toMatch(
      new RegExp(
        `${zoes[0]} \\(Zoë\\) · .*\\n +record ${first}: customer's name Zoë, class x, order date 2026-01-01\\n +record ${second}: .*\\n +remote ${zoes[0]}: customer's name Zoë\\n`,
      ),
    );
    expect(told.out).toContain(`record ${first} (Zoë`);
    expect(told.out).toContain(`${left}, ${right} may be its`);
    expect(told.out).toMatch(/order date +1 +remote +first load, authority remote/);
    expect(told.out).toMatch(
      /Decide about the ambiguous: --decisions <file>[\s\S]*Apply it with: syncflow apply Order\/stripe/,
    );

    const applied = await finish(['apply', 'Order', '--json'], { cwd });
    expect(applied.err).toBe('');
    expect(JSON.parse(applied.out)).toMatchObject({
      applied: [{ subscriber: 'Order/stripe', before: false, parked: 5 }],
    });
    expect((await linksOf('Order/stripe')).map(({ key }) => key)).toEqual(
      [...(await keyOf('Ada')), ...(await keyOf(`Bob "the" O'Neill`)), ...(await keyOf('Cem'))].map(
        (id) => `["${id}"]`,
      ),
    );
    const after = await customers();
    expect(
      after
        .filter(({ name }) => name === 'Zoë')
        .map(({ id }) => id)
        .sort(),
    ).toEqual([...zoes].sort());
    expect(after.filter(({ name }) => name === 'Cem')).toHaveLength(1);
    expect(await db.query(`select "order date"::text as at from "Order" where "customer's name" = 'Ada'`)).toEqual([
      { at: '2026-03-03' },
    ]);
    expect(await db.query(`select 1 from "Order" where "customer's name" = 'Dot'`)).toEqual([]);

    const again = await finish(['apply', 'Order'], { cwd });
    expect(again).toMatchObject({ code: 0, err: '' });
    expect(again.out).toBe('Order/stripe: was applied before; 5 parked: see syncflow parked list\n');
    expect(await customers()).toEqual(after);
  });

  test('a report groups what it says, with counts, the date and the values to decide by', async () => {
    const [first = '', second = ''] = await keyOf('Zoë');
    const twice = async (file: string): Promise<string> => {
      const { code, err } = await finish(['plan', 'Order', 'stripe', '--report', file], { cwd });
      expect({ code, err }).toMatchObject({ code: 0 });
      return readFileSync(join(cwd, file), 'utf8');
    };
    const csv = await twice('p.csv');
    const [head = '', ...rows] = csv.split('\r\n');
    expect(head).toBe('subscriber,what,record,remote,candidates,here,there,differs,decision,note');
    expect(csv).toContain(
      `Order/stripe,ambiguous,,${zoes[0]},"record ${first}, record ${second}, remote ${zoes[1]}","${first}: customer's name Zoë, class x, order date 2026-01-01\n${second}: `,
    );
    expect(rows.filter((row) => row.startsWith(`Order/stripe,ambiguous,${first},,"remote cus_`))).toHaveLength(1);
    expect(csv).toMatch(/Order\/stripe,there,,cus_\w+,,,customer's name Dot,,,"?it would be parked/);
    const html = await twice('p.html');
    expect(html).toMatch(/<h2>Order\/stripe<\/h2>\n<p>Made 2\d{3}-.*Z; matched by customer's name\.<\/p>/);
    expect(html).toContain('<li><b>4  ambiguous: parked until decided</b></li>');
    expect(html).toContain('<li><b>1  only there, and parked: it can’t be synced as it is</b></li>');
    expect(html).toMatch(/Fields that differ[\s\S]*<td>order date<\/td><td>1<\/td><td>remote<\/td>/);
    expect(html.match(/<table>/g)).toHaveLength(5);

    const { out } = await finish(['plan', 'Order', 'stripe', '--json'], { cwd });
    const { plans } = JSON.parse(out) as {
      plans: { kinds: object[]; samples: Record<string, { remotes: object[]; records: object[] }[]> }[];
    };
    expect(plans[0]?.kinds).toContainEqual(expect.objectContaining({ kind: 'there', count: 1, parked: 1 }));
    expect(plans[0]?.samples['ambiguous']?.[0]).toMatchObject({
      records: [
        { id: `["${first}"]`, values: { "customer's name": 'Zoë', class: 'x' } },
        { id: `["${second}"]`, label: expect.stringContaining('Zoë') as string },
      ],
      remotes: expect.arrayContaining([expect.objectContaining({ id: zoes[1], label: 'Zoë' })]) as object[],
    });
  });

  test('decisions of a file are carried out; what they can’t mean is refused with where and what to write', async () => {
    const [first = ''] = await keyOf('Zoë');
    const decide = async (decisions: unknown) => {
      writeFileSync(join(cwd, 'd.json'), typeof decisions === 'string' ? decisions : JSON.stringify(decisions));
      return finish(['plan', 'Order', 'stripe', '--decisions', 'd.json'], { cwd });
    };
    for (const [wrong, message] of [
      ['{', /the decisions in .*d\.json can’t be read: [\s\S]*It is JSON: \[/],
      [
        [{ do: 'lnk' }],
        /d\.json don’t fit: decision 1, \{"do":"lnk"\}: "do" can't be "lnk": did you mean "link"\?\n.*"link" \| "new" \| "leave"/,
      ],
      [
        [{ do: 'new' }, { remoteid: 'x', do: 'new' }],
        /decision 2, .*: there is no "remoteid": did you mean "remoteId"\?/,
      ],
      [{ do: 'new' }, /don’t fit: they are a list\n/],
      [['cus_1'], /decision 1, "cus_1": it is no object/],
      [[{ remoteId: 1, do: 'new' }], /decision 1, .*: "remoteId" is a text/],
      [[{ remoteId: 'cus_nobody', do: 'leave' }], /the plan has no ambiguous remote cus_nobody\n.*syncflow plan/],
      [[{ remoteId: zoes[0], do: 'link' }], /to link remote cus_\w+, both a remoteId and a key are needed/],
    ] as const)
      expect(await decide(wrong)).toMatchObject({ code: 2, err: expect.stringMatching(message) as string });

    const said = await decide([
      { remoteId: zoes[0], do: 'link', key: first },
      { remoteId: zoes[1], do: 'leave' },
    ]);
    expect(said.out).toMatch(/4 {2}ambiguous: parked until decided \(2 decided\)/);
    expect((await finish(['apply', 'Order'], { cwd })).err).toBe('');
    expect(await linksOf('Order/stripe')).toContainEqual({ key: `["${first}"]`, remote_id: zoes[0] });
    expect((await customers()).find(({ id }) => id === zoes[1])?.metadata).toEqual({});
  });

  test('apply refuses when the world has moved, says where, and writes nothing', async () => {
    await planned('Order', 'stripe');
    const before = await customers();
    await db.query(`insert into "Order" ("class", "customer's name", "order date") values ('y', 'Ada', '2026-01-02')`);
    const refused = await finish(['apply', 'Order/stripe'], { cwd });
    expect(refused).toMatchObject({ code: 1, out: '' });
    expect(refused.err).toMatch(
      /Order\/stripe: both sides say something else than the plan that was approved, in \d+ places: .*Ada|remote cus_\w+: match; with/,
    );
    expect(refused.err).toContain(`remote ${ada}`);
    expect(refused.err).toMatch(/Nothing was written\.\n.*Look again: syncflow plan Order\/stripe\..*--accept-moved/);
    expect(await customers()).toEqual(before);
    expect(await linksOf('Order/stripe')).toEqual([]);
    expect((await finish(['apply', 'Order/stripe', '--accept-moved'], { cwd })).code).toBe(0);
    // two Adas by now: none of them was linked
    expect((await customers()).find(({ id }) => id === ada)?.metadata).toEqual({ order_date: '2026-03-03' });
  });

  test('what was ambiguous is linked and parted by hand', async () => {
    await planned('Order', 'stripe');
    await finish(['apply', 'Order'], { cwd });
    const [first = '', second = ''] = await keyOf('Zoë');
    const [left = '', right = ''] = zoes;
    const refusals: readonly (readonly [readonly string[], RegExp])[] = [
      [['link', 'Order', '999', 'stripe', left], /there is no record 999 in Order/],
      [
        ['link', 'Order', first, 'stripe', 'cus_nobody'],
        /Order\/stripe: there is no remote cus_nobody\n.*Nothing was linked/,
      ],
      [
        ['link', 'Order', first, 'strip', left],
        /there is no subscriber "Order\/strip"\n.*Did you mean "Order\/stripe"/,
      ],
      [['link', 'Order', '[1', 'stripe', left], /\[1 is not a record's key\n.*Write 42/],
      [
        ['unlink', 'Order', first, 'stripe'],
        new RegExp(`record ${first} has no remote in Order/stripe\\n.*syncflow explain Order ${first}`),
      ],
    ];
    for (const [args, message] of refusals)
      expect(await finish(args, { cwd })).toMatchObject({
        code: 2,
        out: '',
        err: expect.stringMatching(message) as string,
      });

    expect(await finish(['link', 'Order', first, 'stripe', left], { cwd })).toMatchObject({ code: 0, err: '' });
    expect((await finish(['sync'], { cwd })).err).not.toContain('error');
    expect(await linksOf('Order/stripe')).toContainEqual({ key: `["${first}"]`, remote_id: left });
    // what is left is one to one, by the declared rule: the next hint of either side pairs it
    expect(await finish(['link', 'Order', second, 'stripe', left], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringMatching(/ is linked to .* already\n.*syncflow unlink Order \d+ Order\/stripe/) as string,
    });
    expect(await linksOf('Order/stripe')).toContainEqual({ key: `["${second}"]`, remote_id: right });

    expect((await finish(['unlink', 'Order', second, 'stripe'], { cwd })).out).toMatch(
      /is parted from cus_\w+ in Order\/stripe/,
    );
    const before = await customers();
    await db.query(`update "Order" set "class" = 'changed' where "Id" = $1`, [second]);
    await finish(['sync'], { cwd });
    expect(await customers()).toEqual(before);
  });

  test('composite keys with quotes, blanks and nothing in them are made, named and parted', async () => {
    cwd = folders.make(
      config(db.url, simulator.url).replace(
        `Select.register(MemorySelect, { as: 'mem', account: 'mem' });`,
        `Select.register(StripeSelect, { as: 'stripe' });`,
      ),
    );
    expect(counts((await planned('select'))['select/stripe'])).toEqual({ here: 3 });
    expect(await finish(['apply', 'select', 'stripe'], { cwd })).toMatchObject({ code: 0 });
    const odd = JSON.stringify(["it's", '"q"']);
    expect((await finish(['explain', 'select', odd], { cwd })).out).toMatch(/select\/stripe ↔ \S+ {2}in agreement/);
    expect((await finish(['unlink', 'select', odd, 'stripe'], { cwd })).out).toMatch(/is parted from prod_\w+ in/);
    const twice = await finish(['unlink', 'select', odd, 'stripe'], { cwd });
    // the hint can be pasted into a shell
    expect(twice.err).toContain(`syncflow explain select '["it'\\''s", "\\"q\\""]'`);
    expect((await linksOf('select/stripe')).map(({ key }) => key)).toEqual(['["", " "]', '["a", "b"]']);
  });
});
