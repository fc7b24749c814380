import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import Stripe from 'stripe';
import { describe, expect, it, onTestFinished } from 'vitest';
import { outcomeOfStripeError, StripeAccount } from '../../src/connectors/stripe/index.js';
import { withoutValues } from '../../src/connectors/stripe/outcome.js';
import { SyncflowError } from '../../src/errors.js';
import { StripeCustomers } from './catalogs.js';
import { createOf, idOf, updateOf, world } from './support.js';

const ada = { email: 'ada@example.com' };

async function setup(account = {}) {
  const rig = await world({ account });
  return { ...rig, customers: new StripeCustomers(rig.context('customer/stripe')) };
}

/** A server that answers every request alike. */
async function answering(status: number, headers: Record<string, string>, body: object | string) {
  const server = createServer((request, response) => {
    request.resume();
    response.writeHead(status, headers).end(typeof body === 'string' ? body : JSON.stringify(body));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const account = new StripeAccount({
    apiKey: 'sk_test_x',
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  });
  onTestFinished(() => {
    account.close();
    server.close();
    server.closeAllConnections();
  });
  return new StripeCustomers({ id: 'customer/stripe', account, environment: 'test' });
}

const errorBody = (code: string, type = 'invalid_request_error') => ({ error: { type, code, message: `No: ${code}` } });

describe('what Stripe’s answers mean', () => {
  it.each([
    ['a wrong key', 401, {}, errorBody('api_key_expired'), { kind: 'blocked' }],
    [
      'a missing permission',
      403,
      {},
      errorBody('more_permissions_required'),
      { kind: 'blocked', reason: expect.stringContaining('No: more_permissions_required') as string },
    ],
    ['the rate limit', 429, { 'retry-after': '3' }, errorBody('rate_limit'), { kind: 'retry', afterMs: 3000 }],
    ['a lock, as 429', 429, {}, errorBody('lock_timeout'), { kind: 'retry' }],
    ['a lock, as 409', 409, { 'stripe-should-retry': 'true' }, errorBody('lock_timeout'), { kind: 'retry' }],
    [
      'a key in use',
      409,
      { 'stripe-should-retry': 'true' },
      errorBody('idempotency_key_in_use', 'idempotency_error'),
      { kind: 'unknown' },
    ],
    ['a conflict to retry', 409, { 'stripe-should-retry': 'true' }, errorBody('conflict'), { kind: 'retry' }],
    ['another conflict', 409, {}, errorBody('conflict'), { kind: 'unknown' }],
    ['a bad parameter', 400, {}, errorBody('email_invalid'), { kind: 'rejected' }],
    ['a missing parameter object', 400, {}, errorBody('resource_missing'), { kind: 'rejected' }],
    ['a refused card', 402, {}, errorBody('card_declined', 'card_error'), { kind: 'rejected' }],
    ['an object that is not there', 404, {}, errorBody('resource_missing'), { kind: 'missing' }],
    [
      'an unknown address',
      404,
      {},
      { error: { type: 'invalid_request_error', message: 'Unrecognized request URL' } },
      { kind: 'rejected' },
    ],
    [
      'a server error',
      500,
      {},
      { error: { type: 'api_error', message: 'boom' } },
      { kind: 'unknown', reason: 'Stripe answered 500: boom' },
    ],
    [
      'a server error to retry',
      503,
      { 'stripe-should-retry': 'true' },
      errorBody('', 'api_error'),
      { kind: 'unknown' },
    ],
    [
      'something that is no JSON',
      502,
      {},
      '<html>Bad gateway</html>',
      { kind: 'unknown', reason: expect.stringContaining('no JSON') as string },
    ],
  ])('%s (%i)', async (_name, status, headers, body, expected) => {
    const customers = await answering(status, headers, body);
    expect(await customers.push(updateOf('cus_1', ada))).toMatchObject(expected);
  });

  it('refused: surely not sent', async () => {
    const account = new StripeAccount({ apiKey: 'sk_test_x', baseUrl: 'http://127.0.0.1:1' });
    const customers = new StripeCustomers({ id: 'customer/stripe', account, environment: 'test' });
    expect(await customers.push(createOf(ada))).toMatchObject({
      kind: 'retry',
      reason: 'Stripe can’t be reached at 127.0.0.1:1 (ECONNREFUSED)',
    });
  });

  it('stopped before its turn: surely not sent', async () => {
    const { customers, sim } = await setup();
    expect(await customers.push(createOf(ada, { signal: AbortSignal.abort() }))).toMatchObject({ kind: 'retry' });
    expect(sim.state.requestCount).toBe(0);
  });

  it.each(['drop_before', 'drop_after'] as const)(
    '%s: unknown, and sent once only; the same operation heals it',
    async (fault) => {
      const { customers, sim } = await setup();
      sim.faults.once(fault);
      expect(await customers.push(createOf(ada, { idempotencyKey: 'a' }))).toMatchObject({ kind: 'unknown' });
      expect(sim.state.requestCount).toBe(1);
      expect(await customers.push(createOf(ada, { idempotencyKey: 'a', resumed: true }))).toMatchObject({
        kind: 'done',
      });
      expect(sim.state.count('customer')).toBe(1);
    },
  );

  it('no answer in time: unknown', async () => {
    const { customers, sim } = await setup({ timeoutMs: 50 });
    sim.faults.once('delay_after', { delayMs: 300 });
    expect(await customers.push(createOf(ada))).toEqual({ kind: 'unknown', reason: 'Stripe did not answer in time' });
  });

  it('a refusal of a resumed operation says nothing of the attempt before', async () => {
    const { customers, sim } = await setup();
    sim.faults.once('rate_limit');
    expect(await customers.push(createOf(ada, { resumed: true }))).toMatchObject({ kind: 'unknown' });
  });

  it('the same key for another body', async () => {
    const { customers, sim } = await setup();
    await customers.push(createOf(ada, { idempotencyKey: 'a' }));
    expect(await customers.push(createOf({ email: 'b@example.com' }, { idempotencyKey: 'a' }))).toMatchObject({
      kind: 'exists',
    });
    const id = idOf(sim.state.all('customer')[0]);
    await customers.push(updateOf(id, { phone: '1' }, { idempotencyKey: 'u' }));
    expect(await customers.push(updateOf(id, { phone: '2' }, { idempotencyKey: 'u' }))).toMatchObject({
      kind: 'rejected',
    });
    expect(sim.state.count('customer')).toBe(1);
  });

  it.each(['error_before', 'error_after'] as const)(
    'a stored 500 (%s) is looked up, and made good once',
    async (fault) => {
      const { customers, sim } = await setup();
      sim.faults.once(fault, { method: 'POST' });
      expect(await customers.push(createOf(ada, { idempotencyKey: 'a' }))).toMatchObject({ kind: 'unknown' });
      const outcome = await customers.push(createOf(ada, { idempotencyKey: 'a', resumed: true }));
      expect(outcome.kind).toBe(fault === 'error_before' ? 'done' : 'exists');
      expect(sim.state.count('customer')).toBe(1);
      expect((await customers.push(createOf(ada, { idempotencyKey: 'a', resumed: true }))).kind).toMatch(/done|exists/);
      expect(sim.state.count('customer')).toBe(1);
    },
  );

  it('a stored 500 of an update: read it and plan again', async () => {
    const { customers, sim } = await setup();
    const outcome = await customers.push(createOf(ada));
    const id = outcome.kind === 'done' ? outcome.remoteId : '';
    sim.faults.once('error_after', { method: 'POST' });
    expect(await customers.push(updateOf(id, { phone: '1' }, { idempotencyKey: 'u' }))).toMatchObject({
      kind: 'unknown',
    });
    expect(await customers.push(updateOf(id, { phone: '1' }, { idempotencyKey: 'u', resumed: true }))).toEqual({
      kind: 'stale',
    });
  });
});

describe('reasons', () => {
  it('carry no personal data', () => {
    expect(withoutValues('Invalid email address: ada@example.com')).toBe('Invalid email address: [value]');
    expect(withoutValues("No such customer: 'cus_N4f'")).toBe("No such customer: 'cus_N4f'");
    expect(withoutValues('Received unknown parameter: "ship_to"')).toBe('Received unknown parameter: "ship_to"');
    expect(withoutValues('Missing required param: customer.', 'customer')).toBe('Missing required param: customer.');
    expect(withoutValues('Invalid name: ada', 'name')).toBe('Invalid name: [value]');
    expect(withoutValues('Invalid name "Ada Lovelace", phone +49 30 1234567')).toBe(
      'Invalid name "[value]", phone [value]',
    );
  });

  it('name code and parameter', async () => {
    const { customers } = await setup();
    const outcome = await customers.push(createOf({ email: 'not-an-address' }));
    expect(outcome).toMatchObject({ kind: 'rejected' });
    expect(JSON.stringify(outcome)).toContain('email_invalid at email');
    expect(JSON.stringify(outcome)).not.toContain('not-an-address');
  });

  it('of errors that are not Stripe’s', () => {
    expect(outcomeOfStripeError(new Error('odd'))).toEqual({ kind: 'unknown', reason: 'odd' });
    expect(outcomeOfStripeError(new SyncflowError('mapping', 'no', { hint: 'do' }))).toEqual({
      kind: 'rejected',
      reason: 'no. do',
    });
    expect(outcomeOfStripeError(new Stripe.errors.StripeError({ type: 'api_error' }))).toMatchObject({
      kind: 'unknown',
    });
  });
});
