import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { expect, test } from 'vitest';
import { outcomeOfStatus, wasNeverSent } from '../../src/subscriber/http.js';

test.each([
  [400, 'rejected'],
  [401, 'blocked'],
  [403, 'blocked'],
  [404, 'missing'],
  [408, 'retry'],
  [409, 'rejected'],
  [410, 'gone'],
  [412, 'stale'],
  [422, 'rejected'],
  [425, 'retry'],
  [429, 'retry'],
  [500, 'unknown'],
  [503, 'unknown'],
  [302, 'unknown'],
])('%i is %s', (status, kind) => {
  expect(outcomeOfStatus(status, 'why').kind).toBe(kind);
});

test('what was asked to be waited goes along', () => {
  expect(outcomeOfStatus(429, 'slow down', { retryAfterMs: 1_500 })).toEqual({
    kind: 'retry',
    reason: 'slow down',
    throttled: true,
    afterMs: 1_500,
  });
});

/** What `fetch` throws. */
async function thrownBy(url: string): Promise<unknown> {
  return fetch(url, { method: 'POST', body: '{}' }).then(
    () => undefined,
    (error: unknown) => error,
  );
}

test('a refused connection was never sent; one that is dropped may have been', async () => {
  const server = createServer((request) => request.socket.destroy());
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  expect(wasNeverSent(await thrownBy(`http://127.0.0.1:${port}`))).toBe(false);
  await new Promise((resolve) => server.close(resolve));
  expect(wasNeverSent(await thrownBy(`http://127.0.0.1:${port}`))).toBe(true);
  expect(wasNeverSent(await thrownBy(`http://localhost:${port}`))).toBe(true); // both of its addresses
});

test('if in doubt, it may have been sent', () => {
  const refused = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const reset = Object.assign(new Error('reset'), { code: 'ECONNRESET' });
  expect(wasNeverSent(new AggregateError([refused, refused]))).toBe(true);
  expect(wasNeverSent(new AggregateError([refused, reset]))).toBe(false);
  for (const error of [reset, new Error('?'), 'ECONNREFUSED', null, undefined, new AggregateError([])])
    expect(wasNeverSent(error)).toBe(false);
});
