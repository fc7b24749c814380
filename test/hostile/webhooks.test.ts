/** What a stranger may send to a webhook endpoint: nothing takes effect, nothing fails inside, nothing is told or logged. */
import fc from 'fast-check';
import { gzipSync, brotliCompressSync, deflateSync } from 'node:zlib';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { canary, deliver, openEndpoint, raw, sign, type Endpoint } from './server.js';

let endpoint: Endpoint;
let url: string;
let before: object;

beforeAll(async () => {
  endpoint = await openEndpoint();
  url = `${endpoint.server.url}/webhooks/memory`;
  before = await endpoint.effects();
}, 120_000);
afterAll(() => endpoint.close());

/** After each test: still up, and not a word of what was sent. */
afterEach(async () => {
  expect((await deliver(`${endpoint.server.url}/health`, '', {}, 'GET')).status).toBe(200);
  expect(endpoint.logged()).not.toMatch(/CANARY/i);
});

const event = (id: string, more: object = {}): string => JSON.stringify({ id, remoteId: 'r1', ...more });
const signed = (body: string | Uint8Array, headers: Record<string, string> = {}) =>
  deliver(url, body, { 'content-type': 'application/json', 'x-signature': sign(body), ...headers });

async function refused(answer: Promise<{ status: number; body: string }>, ...statuses: number[]): Promise<void> {
  const { status, body } = await answer;
  expect(statuses).toContain(status);
  expect(body).not.toMatch(/CANARY|\bat \S+:\d+|node_modules/i);
  expect(await endpoint.effects()).toEqual(before);
}

describe('a validly signed body', () => {
  const body = Buffer.from(event('mutated', { note: canary }));

  test('with any of its bytes changed, cut or added is refused', async () => {
    const signature = sign(body);
    const change = fc.oneof(
      fc
        .record({ at: fc.nat({ max: body.length - 1 }), bits: fc.integer({ min: 1, max: 255 }) })
        .map(({ at, bits }) => {
          const changed = Buffer.from(body);
          changed[at] = (changed[at] ?? 0) ^ bits;
          return changed;
        }),
      fc.nat({ max: body.length - 1 }).map((length) => body.subarray(0, length)),
      fc.uint8Array({ minLength: 1, maxLength: 20 }).map((more) => Buffer.concat([body, more])),
    );
    await fc.assert(
      fc.asyncProperty(change, async (changed) => {
        expect((await deliver(url, changed, { 'x-signature': signature })).status).toBe(400);
      }),
      { numRuns: 150 },
    );
    expect(await endpoint.effects()).toEqual(before);
  });

  test('with any other signature is refused', async () => {
    const good = sign(body);
    const other = fc.oneof(
      fc.stringMatching(/^[0-9a-f]{64}$/),
      fc.stringMatching(/^[ -~]{0,80}$/),
      fc.nat({ max: 63 }).map((length) => good.slice(0, length)),
      fc.constantFrom(`${good}00`, good.toUpperCase().replace(/[A-F]/g, '0'), '', ' ', 'null', '[object Object]'),
    );
    await fc.assert(
      fc.asyncProperty(other, async (signature) => {
        fc.pre(signature.toLowerCase() !== good);
        expect((await deliver(url, body, { 'x-signature': signature })).status).toBe(400);
      }),
      { numRuns: 100 },
    );
    expect(await endpoint.effects()).toEqual(before);
  });

  test('that is replayed, one after another and all at once, takes effect once', async () => {
    const again = event('replayed');
    const answers = await Promise.all(Array.from({ length: 60 }, () => signed(again)));
    expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    expect(
      answers.map(({ body: text }) => (JSON.parse(text) as { received: number }).received).reduce((a, b) => a + b),
    ).toBe(1);
    expect((await signed(again)).body).toBe('{"received":0}\n');
    expect(await endpoint.effects()).toEqual({ ...before, inbox: 1 });
    await endpoint.database.query('delete from syncflow.inbox');
  });
});

describe('bodies', () => {
  test.each([
    ['gzip', gzipSync(Buffer.alloc(20_000_000))],
    ['br', brotliCompressSync(Buffer.alloc(2_000_000))],
    ['deflate', deflateSync(Buffer.alloc(2_000_000))],
    ['gzip, gzip', gzipSync(gzipSync(Buffer.alloc(2_000_000)))],
    [canary, Buffer.from('x')],
  ])('encoded as %s are refused unopened, signed or not', async (encoding, bomb) => {
    const { status, headers } = await signed(bomb, { 'content-encoding': encoding });
    expect([status, headers.connection]).toEqual([415, 'close']);
    expect(await endpoint.effects()).toEqual(before);
  });

  test('beyond the limit are refused, announced or not', async () => {
    const large = `${canary}${'x'.repeat(300_000)}`;
    await refused(signed(large), 413, 0);
    await refused(deliver(url, large, { 'transfer-encoding': 'chunked', 'x-signature': sign(large) }), 413, 0);
    const head = `POST /webhooks/memory HTTP/1.1\r\nhost: x\r\n`;
    const lengths = ['99999999999999999999', '-1', '0x10', '1e9', 'NaN', '5, 6'];
    for (const length of lengths) {
      const back = await raw(endpoint.server.port, [`${head}content-length: ${length}\r\n\r\n{}`], 600);
      expect(back, length).toMatch(/^(HTTP\/1\.1 4(00|13|08) |$)/);
    }
    expect(await endpoint.effects()).toEqual(before);
  });

  test('that come too slowly, or not at all, are 408 or cut', async () => {
    const head = 'POST /webhooks/memory HTTP/1.1\r\nhost: x\r\ncontent-length: 50\r\n\r\n';
    const backs = await Promise.all(Array.from({ length: 20 }, () => raw(endpoint.server.port, [head, '{"id":'])));
    for (const back of backs) expect(back).toMatch(/^HTTP\/1\.1 408 /);
    expect(await endpoint.effects()).toEqual(before);
  });

  test('of two lengths, with broken chunks or smuggled requests are refused', async () => {
    const head = 'POST /webhooks/memory HTTP/1.1\r\nhost: x\r\n';
    const tricks = [
      `${head}content-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nPOST /webhooks/memory HTTP/1.1\r\nhost: x\r\n\r\n`,
      `${head}content-length: 2\r\ncontent-length: 40\r\n\r\n{}`,
      `${head}transfer-encoding: chunked\r\n\r\nZZ\r\n{}\r\n0\r\n\r\n`,
      `${head}transfer-encoding: chunked\r\n\r\nffffffffffffffff\r\n{}`,
      `${head}transfer-encoding: identity, chunked, x\r\n\r\n{}`,
      `${head}x-signature: a\r\nb: c\rd: e\r\n\r\n`,
      `${head}x-\0: a\r\n\r\n`,
      'POST\r\n\r\n',
      '\0\x01\x02\x03\r\n\r\n',
      `GET ${'/x'.repeat(20_000)} HTTP/1.1\r\nhost: x\r\n\r\n`,
      'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
    ];
    for (const trick of tricks) {
      const back = await raw(endpoint.server.port, [trick], 800);
      expect(back, JSON.stringify(trick.slice(0, 120))).not.toMatch(/HTTP\/1\.1 (2|5(?!05))/);
    }
    expect(await endpoint.effects()).toEqual(before);
  });
});

describe('headers', () => {
  test('huge or many are refused', async () => {
    await refused(signed(event('h1'), { 'x-long': `${canary}${'x'.repeat(20_000)}` }), 431);
    const many = Object.fromEntries(Array.from({ length: 1_500 }, (_, index) => [`x-${index}`, 'value-value']));
    await refused(signed(event('h2'), many), 431);
  });

  test('of any content type are one to the connector: the signature alone decides', async () => {
    for (const type of [
      'text/html',
      'multipart/form-data; boundary=x',
      'application/x-www-form-urlencoded',
      '',
      `text/${'x'.repeat(500)}`,
      'application/json; charset=utf-7',
    ])
      await refused(deliver(url, event('c1'), { 'content-type': type, 'x-signature': 'forged' }), 400);
  });

  test('that name another host, scheme, client or method change nothing', async () => {
    const odd = {
      'x-forwarded-host': canary,
      'x-forwarded-proto': 'javascript',
      forwarded: 'for=127.0.0.1',
      'x-http-method-override': 'DELETE',
      'x-original-url': '/api/stop',
      expect: '100-continue',
    };
    await refused(deliver(url, event('o1'), { ...odd, 'x-signature': 'forged' }), 400, 417);
    await refused(deliver(url, event('o2'), { host: 'evil.example\\@127.0.0.1', 'x-signature': 'forged' }), 400);
    await refused(deliver(url, event('o3'), { host: '', 'x-signature': 'forged' }), 400);
  });
});

describe('paths', () => {
  test.each([
    '/webhooks/..%2f',
    '/webhooks/..%2fapi%2fstatus',
    '/webhooks/%2e%2e/health',
    '/webhooks/../api/stop',
    '/webhooks//memory',
    '/webhooks/memory/',
    '/webhooks/memory%00',
    '/webhooks/%',
    '/webhooks/%ff%fe',
    '/webhooks/%E0%A4%A',
    '/webhooks/__proto__',
    '/webhooks/constructor',
    '/webhooks/toString',
    `/webhooks/${encodeURIComponent(canary)}`,
    `/webhooks/${'a'.repeat(10_000)}`,
    "/webhooks/memory';drop table customer;--",
    '/webhooks/memory?account=other',
    '//webhooks/memory',
    '/%77ebhooks/memory',
    'http://evil.example/webhooks/memory',
    '*',
    '/webhooks/\u{1F4A5}',
  ])('%.60s', async (path) => {
    const back = await raw(endpoint.server.port, [
      `POST ${path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`,
    ]);
    expect(back).toMatch(/^HTTP\/1\.1 4\d\d /);
    expect(back).not.toMatch(/CANARY/);
    expect(await endpoint.effects()).toEqual(before);
  });

  test('any path at all is a 4xx', async () => {
    await fc.assert(
      fc.asyncProperty(fc.stringMatching(/^[!-~]{0,60}$/), async (rest) => {
        const back = await raw(endpoint.server.port, [
          `POST /webhooks/${rest} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}`,
        ]);
        expect(back).toMatch(/^HTTP\/1\.1 4\d\d /);
      }),
      { numRuns: 100 },
    );
    expect(await endpoint.effects()).toEqual(before);
  });
});

test('many at once: each is refused, or asked to come again; none gets through', async () => {
  const answers = await Promise.all(
    Array.from({ length: 400 }, (_, index) =>
      deliver(url, `${index}${canary}${'x'.repeat(2_000)}`, { 'x-signature': 'forged' }),
    ),
  );
  for (const { status } of answers) expect([400, 503, 0]).toContain(status);
  expect(await endpoint.effects()).toEqual(before);
});

describe('the control API', () => {
  test('opens to no other token, however it is written, and tells nothing', async () => {
    const api = `${endpoint.server.url}/api/stop`;
    for (const authorization of [
      '',
      'Bearer',
      'Bearer ',
      'Bearer null',
      'Basic YTpi',
      'Bearer api-token-CANARY-012345678',
      'Bearer api-token-CANARY-0123456789x',
      `Bearer ${'x'.repeat(8_000)}`,
    ])
      await refused(deliver(api, '{}', { authorization, 'content-type': 'application/json' }), 401);
    await refused(
      deliver(api, '{}', { authorization: 'Bearer api-token-CANARY-0123456789', host: 'evil.example' }),
      403,
    );
    await refused(
      deliver(api, '{}', { authorization: 'Bearer api-token-CANARY-0123456789', origin: 'https://evil.example' }),
      403,
    );
  });

  test('takes no body that isn’t what it asks for', async () => {
    const bodies = [
      '',
      '[]',
      'null',
      '"x"',
      '{"subscriber":1}',
      '{"subscriber":""}',
      '{"__proto__":{"subscriber":"x"}}',
      '{"subscriber":"x","more":1}',
      `{"subscriber":"${'x'.repeat(600)}"}`,
      '['.repeat(20_000),
      `${'['.repeat(20_000)}${']'.repeat(20_000)}`,
      '{"subscriber":"\\u0000"}',
      '{"subscriber":"\\ud800"}',
      `{"subscriber":"${canary}"}`,
      '{}x',
      '\ufeff{',
      '\u0000',
    ];
    for (const path of ['pause', 'resume', 'release']) {
      for (const body of bodies) {
        const answer = await deliver(`${endpoint.server.url}/api/${path}`, body, {
          authorization: 'Bearer api-token-CANARY-0123456789',
          'content-type': 'application/json',
        });
        expect(answer.status, `${path} ${body.slice(0, 40)}`).toBe(400);
      }
    }
    expect(await endpoint.effects()).toEqual(before);
  });
});

/** Signed by the real system, but written by whoever writes its records: it is taken in as a hint, or refused. */
describe('a genuine delivery with hostile content', () => {
  const deep = (levels: number): unknown => JSON.parse(`${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}`) as unknown;
  const nasty: readonly (readonly [string, string])[] = [
    ['NUL', event('n\u0000ul', { remoteId: 'r\u0000' })],
    ['a lone surrogate', '{"id":"lone\\ud800","remoteId":"r\\udfff"}'],
    [
      'prototype keys',
      '{"id":"proto","remoteId":"__proto__","__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"snapshot":{"id":"__proto__","values":{"__proto__":{"polluted":true}}}}',
    ],
    ['quotes and SQL', event(`'; drop table customer; --`, { remoteId: `r"'\\'` })],
    ['right-to-left and combining marks', event('rtl\u202e\u0301', { remoteId: '\u{1F4A5}' })],
    [
      'a NUL in its snapshot',
      event('nul-in-snapshot', { snapshot: { id: 'r1', values: { name: 'a\u0000b', 'k\u0000': '\ud800' } } }),
    ],
    ['1,000 levels', `{"id":"deep1000","remoteId":"r1","snapshot":${JSON.stringify(deep(1_000))}}`],
  ];
  test.each(nasty)('%s', async (_, body) => {
    const { status } = await signed(body);
    expect(status).toBe(200);
    expect(await endpoint.effects()).toEqual({ ...before, inbox: 1 });
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
    await endpoint.database.query('delete from syncflow.inbox');
  });

  test('10,000 levels: a hint without a snapshot, and its neighbours are taken in', async () => {
    const body = `{"id":"deep","remoteId":"r1","snapshot":${'{"a":'.repeat(10_000)}1${'}'.repeat(10_000)}}`;
    const answers = await Promise.all([signed(event('one')), signed(body), signed(event('two'))]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect(await endpoint.effects()).toEqual({ ...before, inbox: 3 });
    await endpoint.database.query('delete from syncflow.inbox');
  });
});
