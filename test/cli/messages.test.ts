/** What a command says when something is wrong names the place, and what to do; and a program can read it. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { Cli } from '../../src/cli/context.js';
import type { Io } from '../../src/cli/io.js';
import { cureOf } from '../../src/explain/cures.js';
import { hasPostgres, TestPostgres } from '../setup/hub.js';
import { begin, finish, Folders } from './support.js';

const folders = new Folders();
afterAll(() => folders.remove());

const main = `
import { z } from 'zod';
import { Catalog, defineConfig } from 'syncflow';
import { StripeAccount } from 'syncflow/stripe';
class Thing extends Catalog({ name: 'thing', key: 'id', fields: { id: z.int() } }) {}
`;
const stripe = (options: string): string => `accounts: { stripe: new StripeAccount(${options}) }`;

describe('a config that is wrong', () => {
  test.each<[what: string, text: string, says: RegExp]>([
    ['a syntax error', `${main}\nexport default { catalogs: [ ;`, /syncflow\.config\.ts:7 can't be loaded/],
    [
      'a name that isn’t there',
      `${main}\nexport default { catalogs: [Custmer] };`,
      /syncflow\.config\.ts:7 can't be loaded: Custmer is not defined/,
    ],
    [
      'a backfill',
      `${main}\nexport default { database: 'memory:', catalogs: [Thing], backfill: 'planed' };`,
      /"backfill" isn't right: it is none of what it may be\n.*true, false or "planned"/,
    ],
    [
      'a number in quotes',
      `${main}\nexport default { database: 'memory:', catalogs: [Thing], pollIntervalMs: '5' };`,
      /"pollIntervalMs" .*\n.*Give a number of milliseconds, without quotes\./,
    ],
    [
      'an environment',
      `${main}\nexport default { database: 'memory:', catalogs: [Thing], environment: 5 };`,
      /"environment" .*\n.*It is a name, as text/,
    ],
    [
      'a short token',
      `${main}\nexport default { database: 'memory:', catalogs: [Thing], http: { apiToken: 'short' } };`,
      /"http\.apiToken" must have at least 16 characters\n.*openssl rand/,
    ],
    [
      'a misspelt option of an account',
      `${main}\nexport default { database: 'memory:', catalogs: [Thing], ${stripe(`{ apikey: 'sk_test_simulator' }`)} };`,
      /StripeAccount: unknown option "apikey"\n.*Did you mean "apiKey"/,
    ],
    [
      'an API key that is none',
      `${main}\nexport default { database: 'memory:', catalogs: [Thing], ${stripe(`{ apiKey: 5 }`)} };`,
      /StripeAccount: apiKey must be a text\n.*it is a number now/,
    ],
    [
      'no API key',
      `${main}\nexport default { database: 'memory:', catalogs: [Thing], ${stripe(`{}`)} };`,
      /StripeAccount: apiKey is missing\n.*environment/,
    ],
  ])('%s', async (_what, text, says) => {
    const { code, err } = await finish(['status'], { cwd: folders.make(text) });
    expect(err).toMatch(says);
    expect(code).toBe(1);
  });
});

const plain = `
import { z } from 'zod';
import { Catalog } from 'syncflow';
import { MemorySubscriber, MemorySystem } from 'syncflow/testing';
class Thing extends Catalog({ name: 'thing', key: 'id', fields: { id: z.int(), name: z.string() } }) {}
class Side extends MemorySubscriber { mapping = this.map({ name: 'values.name' }); }
Thing.register(Side, { as: 'mem', account: 'mem' });
export default { database: 'hub', catalogs: [Thing], accounts: { mem: new MemorySystem() } };
`;

test('with --json an error is JSON on stdout, and words on stderr', async () => {
  const cwd = folders.make(plain);
  const { code, out, err } = await finish(['status', '--json', 'superfluous'], { cwd });
  expect(code).toBe(2);
  expect(err).toMatch(/^error: /);
  expect(JSON.parse(out)).toEqual({
    error: { code: 'usage', message: expect.stringContaining('too many arguments') as string },
  });
  const unknown = await finish(['plan', 'thng', '--json'], { cwd });
  expect(JSON.parse(unknown.out)).toMatchObject({
    error: { code: 'usage', hint: expect.stringContaining('thing') as string },
  });
  const link = await finish(['link', 'thing', '1', 'mem', 'nobody', '--json'], { cwd });
  expect(JSON.parse(link.out)).toMatchObject({ error: { message: expect.stringContaining('nobody') as string } });
  const resolve = await finish(['conflicts', 'resolve', '1', '--take', 'hub', '--json'], { cwd });
  expect(JSON.parse(resolve.out)).toMatchObject({ error: { code: 'usage' } });
});

test('migrate prints JSON', async () => {
  const cwd = folders.make(plain);
  const { out } = await finish(['migrate', '--json'], { cwd });
  expect(JSON.parse(out)).toMatchObject({ applied: expect.any(Array) as string[] });
});

test('two simulators don’t share a state', async () => {
  const cwd = folders.make(plain);
  const args = ['simulator', 'stripe', '--port', '0', '--data-dir', 'state'];
  const first = begin(args, { cwd });
  await first.out.until(/Stripe simulator on/);
  expect(await finish(args, { cwd })).toMatchObject({
    code: 1,
    err: expect.stringMatching(/another process keeps its state in .*state\n.*--data-dir/) as string,
  });
  first.signal('SIGTERM');
  expect(await first.code).toBe(0);
  const again = begin(args, { cwd });
  await again.out.until(/Stripe simulator on/);
  again.signal('SIGTERM');
  expect(await again.code).toBe(0);
});

describe('generate', () => {
  const catalogs = `import { z } from 'zod';
import { Catalog } from 'syncflow';
export class Customer extends Catalog({
  name: 'customer', key: 'id', fields: { id: z.int(), email: z.string() } }) {}
`;
  test('a system that is nearly a known one', async () => {
    const cwd = folders.make(plain);
    writeFileSync(join(cwd, 'catalogs.ts'), catalogs);
    expect(await finish(['generate', 'subscriber', 'customer', 'strip'], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringMatching(/no connector for "strip"\n.*Did you mean "stripe"\?.*--own/) as string,
    });
    expect(await finish(['generate', 'subscriber', 'customer', 'strip', '--own'], { cwd })).toMatchObject({ code: 0 });
  });

  test('a catalog that is there already', async () => {
    const cwd = folders.make(plain);
    writeFileSync(join(cwd, 'catalogs.ts'), catalogs);
    expect(await finish(['generate', 'catalog', 'customer'], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringMatching(/a main class of "customer" already: Customer in catalogs\.ts\n.*--table/) as string,
    });
  });

  test('what the account asks of the environment stands in .env.example', async () => {
    const cwd = join(folders.make(plain), 'new');
    mkdirSync(cwd);
    await finish(['init', '--yes', '--template', 'empty'], { cwd });
    writeFileSync(join(cwd, 'catalogs.ts'), catalogs);
    const { out } = await finish(['generate', 'subscriber', 'customer', 'stripe'], { cwd });
    expect(out).toMatch(/added to \.env\.example[\s\S]*set what \.env\.example asks for in \.env/);
    expect(readFileSync(join(cwd, '.env.example'), 'utf8')).toMatch(/^STRIPE_API_KEY=$/m);
  });
});

describe.runIf(hasPostgres)('init', () => {
  test('takes the address from .env; a view is called one', async () => {
    const db = await TestPostgres.create();
    try {
      await db.execute(
        'create table customer (id int primary key); create view customer_view as select * from customer',
      );
      const cwd = join(folders.make(plain), 'fresh');
      mkdirSync(cwd);
      writeFileSync(join(cwd, '.env'), `DATABASE_URL=${db.url}\n`);
      expect(await finish(['init', '--yes', '--tables', 'customer_view'], { cwd })).toMatchObject({
        code: 2,
        err: expect.stringMatching(/customer_view is a view, and no table\n.*stands behind it/) as string,
      });
      expect(await finish(['init', '--yes'], { cwd })).toMatchObject({ code: 0, err: '' });
      expect(readFileSync(join(cwd, 'catalogs.ts'), 'utf8')).toContain('class Customer extends');
    } finally {
      await db.close();
    }
  });
});

test('without a terminal a long job says how far it is, at each tenth; a short one, or one for a program, is silent', () => {
  const told: string[] = [];
  const stderr = { write: (text: string) => told.push(text), isTTY: false };
  const io = { stdout: stderr, stderr, env: {}, cwd: '.' } as unknown as Io;
  const tell = (cli: Cli, total: number | undefined, done: number): void => {
    cli.showProgress({ kind: 'apply', phase: 'applying', subscriber: 'a/b', done, total });
  };
  const cli = new Cli(io, new AbortController().signal);
  for (let done = 0; done <= 1_612; done += 31) tell(cli, 1_612, done);
  expect(told).toHaveLength(11);
  expect(told[1]).toContain('applying (applying) a/b: 186 of 1612');
  for (let done = 0; done < 100; done++) tell(cli, 100, done);
  expect(told).toHaveLength(11);
  const silent = new Cli(io, new AbortController().signal);
  silent.setGlobals({ json: true });
  tell(silent, 1_612, 0);
  expect(told).toHaveLength(11);
});

test('a remote without a record is corrected there', () => {
  expect(cureOf('validation')).toMatch(/^Correct the record/);
  expect(cureOf('validation', true)).toMatch(/There is no record yet: correct the remote/);
  expect(cureOf('ambiguous', true)).toBe(cureOf('ambiguous'));
});
