import { describe, expect, it } from 'vitest';
import { SyncflowError } from '../../src/errors.js';
import type { Delivery } from '../../src/subscriber/base.js';
import { StripeCustomers, StripeInvoices } from './catalogs.js';
import { delivery, world } from './support.js';

const secrets = ['whsec_new', 'whsec_old'];

async function setup() {
  const rig = await world({ account: { webhookSecrets: secrets } });
  rig.sim.dashboard.customers.create({ email: 'ada@example.com' });
  const event = rig.sim.state.all('event')[0];
  if (event === undefined) throw new Error('no event');
  return { ...rig, event, customers: new StripeCustomers(rig.context('customer/stripe')) };
}

async function refusalOf(work: Promise<unknown>): Promise<SyncflowError> {
  const error: unknown = await work.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (!(error instanceof SyncflowError)) throw new Error('was not refused');
  return error;
}

function changed(original: Delivery, change: Partial<Delivery>): Delivery {
  return { ...original, ...change };
}

describe('a webhook', () => {
  it.each(secrets)('signed with %s is taken', async (secret) => {
    const { customers, event, clock } = await setup();
    const [seen] = await customers.receive(delivery(event, secret, clock.seconds));
    expect(seen).toMatchObject({ id: event.id, kind: 'changed', snapshot: { email: 'ada@example.com' } });
  });

  it('gives the same as a poll', async () => {
    const { customers, event, clock } = await setup();
    const received = await customers.receive(delivery(event, 'whsec_new', clock.seconds));
    expect((await customers.changes(JSON.stringify({ from: clock.seconds - 10 }))).events).toEqual(received);
  });

  it('is refused with 400 when forged, altered, unsigned or too old', async () => {
    const { customers, event, clock } = await setup();
    const good = delivery(event, 'whsec_new', clock.seconds);
    const bad = [
      delivery(event, 'whsec_other', clock.seconds),
      delivery(event, 'whsec_new', clock.seconds - 301),
      changed(good, { headers: new Headers() }),
      changed(good, { headers: new Headers({ 'stripe-signature': 'nonsense' }) }),
      changed(good, { body: new TextEncoder().encode('{}') }),
      changed(good, { body: new Uint8Array() }),
    ];
    for (const one of bad) {
      const error = await refusalOf(customers.receive(one));
      expect(error.code).toBe('webhook');
      expect(error.context.status).toBe(400);
      expect(error.hint).toBeDefined();
      expect(JSON.stringify(error) + error.message).not.toContain('whsec');
    }
    expect(await customers.receive(good)).toHaveLength(1);
  });

  it('is checked once for all subscribers of the account', async () => {
    const { customers, event, clock, account, context } = await setup();
    const good = delivery(event, 'whsec_new', clock.seconds);
    const first = account.verify(good);
    clock.advance(1000);
    expect(account.verify(good)).toBe(first);
    expect(await customers.receive(good)).toHaveLength(1);
    expect(await new StripeInvoices(context('invoice/stripe')).receive(good)).toEqual([]);
  });

  it('of another version is a hint without a snapshot', async () => {
    const { customers, event, clock } = await setup();
    const old = { ...event, api_version: '2023-08-16' };
    const [seen] = await customers.receive(delivery(old, 'whsec_new', clock.seconds));
    expect(seen).toMatchObject({ remoteId: expect.stringContaining('cus_') as string });
    expect(seen).not.toHaveProperty('snapshot');
  });

  it('of another mode or a connected account does not concern us', async () => {
    const { customers, event, clock } = await setup();
    for (const other of [
      { ...event, livemode: true },
      { ...event, account: 'acct_1' },
    ]) {
      expect(await customers.receive(delivery(other, 'whsec_new', clock.seconds))).toEqual([]);
    }
  });

  it('needs a secret', async () => {
    const { event, clock, context } = await world().then((rig) => {
      rig.sim.dashboard.customers.create({});
      return { ...rig, event: rig.sim.state.all('event')[0] ?? {} };
    });
    const error = await refusalOf(
      new StripeCustomers(context('customer/stripe')).receive(delivery(event, 'x', clock.seconds)),
    );
    expect(error.hint).toContain('webhookSecrets');
  });
});
