import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createHandler } from '../../src/server/handler.js';
import type { Beat, Session } from '../../src/server/dashboard/contract.js';
import { StaticFiles } from '../../src/server/dashboard/files.js';
import { Sessions, type Peer } from '../../src/server/dashboard/session.js';
import { listen, type Listening } from '../../src/server/listen.js';
import { makeFlow } from './support.js';

const token = 'a-token-of-the-test-suite';
const world = makeFlow({ http: { apiToken: token, allowedHosts: ['sync.example'] } });
let server: Listening;

beforeAll(async () => {
  await world.flow.start();
  await world.flow.catalog(world.Customer).save({ id: 1, name: 'Ada', email: 'ada@example.com' });
  await world.flow.settled();
  server = await listen(world.flow.handler, { port: 0 });
}, 60_000);
afterAll(async () => {
  await server.close();
  await world.flow.stop();
});

interface Ask {
  readonly method?: string;
  readonly host?: string;
  readonly headers?: Record<string, string>;
  readonly body?: object;
  readonly peer?: Peer | undefined;
}

const here: Peer = { address: '127.0.0.1' };
const far: Peer = { address: '203.0.113.7' };

function ask(path: string, { method = 'POST', host = 'localhost', headers = {}, body, peer = here }: Ask = {}) {
  const request = new Request(`http://${host}/dashboard/api/${path}`, {
    method,
    headers: { host, ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  return world.flow.handler(request, peer);
}

async function session(given: Ask = {}) {
  const answer = await ask('session', { method: 'GET', ...given });
  const cookie = (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? '';
  const { csrf } = (await answer.json()) as Session;
  return { cookie, csrf: csrf ?? '', headers: { cookie, 'x-syncflow-csrf': csrf ?? '' } };
}

describe('reading', () => {
  test('is open on this machine', async () => {
    expect((await ask('overview')).status).toBe(200);
    expect((await ask('overview', { peer: { address: '::ffff:127.0.0.1' } })).status).toBe(200);
  });

  test('is closed to others, and to whoever is not known to be here', async () => {
    expect((await ask('overview', { peer: far })).status).toBe(401);
    expect((await ask('overview', { peer: far, host: 'sync.example' })).status).toBe(401);
    // a Host header proves nothing: somebody elsewhere can write localhost, too
    expect(
      (await world.flow.handler(new Request('http://localhost/dashboard/api/overview', { method: 'POST' }))).status,
    ).toBe(401);
  });

  test('is closed to what a proxy on this machine passes on', async () => {
    for (const name of ['forwarded', 'via', 'x-forwarded-for', 'x-real-ip'])
      expect((await ask('overview', { headers: { [name]: '203.0.113.7' } })).status, name).toBe(401);
  });

  test('is refused to names that only lead here by DNS, and to other sites', async () => {
    expect((await ask('overview', { host: 'evil.example' })).status).toBe(403);
    expect((await ask('overview', { headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await ask('session', { method: 'GET', headers: { 'sec-fetch-site': 'cross-site' } })).status).toBe(403);
    expect((await ask('events', { method: 'GET', headers: { 'sec-fetch-site': 'same-site' } })).status).toBe(403);
    // neither the page itself, nor a body that doesn't fit
    const get = (url: string): Promise<Response> => createHandler(world.flow)(new Request(url), here);
    expect((await get('http://evil.example/dashboard/')).status).toBe(403);
    expect((await get('http://localhost/dashboard/')).status).not.toBe(403);
    expect((await ask('session', { body: {}, headers: { origin: 'https://evil.example' } })).status).toBe(403);
    expect((await ask('session', { body: {} })).status).toBe(400);
  });

  test('says of the control API that it is switched off, and how to switch it on', async () => {
    const handle = createHandler(world.flow);
    for (const path of ['metrics', 'api/status', 'api']) {
      const answer = await handle(new Request(`http://localhost/${path}`), here);
      expect(answer.status).toBe(404);
      expect(await answer.json()).toMatchObject({
        error: { code: 'off', hint: expect.stringContaining('http.apiToken') as string },
      });
    }
  });

  test('asks everybody to sign in where the dashboard is set so, and is not there where it is off', async () => {
    const post = (): Request => new Request('http://localhost/dashboard/api/overview', { method: 'POST' });
    expect((await createHandler(world.flow, { dashboard: 'token', apiToken: token })(post(), here)).status).toBe(401);
    expect((await createHandler(world.flow, { dashboard: 'off' })(post(), here)).status).toBe(404);
  });
});

describe('acting', () => {
  const body = { by: 'ada', subscriber: 'customer/memory' };

  test('needs a session and its token, on this machine, too', async () => {
    const { cookie, csrf, headers } = await session();
    expect((await ask('act/pause', { body })).status).toBe(401);
    expect((await ask('act/pause', { body, headers: { cookie } })).status).toBe(403);
    expect((await ask('act/pause', { body, headers: { 'x-syncflow-csrf': csrf } })).status).toBe(401);
    const other = await session();
    expect((await ask('act/pause', { body, headers: { cookie, 'x-syncflow-csrf': other.csrf } })).status).toBe(403);
    expect((await ask('act/pause', { body, headers: { ...headers, origin: 'https://evil.example' } })).status).toBe(
      403,
    );
    expect(await pausedOnes()).toEqual([]);
    expect((await ask('act/pause', { body, headers })).status).toBe(200);
    expect(await pausedOnes()).toEqual(['customer/memory']);
    expect((await ask('act/resume', { body, headers })).status).toBe(200);
    expect(await pausedOnes()).toEqual([]);
  });

  test('stands in the audit with who did it', async () => {
    const { headers } = await session();
    await ask('act/pause', { body, headers });
    await ask('act/resume', { body, headers });
    const { rows } = (await (await ask('activity', { body: { events: ['operated'] } })).json()) as {
      rows: { code: string; editedBy: string; subscriber: string }[];
    };
    expect(rows.slice(0, 2).map(({ code, editedBy, subscriber }) => [code, editedBy, subscriber])).toEqual([
      ['resume', '@ada', 'customer/memory'],
      ['pause', '@ada', 'customer/memory'],
    ]);
  });

  test('a session that began here is worth nothing elsewhere', async () => {
    const { headers } = await session();
    expect((await ask('act/pause', { body, headers, peer: far, host: 'sync.example' })).status).toBe(401);
  });

  async function pausedOnes(): Promise<string[]> {
    return (await world.flow.status()).filter(({ paused }) => paused).map(({ subscriber }) => subscriber);
  }
});

describe('signing in from elsewhere', () => {
  const elsewhere = { peer: far, host: 'sync.example' };

  test('takes the token, and gives a cookie that no script reads and no other site sends', async () => {
    expect((await ask('session', { ...elsewhere, body: { token: 'wrong-token-of-16-characters' } })).status).toBe(401);
    const answer = await ask('session', { ...elsewhere, body: { token } });
    expect(answer.status).toBe(200);
    const cookie = answer.headers.get('set-cookie') ?? '';
    for (const flag of ['HttpOnly', 'SameSite=Strict', 'Path=/dashboard', 'Max-Age=43200'])
      expect(cookie).toContain(flag);
    expect(cookie).not.toContain(token);
    const headers = { cookie: cookie.split(';')[0] ?? '' };
    expect((await ask('overview', { ...elsewhere, headers })).status).toBe(200);
    expect((await ask('overview', { ...elsewhere, headers: { cookie: `${headers.cookie}0` } })).status).toBe(401);
  });

  test('ends after twelve hours; after ten wrong tokens nobody gets in for a minute', () => {
    let now = 1_000_000;
    const options = { token, allowedHosts: [], openOnLoopback: true, path: '/dashboard', now: () => now };
    const sessions = new Sessions(options);
    const request = (cookie = ''): Request =>
      new Request('http://localhost/', { headers: { host: 'localhost', cookie } });
    const { cookie = '' } = sessions.signIn(request(), far, token);
    const given = cookie.split(';')[0] ?? '';
    now += 12 * 3_600_000 - 1;
    expect(() => sessions.mayRead(request(given), far)).not.toThrow();
    now += 1;
    expect(() => sessions.mayRead(request(given), far)).toThrow('sign in');
    for (let tries = 0; tries < 10; tries++)
      expect(() => sessions.signIn(request(), far, 'wrong')).toThrow('that is not the token');
    expect(() => sessions.signIn(request(), far, token)).toThrow('wait a minute');
    now += 60_001;
    expect(() => sessions.signIn(request(), far, token)).not.toThrow();
    expect(() =>
      new Sessions({ ...options, token: 'another token altogether' }).mayRead(request(given), far),
    ).toThrow();
  });
});

describe('the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'syncflow-page-'));
  afterAll(() => rmSync(folder, { recursive: true }));

  test('lets no script in but its own, and keeps what has a hash', async () => {
    mkdirSync(join(folder, 'assets'));
    writeFileSync(join(folder, 'index.html'), '<!doctype html>');
    writeFileSync(join(folder, 'assets/index-abc.js'), 'export {};');
    const files = new StaticFiles(folder);
    const page = await files.answer('', true);
    expect(page.headers.get('content-security-policy')).toMatch(/default-src 'none'; script-src 'self';/);
    expect(page.headers.get('content-security-policy')).not.toContain('unsafe');
    expect(page.headers.get('x-frame-options')).toBe('DENY');
    expect(page.headers.get('cache-control')).toBe('no-cache');
    expect(page.headers.get('content-encoding')).toBe('gzip');
    const script = await files.answer('assets/index-abc.js', false);
    expect(script.headers.get('cache-control')).toContain('immutable');
    expect(script.headers.get('content-type')).toContain('javascript');
    for (const path of ['../package.json', 'assets/../../package.json', 'assets', '/etc/passwd', '%2e%2e/package.json'])
      expect((await files.answer(path, false)).status, path).toBe(404);
  });

  test('says what to do where it was never built', async () => {
    const answer = await new StaticFiles(join(folder, 'none')).answer('', false);
    expect(answer.status).toBe(503);
    expect(await answer.text()).toContain('npm run build');
  });
});

describe('the live stream', () => {
  test('brings how things stand, the past, and each change as it happens; and ends with the server', async () => {
    const another = await listen(world.flow.handler, { port: 0 });
    const beats = beatsOf(await fetch(`${another.url}/dashboard/api/events`));
    const seen: Beat[] = [];
    const until = async (isIt: (beat: Beat) => boolean): Promise<void> => {
      for (;;) {
        const next = await beats.next();
        if (next.done === true) throw new Error('the stream ended');
        seen.push(next.value);
        if (isIt(next.value)) return;
      }
    };
    await until(({ overview }) => overview !== undefined);
    expect(
      seen.some(({ activity = [] }) => activity.some(({ key, event }) => key === '["1"]' && event === 'created')),
    ).toBe(true);
    expect(seen.flatMap(({ points = [] }) => points).reduce((sum, point) => sum + point.outward, 0)).toBeGreaterThan(0);
    await world.flow.catalog(world.Customer).save({ id: 1, name: 'Ada L.', email: 'ada@example.com' });
    await until(({ activity = [] }) =>
      activity.some(({ event, units }) => event === 'updated' && units.includes('name')),
    );
    await another.close();
    await expect(until(() => false)).rejects.toThrow('the stream ended');
  });
});

async function* beatsOf(answer: Response): AsyncGenerator<Beat, void> {
  let text = '';
  const decoder = new TextDecoder();
  for await (const chunk of answer.body ?? []) {
    text += decoder.decode(chunk as Uint8Array, { stream: true });
    const frames = text.split('\n\n');
    text = frames.pop() ?? '';
    for (const frame of frames) if (frame.startsWith('data: ')) yield JSON.parse(frame.slice(6)) as Beat;
  }
}
