import { AsyncResource } from 'node:async_hooks';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { EmbeddedDatabase, readLock } from '../../src/store/embedded.js';
import { EmbeddedLock } from '../../src/store/embedded-lock.js';
import { loadTemplate, pgliteVersion, templatePath } from '../../src/store/embedded-template.js';

const child = fileURLToPath(new URL('./embedded-child.ts', import.meta.url));
const killedChild = fileURLToPath(new URL('./killed-child.ts', import.meta.url));
const slow = { timeout: 60_000 };

let folder: string;
let dataDir: string;
let opened: EmbeddedDatabase[];
let children: ChildProcess[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'syncflow-test-'));
  dataDir = join(folder, 'hub');
  opened = [];
  children = [];
});
afterEach(async () => {
  for (const one of children) if (one.exitCode === null && one.signalCode === null) await kill(one);
  await Promise.all(opened.map((db) => db.close()));
  rmSync(folder, { recursive: true, force: true });
});

function hub(dir?: string): EmbeddedDatabase {
  const db = new EmbeddedDatabase(dir === undefined ? {} : { dataDir: dir });
  opened.push(db);
  return db;
}

/** Starts a process that opens the hub; returns it with the lines that it prints. */
function start(...args: string[]): { process: ChildProcess; next: () => Promise<string | undefined> } {
  const process_ = spawn(process.execPath, ['--import', 'tsx', child, ...args], { stdio: ['pipe', 'pipe', 'inherit'] });
  children.push(process_);
  const lines = createInterface({ input: process_.stdout })[Symbol.asyncIterator]();
  return { process: process_, next: async () => ((await lines.next()) as { value?: string }).value };
}

/** Our lock and Postgres's own, then the first writes of Postgres itself, which its recovery provides for. */
const stepsBeforeRecovery = 24;

/** Opens the hub in a process that is killed after so many changes of the file system; returns how it ended. */
async function killedAt(step: number): Promise<string | null> {
  const args = ['--import', 'tsx', killedChild, dataDir, String(step)];
  const process_ = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  children.push(process_);
  const [, signal] = (await once(process_, 'exit')) as [number | null, string | null];
  return signal;
}

async function kill(process_: ChildProcess): Promise<void> {
  process_.kill('SIGKILL');
  await once(process_, 'exit');
}

describe('the lock of an embedded hub', () => {
  test('a second process is refused, and told who holds it and where that can be reached', slow, async () => {
    const holder = start(dataDir, 'hold');
    expect(await holder.next()).toBe('open');
    await expect(hub(dataDir).open()).rejects.toMatchObject({
      code: 'locked',
      message: expect.stringContaining(`process ${holder.process.pid}`) as string,
      hint: expect.stringContaining('kill') as string,
    });
    expect(readLock(dataDir)).toEqual({
      pid: holder.process.pid,
      control: { url: 'http://127.0.0.1:4999', token: 'secret-token' },
    });
    expect(statSync(`${dataDir}.lock`).mode & 0o777).toBe(0o600);
    const link = join(folder, 'link');
    symlinkSync(dataDir, link);
    await expect(hub(link).open()).rejects.toMatchObject({ code: 'locked' });
  });

  test('the same process is refused too, until it closes', slow, async () => {
    const first = hub(dataDir);
    await first.open();
    await first.open();
    const second = hub(dataDir);
    await expect(second.open()).rejects.toThrow(/this same process/);
    expect(readLock(dataDir)).toEqual({ pid: process.pid });
    await first.close();
    expect(readLock(dataDir)).toBeUndefined();
    expect(existsSync(`${dataDir}.lock`)).toBe(false);
    await second.open();
    expect(await second.query('select 1 as n')).toEqual([{ n: 1 }]);
  });

  test('a killed process loses nothing that it committed, and its lock is taken over', slow, async () => {
    const writer = start(dataDir, 'write');
    expect(await writer.next()).toBe('open');
    let last = 0;
    while (last < 200) last = Number(await writer.next());
    await kill(writer.process);
    expect(existsSync(`${dataDir}.lock`)).toBe(true);
    expect(readLock(dataDir)).toBeUndefined();
    const db = hub(dataDir);
    await db.open();
    const [row] = await db.query<{ newest: number; count: string }>(
      'select max(id) as newest, count(*) as count from t',
    );
    expect(row?.newest).toBeGreaterThanOrEqual(last);
    expect(Number(row?.count)).toBe(row?.newest);
  });

  const content = (changes: object): string =>
    JSON.stringify({ pid: process.pid, nonce: 'n', host: hostname(), startedAt: '2026-01-01T00:00:00Z', ...changes });

  test(
    'killed at any step of its opening, it opens again and has what was committed',
    { timeout: 180_000 },
    async () => {
      const before = hub(dataDir);
      await before.open();
      await before.execute('create table t (id int primary key); insert into t values (1), (2)');
      await before.close();
      // each opening finds what the one before it has left, in whichever step that died
      for (let step = 1; step <= stepsBeforeRecovery; step++)
        expect(await killedAt(step), `step ${step}`).toBe('SIGKILL');
      const after = hub(dataDir);
      await after.open();
      expect(await after.query('select id from t order by id')).toEqual([{ id: 1 }, { id: 2 }]);
    },
  );

  test('a pid that was given to another process is not taken for the holder', () => {
    writeFileSync(`${dataDir}.lock`, content({ process: 'another-boot/1' }));
    expect(readLock(dataDir)).toBeUndefined();
    const lock = EmbeddedLock.acquire(dataDir);
    expect(readLock(dataDir)).toEqual({ pid: process.pid });
    lock.release();
    lock.release();
  });

  test('a holder on another host is never judged by its pid', () => {
    writeFileSync(`${dataDir}.lock`, content({ pid: 2 ** 22 + 1, host: 'elsewhere' }));
    expect(() => EmbeddedLock.acquire(dataDir)).toThrow(/on elsewhere/);
  });

  test('a lock file that was never filled is taken over only when it is old', () => {
    writeFileSync(`${dataDir}.lock`, '');
    expect(() => EmbeddedLock.acquire(dataDir)).toThrow(/just starting/);
    utimesSync(`${dataDir}.lock`, 1, 1);
    EmbeddedLock.acquire(dataDir).release();
  });

  test("a takeover that another process has begun is waited for; a lock that became another's is not removed", () => {
    writeFileSync(`${dataDir}.lock`, content({ process: 'another-boot/1' }));
    mkdirSync(`${dataDir}.lock.takeover`);
    utimesSync(`${dataDir}.lock.takeover`, 1, 1); // its holder died
    const lock = EmbeddedLock.acquire(dataDir);
    writeFileSync(`${dataDir}.lock`, content({ nonce: 'someone else' }));
    lock.release();
    expect(JSON.parse(readFileSync(`${dataDir}.lock`, 'utf8'))).toMatchObject({ nonce: 'someone else' });
  });
});

describe('the folder of an embedded hub', () => {
  test('what was committed is there after closing and opening', slow, async () => {
    const first = hub(dataDir);
    await first.open();
    await first.execute("create table t (v text); insert into t values ('kept')");
    await first.close();
    const second = hub(dataDir);
    await second.open();
    expect(await second.query('select v from t')).toEqual([{ v: 'kept' }]);
  });

  test('a folder of something else is left alone', async () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'diary.txt'), 'dear diary');
    await expect(hub(dataDir).open()).rejects.toMatchObject({
      code: 'config',
      message: expect.stringContaining('not empty') as string,
    });
    expect(readFileSync(join(dataDir, 'diary.txt'), 'utf8')).toBe('dear diary');
    expect(readLock(dataDir)).toBeUndefined();
  });

  test('a hub whose making was interrupted is made anew', slow, async () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'PG_VERSION'), '18\n');
    writeFileSync(`${dataDir}.creating`, '');
    const db = hub(dataDir);
    await db.open();
    expect(await db.query('select 1 as n')).toEqual([{ n: 1 }]);
    expect(existsSync(`${dataDir}.creating`)).toBe(false);
  });

  test('a damaged hub is reported, kept, and not locked for ever', slow, async () => {
    mkdirSync(dataDir);
    writeFileSync(join(dataDir, 'PG_VERSION'), '9\n');
    await expect(hub(dataDir).open()).rejects.toMatchObject({
      code: 'database',
      hint: expect.stringContaining('copy') as string,
    });
    expect(existsSync(join(dataDir, 'PG_VERSION'))).toBe(true);
    expect(readLock(dataDir)).toBeUndefined();
  });
});

test(
  'a query through the outer handle inside a transaction is refused instead of waiting for itself',
  slow,
  async () => {
    const db = hub();
    await db.open();
    await expect(db.transaction(async () => db.query('select 1'))).rejects.toMatchObject({
      code: 'usage',
      hint: expect.stringContaining('tx') as string,
    });
    await expect(db.transaction(async () => db.transaction(async () => 1))).rejects.toMatchObject({ code: 'usage' });
    // Work that was only begun inside may query once the transaction has ended.
    let later: (() => Promise<object[]>) | undefined;
    await db.transaction(async () => {
      later = AsyncResource.bind(() => db.query('select 1 as n'));
    });
    expect(await later?.()).toEqual([{ n: 1 }]);
  },
);

test('the shipped template was made by the PGlite that is installed', async () => {
  expect(existsSync(templatePath(await pgliteVersion())), 'run: node scripts/make-template.mjs').toBe(true);
  expect((await loadTemplate())?.size).toBeGreaterThan(1e6);
});

test('not opened, it says so', async () => {
  await expect(hub().query('select 1')).rejects.toMatchObject({
    code: 'database',
    hint: expect.stringContaining('open()') as string,
  });
});
