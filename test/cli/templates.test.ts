/** Projects that begin with a template: they compile, are formatted, and sync at once. */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { CatalogClass } from '../../src/catalog/catalog.js';
import { loadConfig } from '../../src/cli/config.js';
import { Syncflow } from '../../src/syncflow.js';
import { CouchServer, StripeSimulator } from '../../src/testing/index.js';
import { project, style, typecheck } from './project.js';
import { finish, Folders, root } from './support.js';

const folders = new Folders();
let stripe: StripeSimulator;
let couch: CouchServer;
beforeEach(async () => {
  stripe = new StripeSimulator();
  couch = new CouchServer();
  await Promise.all([stripe.start(), couch.start()]);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await Promise.all([stripe.stop(), couch.stop()]);
});
afterAll(() => folders.remove());

const slow = { timeout: 240_000 };

async function begun(template: string): Promise<{ cwd: string; out: string }> {
  const cwd = project(folders);
  const { code, out, err } = await finish(['init', '--yes', '--template', template], { cwd });
  expect({ code, err }).toEqual({ code: 0, err: '' });
  vi.stubEnv('STRIPE_API_KEY', 'sk_test_simulator');
  vi.stubEnv('STRIPE_BASE_URL', stripe.url);
  vi.stubEnv('COUCHDB_URL', couch.url);
  return { cwd, out };
}

async function sound(cwd: string, names: readonly string[]): Promise<void> {
  for (const name of [...names, 'syncflow.config']) {
    const source = readFileSync(join(cwd, `${name}.ts`), 'utf8');
    expect(source, name).toBe(await format(source, style));
  }
  expect(typecheck(cwd)).toBe('');
}

/** Saves a customer by the project's own config, and says how many records of each subscriber agree with their remotes. */
async function synced(cwd: string, customer: Record<string, unknown>): Promise<Record<string, number>> {
  const { options } = await loadConfig(undefined, cwd);
  const flow = new Syncflow(options);
  try {
    await flow.start();
    const main = flow.catalogs.find(({ definition }) => definition.name === 'customer') as CatalogClass;
    await flow.catalog(main).save(customer);
    await flow.settled();
    expect(await flow.parked()).toEqual([]);
    expect((await flow.check()).filter(({ fatal }) => fatal)).toEqual([]);
    const reports = await flow.verify();
    expect(reports.flatMap((report) => report.differences)).toEqual([]);
    return Object.fromEntries(reports.map((report) => [report.subscriber, report.equal]));
  } finally {
    await flow.stop();
  }
}

test('a shop with Stripe', slow, async () => {
  const { cwd, out } = await begun('shop');
  expect(out).toMatch(
    /wrote catalogs\.ts\nwrote stripe\.ts\n[\s\S]*npm install syncflow zod stripe &&[\s\S]*set STRIPE_API_KEY in/,
  );
  await sound(cwd, ['catalogs', 'stripe']);
  for (const name of ['catalogs', 'stripe'])
    expect(readFileSync(join(cwd, `${name}.ts`), 'utf8')).toBe(
      readFileSync(join(root, 'examples/shop', `${name}.ts`), 'utf8'),
    );
  await synced(cwd, { first_name: 'Ada', last_name: 'Lovelace', email: 'ada@example.com' });
  expect(stripe.state.count('customer')).toBe(1);
});

test('a shop with Stripe, and a CRM on CouchDB', slow, async () => {
  const { cwd, out } = await begun('shop-and-crm');
  expect(out).toMatch(/npm install syncflow zod stripe nano &&[\s\S]*set STRIPE_API_KEY and COUCHDB_URL in/);
  await sound(cwd, ['catalogs', 'stripe', 'couchdb']);
  const remotes = await synced(cwd, { first_name: 'Grace', last_name: 'Hopper', email: 'grace@example.com' });
  expect(remotes['customer/couchdb']).toBe(1);
});

test('an empty project says what it lacks, and grows by `generate`', slow, async () => {
  const { cwd, out } = await begun('empty');
  expect(out).toMatch(/generate catalog customer[\s\S]*generate subscriber customer stripe/);
  expect(existsSync(join(cwd, 'catalogs.ts'))).toBe(false);
  await sound(cwd, []);
  // a module that was loaded once stays as it was
  const nothing = await finish(['status'], { cwd: (await begun('empty')).cwd });
  expect(nothing.code).not.toBe(0);
  expect(nothing.err).toMatch(/"catalogs" is empty[\s\S]*generate catalog customer/);
  for (const command of ['catalog customer --fields name:text,email:email?', 'subscriber customer stripe'])
    expect(await finish(['generate', ...command.split(' ')], { cwd })).toMatchObject({ code: 0, err: '' });
  const config = readFileSync(join(cwd, 'syncflow.config.ts'), 'utf8');
  expect(config).toContain(`import { Customer } from './customer.js';\n`);
  expect(config).toContain('\n  catalogs: [Customer],\n');
  await sound(cwd, ['customer', 'stripe-customer']);
  await synced(cwd, { name: 'Ada', email: null });
  expect(stripe.state.count('customer')).toBe(1);
});

test('where .ts files are CommonJS, modules are .mts', async () => {
  const cwd = project(folders);
  writeFileSync(join(cwd, 'package.json'), '{ "private": true }\n');
  await finish(['init', '--yes', '--template', 'shop'], { cwd });
  expect(readFileSync(join(cwd, 'stripe.mts'), 'utf8')).toContain(`from './catalogs.mjs';`);
});

test.each([
  [['--database', 'postgres://h/d'], /--template and --database exclude each other/],
  [['--tables', 'a'], /--template and --tables exclude each other/],
])('a template with %j is refused', async (more, message) => {
  const cwd = project(folders);
  const { code, err } = await finish(['init', '--yes', '--template', 'shop', ...more], { cwd });
  expect(err).toMatch(message);
  expect(code).toBe(2);
});
