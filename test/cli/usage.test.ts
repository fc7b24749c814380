import { afterAll, expect, test } from 'vitest';
import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { customerConfig, finish, Folders } from './support.js';

const folders = new Folders();
const empty = folders.make();
afterAll(() => folders.remove());

test.each([
  [['stauts'], /unknown command 'stauts'[\s\S]*Did you mean status\?/],
  [['status', '--jsno'], /unknown option '--jsno'[\s\S]*Did you mean --json\?/],
  [['parked', 'lsit'], /unknown command 'lsit'[\s\S]*Did you mean list\?/],
  [['start', '--port', 'http'], /must be a port/],
  [['start', '--log-level', 'loud'], /Allowed choices are debug, info, warn, error/],
  [['parked', 'show', 'abc'], /must be a number/],
  [['pause'], /missing required argument 'target'/],
  [['parked', 'retry', '--release'], /--release needs --subscriber/],
  [['conflicts', 'resolve', '1'], /required option '--take <side>'/],
  [['conflicts', 'resolve', 'x', '--take', 'hub'], /must be a number/],
  [['conflicts', 'resolve', '1', '--take', 'value'], /--take value needs a value/],
  [['conflicts', 'resolve', '1', 'ada', '--take', 'value'], /isn’t JSON/],
  [['conflicts', '--key', '[oops'], /is not a record's key/],
])('%j is a usage error', async (args, message) => {
  const { code, out, err } = await finish(args, { cwd: empty });
  expect(err).toMatch(message);
  expect(err).toMatch(/^error: /);
  expect(out).toBe('');
  expect(code).toBe(2);
});

test('help and version end with 0, no command at all with 2', async () => {
  const help = await finish(['--help'], { cwd: empty });
  expect(help.code).toBe(0);
  for (const name of [
    'start',
    'migrate',
    'status',
    'parked',
    'sync',
    'verify',
    'conflicts',
    'explain',
    'doctor',
    'pause',
    'resume',
    'uninstall',
    'simulator',
    'init',
    'generate',
    'check',
    'demo',
  ]) {
    expect(help.out).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
  }
  expect(await finish(['--version'], { cwd: empty })).toMatchObject({
    code: 0,
    out: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) as string,
  });
  expect((await finish([], { cwd: empty })).code).toBe(2);
});

test.each<[string, string | undefined, RegExp, RegExp]>([
  ['no file', undefined, /there is no syncflow\.config\.ts in .* or above it/, /--config/],
  ['it throws', `throw new Error('boom at password=CANARY')`, /can't be loaded: boom at password=\*\*\*/, /--debug/],
  ['it has a mistake', `export default {`, /can't be loaded/, /--debug/],
  [
    'it imports what is not there',
    `import 'no-such-package'; export default {}`,
    /imports "no-such-package"/,
    /npm install no-such-package/,
  ],
  ['it exports nothing', `export const database = 'hub'`, /default export is missing/, /export default/],
  ['it exports something else', `export default 42`, /not an object of options/, /export default/],
  [
    'a key is misspelt',
    customerConfig({ options: `catalgs: [Customer]` }),
    /"catalgs" is not an option/,
    /Did you mean "catalogs"\?/,
  ],
  [
    'a nested key is misspelt',
    customerConfig({ options: `http: { apitoken: '' }` }),
    /"http\.apitoken" is not an option/,
    /Did you mean "apiToken"\?/,
  ],
  [
    'the database is missing',
    customerConfig({ database: `process.env.NO_SUCH_VARIABLE` }),
    /"database" is missing/,
    /environment variable/,
  ],
  [
    'a catalog is none',
    customerConfig({ options: `...{ catalogs: [Customer, Map] }` }),
    /catalogs\[1\] is not a main class/,
    /imported/,
  ],
  ['a number is none', customerConfig({ options: `batchSize: '100'` }), /"batchSize" isn't right/, /^/],
  [
    'an error of ours',
    `import { SyncflowError } from 'syncflow'; throw new SyncflowError('config', 'no key', { hint: 'Set the key.' })`,
    /syncflow\.config\.ts: no key/,
    /Set the key\./,
  ],
])('config: %s', async (_, config, message, hint) => {
  const { code, err, out } = await finish(['status'], { cwd: folders.make(config) });
  expect(err).toMatch(message);
  expect(err).toMatch(hint);
  expect(err).not.toMatch(/CANARY|\n\s+at /);
  expect(out).toBe('');
  expect(code).toBe(1);
});

test('the stack is shown when asked for, without secrets', async () => {
  const cwd = folders.make(`throw new Error('boom at postgres://u:CANARY@h/db')`);
  for (const [args, env] of [
    [['status', '--debug'], {}],
    [['status'], { DEBUG: '1' }],
  ] as const) {
    const { err } = await finish(args, { cwd, env });
    expect(err).toMatch(/\n\s+at /);
    expect(err).not.toContain('CANARY');
  }
});

test('a config is found from a folder below, may be named, may be a function, and may be JavaScript', async () => {
  const unreachable = `export default async () => ({ database: 'postgres://user:CANARY@127.0.0.1:1/shop', catalogs: [class extends Catalog({ name: 'a', key: 'id', fields: { id: z.int() } }) {}] })`;
  const source = `import { Catalog } from 'syncflow';\nimport { z } from 'zod';\n${unreachable}`;
  const cwd = folders.make(source, 'syncflow.config.mjs');
  mkdirSync(join(cwd, 'below'));
  writeFileSync(join(cwd, 'other.ts'), source);
  const runs = [
    finish(['status'], { cwd: join(cwd, 'below') }),
    finish(['verify', '--config', 'other.ts'], { cwd }),
    finish(['-c', 'other.ts', 'start', '--port', '0'], { cwd }),
    finish(['uninstall', '--yes'], { cwd }),
  ];
  for (const { code, err } of await Promise.all(runs)) {
    expect(code).toBe(1);
    expect(err).toMatch(/^error: postgres:\/\/127\.0\.0\.1:1\/shop: .*ECONNREFUSED/);
    expect(err).toContain('is Postgres running');
    expect(err).not.toContain('CANARY');
  }
  expect((await finish(['status', '--config', 'missing.ts'], { cwd })).err).toContain('there is no config file');
});

test('uninstall asks; where nobody can be asked it wants --yes; a no changes nothing', async () => {
  const cwd = folders.make(customerConfig({ database: `'postgres://127.0.0.1:1/shop'` }));
  expect(await finish(['uninstall'], { cwd })).toMatchObject({
    code: 2,
    err: expect.stringContaining('--yes') as string,
  });
  expect(await finish(['uninstall'], { cwd, answer: 'no' })).toMatchObject({ code: 1, out: 'Nothing was removed.\n' });
});
