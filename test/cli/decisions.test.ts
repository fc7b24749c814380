/** Decisions at the command line (link, unlink, pause, resolve): each refusal says what, where, and what to do. */
import { afterAll, expect, test } from 'vitest';
import { hasPostgres, TestPostgres } from '../setup/hub.js';
import { customerConfig, finish, Folders } from './support.js';

const folders = new Folders();
afterAll(() => folders.remove());

const cases: readonly (readonly [string, RegExp])[] = [
  [
    'link customer abc memory r1',
    /that can't be a key of customer: it doesn't fit the type of id\n.*Its key is id \(integer\)/,
  ],
  [`link customer ["1","2"] memory r1`, /that can't be a key of customer: 2 given\n.*Its key is id/],
  ['link customer 7 memory r9', /customer\/memory: there is no remote r9\n.*Nothing was linked/],
  ['link customer 7 memory r1', /there is no record 7 in customer\n.*Nothing was linked/],
  ['link customer 1 invoice/memory r1', /invoice\/memory is no subscriber of customer\n.*customer\/memory/],
  ['link custmer 1 memory r1', /there is no subscriber "custmer\/memory"\n.*Did you mean "customer\/memory"/],
  ['unlink customer 7 memory', /record 7 has no remote in customer\/memory[\s\S]*syncflow explain customer 7/],
  ['unlink customer abc memory', /that can't be a key of customer/],
  ['pause customer --key abc', /that can't be a key of customer/],
  ['pause custmer', /no subscriber and no catalog with subscribers called "custmer"\n.*Did you mean "customer"/],
  ['resume customer/memroy', /there is no subscriber "customer\/memroy"\n.*Did you mean "customer\/memory"/],
  ['conflicts resolve 99 --take hub', /there is no conflict 99 in the log\n.*syncflow conflicts/],
  ['conflicts resolve 99 --take value nonsense', /the value isn’t JSON\n.*Text goes in quotes/],
  ['conflicts resolve 99 --take value', /--take value needs a value[\s\S]*resolve 99 --take value/],
  ['discard custmer/memory', /there is no subscriber "custmer\/memory"/],
  ['parked retry --create', /--create needs the number of one record\n.*syncflow parked list/],
  ['parked retry 99 --create', /99 isn't parked as [\s\S]*syncflow parked show 99/],
];

test('what can’t be decided so is refused, with what to do', { timeout: 120_000 }, async () => {
  const cwd = folders.make(customerConfig({ more: `system.put('r1', { name: 'Ada' });` }));
  expect((await finish(['migrate'], { cwd })).code).toBe(0);
  for (const [line, message] of cases) {
    const { code, err, out } = await finish(line.split(' '), { cwd });
    expect(err, line).toMatch(message);
    expect({ code, out }, line).toEqual({ code: 2, out: '' });
  }
});

test('a record that isn’t there yet can be paused, and that is said', { timeout: 60_000 }, async () => {
  const cwd = folders.make(customerConfig());
  await finish(['migrate'], { cwd });
  const paused = await finish(['pause', 'customer/memory', '--key', '042'], { cwd });
  expect(paused).toMatchObject({ code: 0, err: expect.stringContaining('There is no record 042 yet') as string });
  // in the form of the table
  const explained = await finish(['explain', 'customer', '42'], { cwd });
  expect(explained.out).toContain('paused');
});

test('a hub of another environment says which hub, and how to take it over', { timeout: 60_000 }, async () => {
  const cwd = folders.make(customerConfig({ options: `environment: process.env['PLACE']` }));
  process.env['PLACE'] = 'production';
  await finish(['migrate'], { cwd });
  const other = folders.make(customerConfig({ database: `'${cwd}/hub'`, options: `environment: 'staging'` }));
  delete process.env['PLACE'];
  const { code, err } = await finish(['migrate'], { cwd: other });
  expect(err).toMatch(/the hub .*hub.* belongs to the environment "production", not "staging"\n.*--adopt-environment/);
  expect(code).toBe(1);
});

test.runIf(hasPostgres)('a plan that can recognise nothing says so', { timeout: 60_000 }, async () => {
  const db = await TestPostgres.create();
  try {
    const more = `system.put('r1', { name: 'Ada' });`;
    const cwd = folders.make(customerConfig({ more, database: `'${db.url}'` }));
    await finish(['migrate'], { cwd });
    await db.query(`insert into customer (id, name) values (1, 'Ada')`);
    const blind = await finish(['plan', 'customer'], { cwd });
    expect(blind.out).toMatch(/No match units are declared: [\s\S]*made twice[\s\S]*Give customer\/memory its match/);
    const seeing = folders.make(
      customerConfig({ more, database: `'${db.url}'` }).replace(
        'override readonly mapping',
        "override readonly match = ['name'];\n  override readonly mapping",
      ),
    );
    const { out } = await finish(['plan', 'customer'], { cwd: seeing });
    expect(out).toContain('one here and one there match');
    expect(out).not.toContain('No match units');
  } finally {
    await db.close();
  }
});
