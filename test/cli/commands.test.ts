import { spawn } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import type { StatusReport } from '../../src/server/operations.js';
import { EmbeddedDatabase } from '../../src/store/embedded.js';
import { begin, Captured, customerConfig, finish, Folders, root } from './support.js';

const folders = new Folders();
afterAll(() => folders.remove());
const slow = 120_000;

/** Somebody else writes a row, while no process of ours holds the hub. */
async function insert(cwd: string, name: string): Promise<void> {
  const hub = new EmbeddedDatabase({ dataDir: join(cwd, 'hub') });
  await hub.open();
  try {
    await hub.query('insert into customer (id, name) values (42, $1)', [name]);
  } finally {
    await hub.close();
  }
}

const linesOf = (text: string): Record<string, unknown>[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);

test(
  'a mistake is parked, seen, tried again and healed, all through the process that holds the hub',
  { timeout: slow },
  async () => {
    const cwd = folders.make(customerConfig({ more: `system.faults.push({ call: 'create', kind: 'rejected' });` }));
    const migrated = await finish(['migrate'], { cwd });
    expect(migrated).toMatchObject({ code: 0, err: '' });
    expect(migrated.out).toMatch(/applied 0001[\s\S]* is ready\./);
    await insert(cwd, 'Ada CANARY Lovelace');
    const start = begin(['start', '--port', '0', '--no-backfill'], { cwd });
    await start.out.until(/"event":"parked".*\n/);
    expect((await finish(['verify'], { cwd })).out).toContain('All sides agree but for 1 parked');
    const verdicts = [
      await finish(['verify', '--json'], { cwd }),
      await finish(['verify', '--strict', '--json'], { cwd }),
    ];
    expect(verdicts.map((one) => one.code)).toEqual([0, 3]);
    expect(JSON.parse(verdicts[1]?.out ?? '')).toMatchObject({ agree: false, drift: 0, parked: 1, notCompared: [] });

    const [parked] = JSON.parse((await finish(['parked', 'list', '--json'], { cwd })).out) as {
      id: string;
      code: string;
    }[];
    expect(parked).toMatchObject({ subscriber: 'customer/memory', key: '["42"]', reason: 'the system refuses it' });
    const id = parked?.id ?? '';
    const causes = await finish(['parked'], { cwd });
    expect(causes.out).toMatch(
      /^1 parked, of 1 cause\n[\s\S]*1 × rejected[\s\S]*record 42: syncflow parked show \d+[\s\S]*cure /,
    );
    expect(JSON.parse((await finish(['parked', '--json', '--code', 'rejected'], { cwd })).out)).toMatchObject([
      { code: 'rejected', cause: 'the system refuses it', count: 1, example: { id, key: '["42"]' } },
    ]);
    expect((await finish(['parked', 'list', '--code', 'policy'], { cwd })).out).toBe('Nothing is parked.\n');
    expect(await finish(['parked', 'list', '--code', 'rejectd'], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringContaining('Did you mean "rejected"?') as string,
    });
    expect((await finish(['parked', 'show', id], { cwd })).out).toMatch(/key +42[\s\S]*the system refuses it/);
    expect(await finish(['parked', 'show', '999999'], { cwd })).toMatchObject({ code: 2 });
    expect(await finish(['parked', 'retry', id], { cwd })).toMatchObject({ code: 0, out: '1 record is tried again\n' });
    const synced = await finish(['sync', '--json', '--timeout', '60'], { cwd });
    expect(JSON.parse(synced.out)).toMatchObject({ running: true, subscribers: [{ inAgreement: 1, parked: 0 }] });
    expect((await finish(['verify', 'customer/memory', '--strict'], { cwd })).code).toBe(0);
    const explained = await finish(['explain', 'customer', '42', 'name', '--fetch'], { cwd });
    expect(explained).toMatchObject({ code: 0, err: '' });
    expect(explained.out).toMatch(
      /^customer 42 · name\n {2}name {2}Ada CANARY Lovelace\n[\s\S]*why {2}postgres.* set it/,
    );
    expect(explained.out).toMatch(/read just now: it shows the same[\s\S]*parked: rejected[\s\S]*created there/);
    expect(JSON.parse((await finish(['explain', 'customer', '42', '--json'], { cwd })).out)).toMatchObject({
      key: '["42"]',
      subscribers: [{ standing: 'in-agreement' }],
    });
    expect(await finish(['explain', 'custmer', '42'], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringContaining('Did you mean "customer"?') as string,
    });

    expect((await finish(['pause', 'customer/memory'], { cwd })).code).toBe(0);
    expect((await finish(['status'], { cwd })).out).toMatch(/customer +memory \(paused\)/);
    expect((await finish(['resume', 'customer/memory', '--key', '42'], { cwd })).code).toBe(0);
    expect((await finish(['pause', 'customer'], { cwd })).out).toContain('customer/memory is paused');
    expect((await finish(['resume', 'customer'], { cwd })).out).toBe('customer/memory is synced again\n');
    expect(await finish(['pause', 'custmer'], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringContaining('Did you mean "customer"?') as string,
    });
    expect(await finish(['pause', 'customer/memroy'], { cwd })).toMatchObject({
      code: 2,
      err: expect.stringContaining('Did you mean "customer/memory"?') as string,
    });
    expect((await finish(['conflicts'], { cwd })).out).toBe('No conflicts.\n');
    expect(await finish(['migrate'], { cwd })).toMatchObject({
      code: 1,
      err: expect.stringContaining('is held by') as string,
    });

    start.signal('SIGTERM');
    expect(await start.code).toBe(0);
    expect(start.out.text).not.toContain('CANARY');
    expect(linesOf(start.out.text).map((line) => line['event'])).toEqual(
      expect.arrayContaining(['listening', 'parked', 'pushed', 'stopping', 'stopped']),
    );
  },
);

test(
  'start as a process: others find it by its lock file, and SIGTERM ends it with 0 and a free hub',
  { timeout: slow },
  async () => {
    const cwd = folders.make(customerConfig());
    const child = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        join(root, 'src/cli/main.ts'),
        'start',
        '--port',
        '0',
        '--config',
        join(cwd, 'syncflow.config.ts'),
      ],
      { cwd: root },
    );
    const out = new Captured();
    child.stdout.setEncoding('utf8').on('data', (text: string) => out.write(text));
    const exit = new Promise<number | null>((resolve) => child.once('exit', resolve));
    const [, url = ''] = await out.until(/"event":"listening","url":"([^"]+)".*\n/);
    expect((await fetch(`${url}/health`)).status).toBe(200);
    expect((await fetch(`${url}/webhooks/memory`, { method: 'POST', body: '{}' })).status).toBe(404);
    const lock = join(cwd, 'hub.lock');
    expect(statSync(lock).mode & 0o777).toBe(0o600);
    const { control } = JSON.parse(readFileSync(lock, 'utf8')) as { control: { url: string; token: string } };
    expect(new URL(control.url).hostname).toBe('127.0.0.1');
    expect((await fetch(`${control.url}/api/status`)).status).toBe(401);
    const status = await finish(['status', '--json'], { cwd });
    expect(status).toMatchObject({ code: 0, err: '' });
    expect(JSON.parse(status.out) as StatusReport).toMatchObject({
      running: true,
      pid: child.pid,
      subscribers: [{ subscriber: 'customer/memory' }],
    });
    child.kill('SIGTERM');
    expect(await exit).toBe(0);
    expect(linesOf(out.text).at(-1)).toMatchObject({ event: 'stopped' });
    expect(out.text).not.toContain(control.token);
    expect(existsSync(lock)).toBe(false);
  },
);

test(
  'drift ends verify with 3 and names the record; the hub is opened here when nobody holds it',
  { timeout: slow },
  async () => {
    const cwd = folders.make(
      customerConfig({ more: `system.put('r1', { name: 'x', marker: '["99"]' });`, options: `environment: 'staging'` }),
    );
    expect(await finish(['verify', '--json'], { cwd })).toMatchObject({
      code: 1,
      err: expect.stringMatching(/Syncflow isn't installed in [\s\S]*syncflow migrate/) as string,
    });
    await finish(['migrate'], { cwd });
    const { code, out } = await finish(['verify', '--json'], { cwd });
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      agree: false,
      drift: 1,
      reports: [{ differences: [{ kind: 'only-there', remoteId: 'r1' }] }],
    });
    const other = customerConfig({ options: `environment: 'production'` });
    const clone = folders.make(other.replace(`'hub'`, JSON.stringify(join(cwd, 'hub'))));
    expect(await finish(['status'], { cwd: clone })).toMatchObject({
      code: 1,
      err: expect.stringContaining('--adopt-environment') as string,
    });
    expect((await finish(['migrate', '--adopt-environment'], { cwd: clone })).code).toBe(0);
    expect((await finish(['uninstall'], { cwd: clone, answer: 'yes' })).out).toContain('Syncflow is removed');
    expect(await finish(['uninstall', '--yes'], { cwd: clone })).toMatchObject({
      code: 0,
      out: expect.stringMatching(/^Syncflow isn't installed in .*: nothing to remove\.\n$/) as string,
    });
  },
);

test('a second signal ends at once; without work under way the first is enough', { timeout: slow }, async () => {
  const cwd = folders.make(customerConfig({ database: `'memory:'` }));
  const start = begin(['start', '--port', '0', '--no-backfill'], { cwd, tty: true, env: { NO_COLOR: '1' } });
  await start.out.until(/working; webhooks: POST http:\/\/127\.0\.0\.1:\d+\/webhooks\/<account>/);
  start.signal('SIGINT');
  start.signal('SIGINT');
  expect(start.exits).toEqual([130]);
  expect(await start.code).toBe(0);
});

test('a port that is taken ends start with a message', { timeout: slow }, async () => {
  const cwd = folders.make(customerConfig({ database: `'memory:'` }));
  const first = begin(['start', '--port', '0'], { cwd });
  const [, port = ''] = await first.out.until(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/);
  expect(await finish(['start', '--port', port], { cwd })).toMatchObject({
    code: 1,
    err: expect.stringContaining('--port') as string,
  });
  first.signal('SIGTERM');
  expect(await first.code).toBe(0);
});

test.each(['stripe', 'couchdb'])(
  'the %s simulator runs until it is told to stop, and says how to use it',
  { timeout: slow },
  async (system) => {
    const cwd = folders.make();
    const simulator = begin(['simulator', system, '--port', '0', ...(system === 'stripe' ? ['--rate', '0'] : [])], {
      cwd,
    });
    const [, url = ''] = await simulator.out.until(/on (http:\/\/127\.0\.0\.1:\d+)\n[\s\S]*state: /);
    expect((await fetch(url)).status).toBeLessThan(500);
    expect(simulator.out.text).toContain(system === 'stripe' ? `baseUrl: '${url}'` : `url: '${url}'`);
    simulator.signal('SIGTERM');
    expect(await simulator.code).toBe(0);
  },
);
