import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import nano from 'nano';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { loadCouchPackages } from '../../src/testing/couchdb-server/packages.js';
import { CouchServer } from '../../src/testing/couchdb-server/index.js';
import { failureOf, people, startServer, type Person } from './support.js';

let dataDir: string;

beforeEach(() => {
  dataDir = mkdtempSync(join(tmpdir(), 'couch-test-'));
});

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  rmSync(dataDir, { recursive: true, force: true });
});

describe('a server in memory', () => {
  it('starts and stops as often as it is told to, on the same port, and forgets', async () => {
    const server = await startServer();
    await server.start();
    const { port, url } = server;
    expect(port).toBeGreaterThan(0);
    expect(url).toBe(`http://127.0.0.1:${port}`);
    await people(server);
    await Promise.all([server.stop(), server.stop()]);
    await server.stop();
    expect(await failureOf(nano(url).db.list())).toMatchObject({ statusCode: undefined, error: undefined });
    await server.start();
    expect(server.url).toBe(url);
    expect(await nano(url).db.list()).toEqual([]);
  });

  it('leaves no temporary files behind, and prints nothing', async () => {
    const spies = [vi.spyOn(process.stdout, 'write'), vi.spyOn(process.stderr, 'write')];
    const consoles = (['log', 'warn', 'error', 'info'] as const).map((name) => vi.spyOn(console, name));
    vi.stubEnv('TMPDIR', dataDir);
    const server = await startServer();
    expect(readdirSync(dataDir)).toHaveLength(1);
    const db = await people(server);
    await db.createIndex({ index: { fields: ['name'] } });
    await db.find({ selector: { name: 'Ada' } });
    await server.stop();
    expect(readdirSync(dataDir)).toEqual([]);
    for (const spy of [...spies, ...consoles]) expect(spy).not.toHaveBeenCalled();
  });

  it('stops while requests wait', async () => {
    const server = await startServer();
    const db = await people(server);
    const feed = db.changes({ since: 'now', feed: 'longpoll' }).catch(() => 'cut');
    const held = new Promise<void>((resolve) => {
      server.faults.inject({
        kind: 'delay',
        until: new Promise(() => undefined),
        when: (request) => {
          if (request.operation === 'get') resolve();
          return request.operation === 'get';
        },
      });
    });
    const reading = failureOf(db.get('ada'));
    await held;
    await server.stop();
    expect(await reading).toMatchObject({ statusCode: undefined });
    await feed;
  });

  it('can be asked for before the packages are there, and says what to install', () => {
    const absent = (name: string): unknown => {
      throw Object.assign(new Error(`Cannot find module '${name}'`), { code: 'MODULE_NOT_FOUND' });
    };
    expect(() => loadCouchPackages(absent)).toThrow(
      expect.objectContaining({ code: 'config', hint: 'npm install --save-dev express-pouchdb pouchdb' }) as Error,
    );
  });
});

describe('a durable server', () => {
  it('has everything again after a restart, and continues its sequence', async () => {
    const first = new CouchServer({ dataDir });
    await first.start();
    const db = await people(first);
    const ada = await db.insert({ name: 'Ada' }, 'ada');
    const bob = await db.insert({ name: 'Bob' }, 'bob');
    await db.destroy('bob', bob.rev);
    await db.createIndex({ index: { fields: ['name'] } });
    await db.find({ selector: { name: 'Ada' } });
    const before = await db.changes({ since: 0, include_docs: true });
    await first.stop();

    const second = await startServer({ dataDir });
    const again = nano(second.url).use<Person>('people');
    expect(await nano(second.url).db.list()).toEqual(['people']);
    expect(await again.get('ada')).toEqual({ _id: 'ada', _rev: ada.rev, name: 'Ada' });
    expect(await failureOf(again.get('bob'))).toMatchObject({ reason: 'deleted' });
    expect(await again.changes({ since: 0, include_docs: true })).toEqual(before);
    expect((await again.find({ selector: { name: 'Ada' } })).docs).toHaveLength(1);
    await again.insert({ name: 'Cy' }, 'cy');
    const { results } = await again.changes({ since: before.last_seq as number });
    expect(results.map((row) => row.id)).toEqual(['cy']);
  });

  it('is the only one on its folder', async () => {
    await startServer({ dataDir });
    await expect(new CouchServer({ dataDir }).start()).rejects.toMatchObject({ code: 'locked' });
  });

  it('keeps acknowledged writes when its process is killed', { timeout: 60_000 }, async () => {
    const script = join(import.meta.dirname, 'fixtures', 'durable-process.ts');
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
    const [cwd, data] = [join(dataDir, 'cwd'), join(dataDir, 'data')];
    mkdirSync(cwd);
    const child = spawn(process.execPath, ['--import', tsx, script, data], { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
    let errors = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
    try {
      child.stdout.setEncoding('utf8');
      const [line] = (await once(child.stdout, 'data')) as [string];
      const scope = nano(line.trim());
      await scope.db.create('people');
      const db = scope.use<Person>('people');
      const { rev } = await db.insert({ name: 'Ada' }, 'ada');
      await db.insert({ _rev: rev, name: 'Ada L.' }, 'ada');
      await db.bulk({ docs: Array.from({ length: 200 }, (_, index) => ({ _id: `d${index}`, name: `n${index}` })) });
      await expect(new CouchServer({ dataDir: data }).start()).rejects.toMatchObject({ code: 'locked' });
      await scope.db.create('created-last');
    } finally {
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      await exited;
    }
    const server = await startServer({ dataDir: data });
    const db = nano(server.url).use<Person>('people');
    expect(await db.get('ada')).toMatchObject({ name: 'Ada L.' });
    expect((await db.info()).doc_count).toBe(201);
    expect(await nano(server.url).db.list()).toEqual(['created-last', 'people']);
    // It left nothing where it was started, and said nothing.
    expect(readdirSync(cwd)).toEqual([]);
    expect(errors).toBe('');
  });
});
