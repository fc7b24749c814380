/** `syncflow generate`: what it writes compiles, is formatted, and does what its conformance test demands. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { format } from 'prettier';
import { afterAll, expect, test } from 'vitest';
import { project, style, typecheck } from './project.js';
import { finish, Folders, root } from './support.js';

const folders = new Folders();
afterAll(() => folders.remove());
const slow = { timeout: 400_000 };

async function must(cwd: string, ...args: string[]): Promise<string> {
  const { code, err, out } = await finish(['generate', ...args], { cwd });
  expect(err).toBe('');
  expect(code).toBe(0);
  return out;
}

/** The generated test, by the project's own runner. */
function runTest(cwd: string, name: string): Promise<{ code: number | null; text: string }> {
  return new Promise((resolve) => {
    const tsx = join(root, 'node_modules/tsx/dist/loader.mjs');
    const child = spawn(process.execPath, ['--import', tsx, '--test', '--test-reporter', 'tap', name], { cwd });
    let text = '';
    child.stdout.on('data', (chunk) => (text += String(chunk)));
    child.stderr.on('data', (chunk) => (text += String(chunk)));
    child.on('close', (code) => resolve({ code, text }));
  });
}

async function shop(): Promise<string> {
  const cwd = project(folders);
  await must(
    cwd,
    'catalog',
    'customer',
    '--fields',
    'first_name:text(40),last_name:text(80),email:email?,city:text?,vip:boolean,score:int?,company_no:bigint?',
  );
  await must(cwd, 'catalog', 'product', '--fields', 'name:text,price:decimal(10,2)?,sku:text?,added:date,meta:json?');
  await must(
    cwd,
    'catalog',
    'invoice',
    '--fields',
    'customer_id:ref(customer),currency:text(3),status:enum(draft|open|paid|void),memo:text?',
  );
  return cwd;
}

test(
  'subscribers of known systems pass their test at once; one for a system of one’s own says what is missing',
  slow,
  async () => {
    const cwd = await shop();
    for (const catalog of ['customer', 'product', 'invoice']) await must(cwd, 'subscriber', catalog, 'stripe');
    await must(cwd, 'subscriber', 'customer', 'couchdb');
    const out = await must(cwd, 'subscriber', 'customer', 'crm');
    expect(out).toMatch(
      /wrote +crm-customer\.ts[\s\S]*wrote +crm-account\.ts[\s\S]*1\. fill in create, update, delete and fetch/,
    );
    const names = [
      'customer',
      'product',
      'invoice',
      'stripe-customer',
      'stripe-product',
      'stripe-invoice',
      'couchdb-customer',
      'crm-customer',
      'crm-account',
      'stripe-customer.test',
      'stripe-invoice.test',
      'couchdb-customer.test',
      'crm-customer.test',
    ];
    for (const name of names) {
      const source = readFileSync(join(cwd, `${name}.ts`), 'utf8');
      expect(source, name).toBe(await format(source, style));
    }
    expect(typecheck(cwd)).toBe('');
    for (const name of ['stripe-customer', 'stripe-product', 'stripe-invoice', 'couchdb-customer']) {
      const { code, text } = await runTest(cwd, `${name}.test.ts`);
      expect(code, text).toBe(0);
      expect(text).toMatch(/ok \d+ - every mapped value comes back as it was sent\n/);
    }
    const { code, text } = await runTest(cwd, 'crm-customer.test.ts');
    expect(code).toBe(1);
    expect(text).toMatch(
      /not filled in yet:[\s\S]*create: make a remote of operation\.values[\s\S]*update: write[\s\S]*delete: delete[\s\S]*fetch: read one remote/,
    );
  },
);

test('the examples in comments compile once they are uncommented', slow, async () => {
  const cwd = await shop();
  await must(cwd, 'subscriber', 'customer', 'stripe');
  await must(cwd, 'subscriber', 'customer', 'crm');
  const uncomment = (text: string): string =>
    text.replaceAll(/^ {2}\/\/ ?((?: {2})?(?:override|return|const|await|}|import|if|problems|\/\/).*|)$/gm, '  $1');
  const main = uncomment(readFileSync(join(cwd, 'customer.ts'), 'utf8'));
  writeFileSync(
    join(cwd, 'customer.ts'),
    main
      .replace(/^ *import type \{ Change.*$/m, '')
      .replace('import { z }', "import type { Change, RecordKey, Row } from 'syncflow';\nimport { z }"),
  );
  const stripe = uncomment(readFileSync(join(cwd, 'stripe-customer.ts'), 'utf8'));
  writeFileSync(
    join(cwd, 'stripe-customer.ts'),
    stripe.replace('import { ', "import type { Row } from 'syncflow';\nimport { defaultPolicies, "),
  );
  let crm = readFileSync(join(cwd, 'crm-customer.ts'), 'utf8');
  // the body of each method stands above it
  crm = crm.replaceAll(
    /((?: {2}\/\/ .*\n)+)( {2}override async \w+\(.*\{\n)( {4}throw .*\n)/g,
    (_, body: string, head: string) => head + body.replaceAll('  // ', '    '),
  );
  crm = uncomment(crm)
    .replaceAll('_operation: CreateOperation', '{ values, key, idempotencyKey }: CreateOperation')
    .replaceAll('_operation: UpdateOperation', '{ remoteId, changed }: UpdateOperation')
    .replaceAll('_operation: DeleteOperation', '{ remoteId }: DeleteOperation')
    .replaceAll('_remoteId', 'remoteId');
  writeFileSync(
    join(cwd, 'crm-customer.ts'),
    crm.replace('type Sight,', 'type ListPage,\n  type Query,\n  type Sight,'),
  );
  expect(stripe).toContain('\n  override where(');
  expect(crm).toContain('\n  override async find(');
  expect(typecheck(cwd)).toBe('');
});

test('a config that init made gets subscriber and account; another is left alone', async () => {
  const cwd = project(folders);
  await finish(['init', '--yes', '--template', 'shop'], { cwd });
  const before = readFileSync(join(cwd, 'syncflow.config.ts'), 'utf8');
  const told = await must(cwd, 'subscriber', 'customer', 'couchdb');
  expect(told).toMatch(/added to syncflow\.config\.ts[\s\S]*1\. npm install nano\n/);
  const after = readFileSync(join(cwd, 'syncflow.config.ts'), 'utf8');
  expect(after).toContain(`import './couchdb-customer.js';\n`);
  expect(after).toMatch(/couchdb: new CouchAccount\(/);
  expect(after.match(/new StripeAccount/g)).toHaveLength(1);
  expect(after).toBe(await format(after, style));
  writeFileSync(join(cwd, 'syncflow.config.ts'), before.replaceAll(/.*\/\/ syncflow: .*\n/g, ''));
  expect(await must(cwd, 'subscriber', 'product', 'couchdb')).toMatch(
    /in syncflow\.config: import '\.\/couchdb-product\.js'/,
  );
});

test.each([
  [['catalog', 'Größe!'], /"Größe!" can't be a catalog's name\n.*Grosse/],
  [['catalog', 'customer'], /customer\.ts is there already/],
  [['catalog', 'order', '--fields', 'a:txet'], /type "txet", which isn't one\n.*Did you mean "text"\?/],
  [
    ['catalog', 'order', '--fields', 'c:ref(custmer)'],
    /refers to the catalog "custmer", which isn't there\n.*Did you mean "customer"\?/,
  ],
  [['subscriber', 'custmer', 'stripe'], /no main class of a catalog "custmer"[\s\S]*Did you mean "customer"\?/],
  [['subscriber', 'customer', '../x'], /can't be a system's name/],
  [['subscriber', 'thing', 'stripe'], /what "thing" is in Stripe can't be told[\s\S]*--as customer/],
])('generate %j is refused, and nothing written', async (args, message) => {
  const cwd = project(folders);
  await must(cwd, 'catalog', 'customer');
  await must(cwd, 'catalog', 'thing');
  const { code, err } = await finish(['generate', ...args], { cwd });
  expect(err).toMatch(message);
  expect(code).toBe(2);
  expect(existsSync(join(cwd, 'order.ts'))).toBe(false);
  expect(existsSync(join(cwd, 'stripe-thing.ts'))).toBe(false);
});
