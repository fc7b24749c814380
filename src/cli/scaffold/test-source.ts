/** The test of a subscriber: the conformance suite, for the project's own test runner. */
import { importLine } from './catalog-source.js';
import type { MainShape } from './shape.js';

export interface TestPlace {
  readonly system: string;
  readonly className: string;
  readonly subscriberFrom: string;
  readonly mainFrom: string;
  readonly runner: 'vitest' | 'node:test';
  /** Of a system without a connector. */
  readonly account: { readonly className: string; readonly from: string } | undefined;
}

export function conformanceTest(shape: MainShape, place: TestPlace): string {
  const { system, className, runner } = place;
  const setup = system === 'stripe' ? stripeSetup : system === 'couchdb' ? couchSetup : ownSetup(place);
  const targets = [...shape.fields, ...(shape.child?.fields ?? [])].flatMap(
    (field) => field.references?.().definition.name ?? [],
  );
  const sample = system === 'stripe' ? shape.fields.filter(({ name }) => /currency/i.test(name)) : [];
  const given = sample.map(({ name }) => `${/^\w+$/.test(name) ? name : JSON.stringify(name)}: 'eur'`);
  const references = system === 'stripe' ? stripeReferences(shape, targets) : { setup: [], option: [] };
  const testing = ['conformance', ...(given.length > 0 ? ['sampleRecord'] : []), ...setup.testing].sort();
  const skip =
    runner === 'vitest'
      ? '  test.skipIf(skip !== undefined)(name, run);'
      : '  test(name, { skip: skip ?? false }, run);';
  return `${[
    `/** ${className} does what its capabilities claim. It makes and deletes objects: never give it the account of production. */`,
    runner === 'vitest' ? "import { afterAll, test } from 'vitest';" : "import { after, test } from 'node:test';",
    ...setup.imports,
    importLine(testing, 'syncflow/testing'),
    importLine([shape.className], place.mainFrom),
    importLine([className], place.subscriberFrom),
    '',
    ...setup.lines.map((line) => line.replace('AFTER', runner === 'vitest' ? 'afterAll' : 'after')),
    ...references.setup,
    '',
    'const checks = conformance({',
    `  catalog: ${shape.className},`,
    `  subscriber: ${className},`,
    '  account,',
    ...(given.length === 0 ? [] : [`  record: (n) => sampleRecord(${shape.className}, n, { ${given.join(', ')} }),`]),
    ...references.option,
    '  // normalises: [], // units that the system changes as it stores them',
    '});',
    '',
    'for (const { name, skip, run } of checks) {',
    skip,
    '}',
  ].join('\n')}\n`;
}

interface Setup {
  readonly imports: readonly string[];
  readonly testing: readonly string[];
  readonly lines: readonly string[];
}

const stripeSetup: Setup = {
  imports: ["import { StripeAccount } from 'syncflow/stripe';"],
  testing: ['StripeSimulator'],
  lines: [
    'const simulator = new StripeSimulator({ rateLimit: undefined });',
    'await simulator.start();',
    "const account = new StripeAccount({ apiKey: 'sk_test_simulator', baseUrl: simulator.url, ratePerSecond: 1_000 });",
    'AFTER(async () => {',
    '  account.close();',
    '  await simulator.stop();',
    '});',
  ],
};

const couchSetup: Setup = {
  imports: ["import { CouchAccount } from 'syncflow/couchdb';"],
  testing: ['CouchServer'],
  lines: [
    'const server = new CouchServer(); // needs express-pouchdb and pouchdb; or give the address of a CouchDB',
    'await server.start();',
    'AFTER(() => server.stop());',
    'const account = new CouchAccount({ url: server.url, createDatabases: true });',
  ],
};

function ownSetup({ account, system }: TestPlace): Setup {
  const name = system.toUpperCase().replaceAll(/[^A-Z0-9]+/g, '_');
  return {
    imports: account === undefined ? [] : [importLine([account.className], account.from)],
    testing: [],
    lines: [
      `// the address and token of a sandbox of ${system}`,
      `const account = new ${account?.className ?? 'Account'}({`,
      `  url: process.env['${name}_TEST_URL'] ?? 'http://127.0.0.1:1',`,
      `  token: process.env['${name}_TEST_TOKEN'] ?? '',`,
      '});',
      'AFTER(() => undefined);',
    ],
  };
}

/** Objects that an invoice refers to, made in the simulator. */
function stripeReferences(shape: MainShape, targets: readonly string[]) {
  const names = [...new Set(targets)];
  if (names.length === 0) return { setup: [], option: [] };
  const made = names.map((name) => ({
    name,
    kind: /product|price|item|article|film/i.test(name) ? 'products' : 'customers',
  }));
  const setup = made.map(
    ({ kind }, index) =>
      `const made${index + 1} = await account.call('live', 'POST ${kind}', (stripe) => stripe.${kind}.create({ name: 'Sample' }));`,
  );
  const option = `  references: { ${made.map(({ name }, index) => `${/^\w+$/.test(name) ? name : JSON.stringify(name)}: made${index + 1}.id`).join(', ')} },`;
  return { setup, option: [option] };
}
