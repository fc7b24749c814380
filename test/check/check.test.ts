/** What `check` finds: each kind of mismatch, planted; and nothing where nothing is wrong. */
import { afterAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog, type CatalogClass } from '../../src/catalog/catalog.js';
import { decimal } from '../../src/catalog/fields.js';
import { checkAll } from '../../src/check/check.js';
import { lens } from '../../src/subscriber/lens.js';
import type { RemoteSchema } from '../../src/subscriber/remote-schema.js';
import { Syncflow } from '../../src/syncflow.js';
import { MemorySubscriber, MemorySystem } from '../../src/testing/index.js';
import { EmbeddedDatabase } from '../../src/store/embedded.js';
import { finish, Folders } from '../cli/support.js';

const folders = new Folders();
afterAll(() => folders.remove());

const schema: RemoteSchema = {
  type: 'object',
  properties: {
    values: {
      type: 'object',
      properties: {
        name: { type: 'string', maxLength: 10 },
        title: { type: 'string' },
        stage: { type: 'string', enum: ['L', 'C', 'X'] },
        amount: { type: 'integer', nullable: true },
        total: { type: 'integer', writable: 'never' },
        kind: { type: 'string', writable: 'create' },
      },
    },
    owner: { type: 'string' },
  },
  required: ['owner'],
};

function customer(fields: Record<string, z.ZodType>) {
  return class Customer extends Catalog({ name: 'customer', key: 'id', fields: { id: z.int(), ...fields } }) {};
}

async function found(main: CatalogClass, mapping: object, remoteSchema: RemoteSchema = schema): Promise<string[]> {
  class Sub extends MemorySubscriber<CatalogClass> {
    override readonly remoteSchema = remoteSchema;
    override readonly mapping = mapping as never;
  }
  main.register(Sub);
  const checked = await checkAll({
    catalogs: [main],
    accounts: { memory: new MemorySystem() },
    environment: 'test',
    database: undefined,
    rows: 10,
    remotes: 0,
  });
  return checked.flatMap((one) =>
    one.findings.map(({ level, unit, problem, fatal }) => `${level}${fatal ? '!' : ''} ${unit ?? '-'}: ${problem}`),
  );
}
const open = { ...schema, required: [] };

test.each<[string, Record<string, z.ZodType>, object, RemoteSchema, string[]]>([
  ['nothing', { name: z.string().max(10) }, { name: 'values.name' }, open, []],
  [
    'required there, unmapped',
    { name: z.string().max(10) },
    { name: 'values.name' },
    schema,
    ['error -: "owner" is required there, and nothing is mapped to it: every create is refused'],
  ],
  [
    'required there, may be null here',
    { o: z.string().nullable() },
    { o: 'owner' },
    schema,
    ['warning o: it is required there, and may be null here: such a record is refused'],
  ],
  [
    'too long',
    { name: z.string().max(20) },
    { name: 'values.name' },
    open,
    ['warning name: it takes up to 10 characters, and up to 20 here: longer ones are refused'],
  ],
  [
    'without a limit',
    { name: z.string() },
    { name: 'values.name' },
    open,
    ['note name: it takes up to 10 characters, and any length here'],
  ],
  [
    'wrong choices',
    { s: z.enum(['L', 'Z']) },
    { s: 'values.stage' },
    open,
    [
      "warning s: it doesn't take Z (only L, C, X)",
      "warning s: C, X may come from there, and the field doesn't take it: parked",
    ],
  ],
  [
    'no choice fits',
    { s: z.enum(['Z']) },
    { s: { remote: 'values.stage', direction: 'outward' } },
    open,
    [
      `warning -: a remote that is made there can't become a record: nothing gives "s"`,
      "error s: it doesn't take Z (only L, C, X)",
    ],
  ],
  [
    'not writable',
    { t: z.int() },
    { t: 'values.total' },
    open,
    ['error! t: only the system writes it: every write is refused'],
  ],
  ['not writable, inward', { t: z.int() }, { t: { remote: 'values.total', direction: 'inward' } }, open, []],
  [
    'writable once',
    { k: z.string() },
    { k: 'values.kind' },
    open,
    ['note k: it can’t be changed once the remote is there: an edit is refused'],
  ],
  [
    'number against text',
    { n: z.int() },
    { n: 'values.title' },
    open,
    ['error n: it is string there, and integer here (integer)'],
  ],
  [
    'text against number',
    { n: decimal(10, 2).nullable() },
    { n: 'values.amount' },
    open,
    ['error n: it is integer there, and string here (decimal)'],
  ],
  [
    'a lens between',
    { n: decimal(10, 2).nullable() },
    { n: { remote: 'values.amount', via: lens(Number, String) } },
    open,
    [],
  ],
  ['misspelt', { n: z.string() }, { n: 'values.nmae' }, open, ['error n: the remote has no "nmae"']],
  [
    'a field that nothing gives',
    { name: z.string().max(10), other: z.string() },
    { name: 'values.name' },
    open,
    [`warning -: a remote that is made there can't become a record: nothing gives "other"`],
  ],
  [
    'empty there, not here',
    { a: z.int() },
    { a: 'values.amount' },
    open,
    ['warning a: it may be empty there, and not here: such a remote is parked'],
  ],
])('schema: %s', async (_, fields, mapping, remoteSchema, expected) => {
  expect(await found(customer(fields), mapping, remoteSchema)).toEqual(expected);
});

test('a start is refused only where every write would be', async () => {
  class Thing extends Catalog({ name: 'thing', key: 'id', fields: { id: z.int(), total: z.int() } }) {}
  class Sub extends MemorySubscriber<typeof Thing> {
    override readonly remoteSchema = open;
    override readonly mapping = this.map({ total: 'values.total' });
  }
  Thing.register(Sub);
  const flow = new Syncflow({ database: 'memory:', catalogs: [Thing], accounts: { memory: new MemorySystem() } });
  await expect(flow.start()).rejects.toThrow(
    /mappings that can't work:\n- thing\/memory: total ↔ values\.total: only the system writes it/,
  );
  await flow.stop();
});

const config = `
import { z } from 'zod';
import { Catalog, lens } from 'syncflow';
import { MemorySubscriber, MemorySystem } from 'syncflow/testing';
class Customer extends Catalog({ name: 'customer', key: 'id', fields: { id: z.int(), name: z.string().max(9), note: z.string().nullable() } }) {}
class Sub extends MemorySubscriber<typeof Customer> {
  override readonly remoteSchema = { type: 'object', properties: { values: { type: 'object', properties: { name: { type: 'string', maxLength: 5 }, note: { type: 'string' } } } } } as const;
  override readonly mapping = this.map({
    name: 'values.name',
    note: { remote: 'values.note', via: lens((text: string) => text.toUpperCase(), (text: string) => text) },
  });
}
Customer.register(Sub);
const system = new MemorySystem();
system.put('r1', { name: 'far too long', note: 'x' });
export default { database: 'hub', catalogs: [Customer], accounts: { memory: system } };
`;

test(
  'real rows and remotes are tried: what is refused, what is lossy; no value is shown',
  { timeout: 120_000 },
  async () => {
    const cwd = folders.make(config);
    const before = await finish(['check'], { cwd });
    expect(before.out).toContain('no rows (no table yet?)');
    expect(before).toMatchObject({ code: 0, err: '' });
    expect((await finish(['migrate'], { cwd })).code).toBe(0);
    const hub = new EmbeddedDatabase({ dataDir: `${cwd}/hub` });
    await hub.open();
    await hub.query(
      `insert into customer (id, name, note) values (1, 'Ada', null), (2, 'CANARY', 'CANARY'), (3, 'CANARY2', 'canary')`,
    );
    await hub.close();
    const { code, out } = await finish(['check', '--json', '--remote'], { cwd });
    expect(code).toBe(1);
    const report = JSON.parse(out) as {
      ok: boolean;
      subscribers: { rows: number; remotes: number; findings: { level: string; unit: string; problem: string }[] }[];
    };
    expect(report).toMatchObject({ ok: false, subscribers: [{ rows: 3, remotes: 1 }] });
    expect(report.subscribers[0]?.findings.map(({ level, unit, problem }) => `${level} ${unit}: ${problem}`)).toEqual([
      'warning name: it takes up to 5 characters, and up to 9 here: longer ones are refused',
      'error name: what is sent is longer than 5 characters (2 rows, the first: 2)',
      'error note: it comes back as another value: the round trip is lossy (1 row, the first: 3)',
      expect.stringMatching(/^error name: the field "name" doesn't take it: .* \(1 remote, the first: r1\)$/),
      'warning note: it would be sent back as another value (1 remote, the first: r1)',
    ]);
    const table = await finish(['check'], { cwd });
    expect(table.out).toMatch(/error +customer\/memory +note +values\.note +it comes back as another value/);
    expect(table.out).toMatch(/customer\/memory: 2 units against schema, 3 rows\n2 errors, 1 warning\n$/);
    expect(out + table.out).not.toMatch(/CANARY|far too long/);
  },
);

test('a misspelt key beside those that only the system writes', async () => {
  const properties = { email: { type: 'string' }, created: { writable: 'never' } } as const;
  const remoteSchema: RemoteSchema = { type: 'object', properties, additional: { writable: 'never' } };
  const main = customer({ mail: z.string(), other: z.string(), made: z.string() });
  expect(await found(main, { mail: 'emial', other: 'nowhere_near', made: 'created' }, remoteSchema)).toEqual([
    'error! mail: nothing called "emial" can be written there: every write is refused',
    'error! other: nothing called "nowhere_near" can be written there: every write is refused',
    'error! made: only the system writes it: every write is refused',
  ]);
});

test('two that take the same objects of an account, and don’t say which are whose', async () => {
  const of = (name: string, takes: string | undefined, accepts: boolean, options: object = {}): CatalogClass => {
    const main = Catalog({ name, key: 'id', fields: { id: z.int(), text: z.string() } });
    class Sub extends MemorySubscriber<CatalogClass> {
      override readonly mapping = { text: 'values.text' };
      override get takes(): string | undefined {
        return takes;
      }
    }
    class Choosy extends Sub {
      override accepts(): boolean {
        return false;
      }
    }
    main.register(accepts ? Choosy : Sub, options);
    return main;
  };
  const told = async (...catalogs: CatalogClass[]): Promise<string[]> => {
    const accounts = { memory: new MemorySystem() };
    const options = { accounts, environment: 'test', database: undefined, rows: 0, remotes: 0 };
    const checked = await checkAll({ ...options, catalogs });
    return checked.flatMap(({ findings }) => findings.map(({ subscriber, problem }) => `${subscriber}: ${problem}`));
  };
  const [one, two] = await told(of('a', 'person', false), of('b', 'person', false), of('c', 'thing', false));
  expect(one).toMatch(/^a\/memory: it takes every person of the account "memory", and b\/memory takes them, too/);
  expect(two).toMatch(/^b\/memory: .* a\/memory takes them/);
  // one that says it doesn't keep the other from taking its own
  expect(await told(of('a', 'person', true), of('b', 'person', false))).toHaveLength(1);
  expect(await told(of('a', 'person', true), of('b', 'person', true))).toEqual([]);
  expect(
    await told(of('a', 'person', true), of('b', 'person', false, { policies: { createInward: 'ignore' } })),
  ).toEqual([]);
  expect(await told(of('a', undefined, false), of('b', undefined, false))).toEqual([]);
});
