/** Command lines and config files that nobody meant to write: a clear error and a code that isn't 0, never a stack, never a secret. */
import fc from 'fast-check';
import { afterAll, describe, expect, test } from 'vitest';
import { writeFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { finish, Folders } from '../cli/support.js';

const folders = new Folders();
const empty = folders.make();
afterAll(() => folders.remove());

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function refused({ code, err, out }: Ended, what: string): void {
  expect([1, 2], what).toContain(code);
  expect(err, what).toMatch(/^(error: \S|Usage: )/);
  expect(`${err}${out}`, what).not.toMatch(/\n\s+at |CANARY|\[object Object\]|undefined|Cannot read propert/);
  // control characters would steer the terminal
  // eslint-disable-next-line no-control-regex
  expect(err, what).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/);
}

describe('arguments', () => {
  const command = fc.constantFrom(
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
  );
  const option = fc.constantFrom(
    '--port',
    '--json',
    '--config',
    '-c',
    '--key',
    '--subscriber',
    '--timeout',
    '--code',
    '--log-level',
    '--release',
    '--yes',
    '--host',
    '--',
    '-',
    '--no-backfill',
    '--port=',
    '--config=',
  );
  const odd = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.constantFrom(
      '',
      '-1',
      '1e9',
      'NaN',
      '[',
      '["',
      '[]',
      '[[]]',
      '{}',
      '["\u0000"]',
      '__proto__',
      'constructor',
      '../../etc/passwd',
      '/dev/null',
      '\u001b[2J',
      'a'.repeat(5_000),
      '$(reboot)',
      '; rm -rf /',
      '%s%n',
      '\ud800',
      '--json=x',
      '🙃',
    ),
  );
  const line = fc
    .tuple(fc.oneof(command, odd), fc.array(fc.oneof(odd, option), { maxLength: 4 }))
    .map(([first, rest]) => [first, ...rest]);

  test('of any kind end in an error (no config is here, so nothing can be done), or in help', async () => {
    await fc.assert(
      fc.asyncProperty(line, async (args) => {
        fc.pre(
          !args.some(
            (arg) =>
              ['-h', '--help', '-V', '--version', 'help', 'simulator', 'demo'].includes(arg) || /^-[hV]/.test(arg),
          ),
        );
        refused(await finish(args, { cwd: empty }), JSON.stringify(args));
      }),
      { numRuns: 150 },
    );
  });

  test.each([
    [['status', '--config', '/dev/null']],
    [['status', '--config', '.']],
    [['status', '--config', '/']],
    [['status', '--config', '']],
    [['status', '--config', 'a\0b']],
    [['status', '--config', 'x'.repeat(5_000)]],
    [['status', '--config', 'https://evil.example/CONFIG.ts']],
    [['start', '--port', '65536']],
    [['start', '--port', '-1']],
    [['start', '--port', '8080.5']],
    [['start', '--port', '0x1F90 ']],
    [['sync', '--timeout', '0']],
    [['sync', '--timeout', 'Infinity']],
    [['parked', 'show', '9'.repeat(30)]],
    [['parked', 'show', '1;select']],
    [['conflicts', '--key', '[]']],
    [['conflicts', '--key', '["a"']],
    [['pause', '\u001b]0;owned\u0007']],
    [['\u001b[31mred']],
  ])('%.80j', async (args) => refused(await finish(args, { cwd: empty }), JSON.stringify(args)));
});

describe('config files', () => {
  const good = `import { z } from 'zod';
import { Catalog } from 'syncflow';
class Customer extends Catalog({ name: 'customer', key: 'id', fields: { id: z.int(), name: z.string() } }) {}
export default { database: 'postgres://user:CANARY@127.0.0.1:1/shop', catalogs: [Customer], accounts: {}, http: { apiToken: 'api-CANARY-token-0123456789' } };
`;

  let count = 0;
  async function status(config: string | Uint8Array): Promise<Ended> {
    const folder = join(empty, `config-${count++}`);
    mkdirSync(folder);
    writeFileSync(join(folder, 'syncflow.config.ts'), config);
    return finish(['status'], { cwd: folder });
  }

  test('cut, with characters changed, put in or taken out', async () => {
    const change = fc.oneof(
      fc.nat({ max: good.length - 1 }).map((length) => good.slice(0, length)),
      fc
        .tuple(fc.nat({ max: good.length - 1 }), fc.stringMatching(/^[ -~]$/))
        .map(([at, char]) => `${good.slice(0, at)}${char}${good.slice(at + 1)}`),
      fc
        .tuple(fc.nat({ max: good.length }), fc.stringMatching(/^[ -~]{1,3}$/))
        .map(([at, text]) => `${good.slice(0, at)}${text}${good.slice(at)}`),
      fc
        .tuple(fc.nat({ max: good.length - 1 }), fc.integer({ min: 1, max: 8 }))
        .map(([at, length]) => `${good.slice(0, at)}${good.slice(at + length)}`),
    );
    await fc.assert(
      fc.asyncProperty(change, async (config) => {
        // a changed text may be another folder for a hub, or name another secret: those are no faults
        fc.pre(
          /database: 'postgres:\/\/user:CANARY@127\.0\.0\.1:1\/shop'/.test(config) || !/export default/.test(config),
        );
        fc.pre(!/CANARY/.test(config.replaceAll(/user:CANARY@|'api-CANARY-token/g, '')));
        const ended = await status(config);
        // what JavaScript says of a mistake may quote its line: secrets in it are masked by their form
        refused({ ...ended, err: ended.err.replace(/undefined|Cannot read propert\w+/g, '') }, config);
      }),
      { numRuns: 60 },
    );
  });

  test.each<[string, string | Uint8Array]>([
    ['nothing', ''],
    ['bytes that aren’t text', Uint8Array.from({ length: 2_000 }, (_, index) => (index * 151) % 256)],
    ['a lone surrogate and NUL', 'export default { database: "\\ud800\\0" }'],
    ['JSON', '{"database":"x"}'],
    ['null', 'export default null'],
    ['an array', 'export default []'],
    ['an object without a prototype', 'export default Object.create(null)'],
    ['a symbol', 'export default Symbol("x")'],
    ['a promise that is rejected with nothing', 'export default Promise.reject(undefined)'],
    ['a promise that is rejected with text', 'export default Promise.reject("token=CANARY")'],
    ['a function that throws a number', 'export default () => { throw 42 }'],
    ['a function that throws null', 'export default () => { throw null }'],
    ['an error with an ANSI message', 'throw new Error("\\u001b[2Jgone")'],
    ['an error without a message', 'throw new Error()'],
    ['a getter that throws', 'export default { get database() { throw new Error("secret: CANARY") } }'],
    [
      'a proxy that throws',
      'export default new Proxy({}, { get() { throw new Error("password=CANARY") }, ownKeys() { throw new Error("password=CANARY") } })',
    ],
    [
      'prototype keys',
      'export default JSON.parse(\'{"__proto__":{"database":"x"},"constructor":{"name":"Syncflow"}}\')',
    ],
    ['an endless depth', `export default ${'['.repeat(3_000)}${']'.repeat(3_000)}`],
    ['a circle', 'const a = {}; a.catalogs = [a]; a.database = a; export default a'],
    [
      'wrong types everywhere',
      'export default { database: 7, catalogs: {}, accounts: [], environment: "", batchSize: -1, leaseMs: NaN, retry: { baseMs: "1" }, http: { basePath: "x" }, clock: 1 }',
    ],
    [
      'a catalog that throws',
      "import { Catalog } from 'syncflow'; export default { database: 'x', catalogs: [Catalog({ name: '../x', key: 'id', fields: {} })] }",
    ],
    ['fields of nothing', "import { Catalog } from 'syncflow'; Catalog({ name: 'x', key: 'id', fields: null })"],
    ['no spec', "import { Catalog } from 'syncflow'; Catalog()"],
    ['an import of itself', "import './syncflow.config.ts'; export default {}"],
  ])('%s', async (_, config) => {
    const ended = await status(config);
    refused(
      { ...ended, err: ended.err.replace(/undefined|Cannot (read|convert) \w+/g, '') },
      String(config).slice(0, 200),
    );
  });
});
