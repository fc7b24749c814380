import { describe, expect, it } from 'vitest';
import type { StripeInvoice } from '../../src/connectors/stripe/index.js';
import { transitions } from '../../src/connectors/stripe/invoice-status.js';
import type { Json } from '../../src/catalog/values.js';
import { advancingInvoices, StripeInvoices } from './catalogs.js';
import type { StripeSimulator } from '../../src/testing/stripe-simulator/index.js';
import { createOf, deleteOf, idOf, newSteps, updateOf, world } from './support.js';

async function setup() {
  const rig = await world();
  const { dashboard } = rig.sim;
  const customer = idOf(dashboard.customers.create({ email: 'ada@example.com' }));
  const product = idOf(dashboard.products.create({ name: 'Pen' }));
  const invoices = new StripeInvoices(rig.context('invoice/stripe'));
  const head = (status: string | null = 'draft') => ({ customer, currency: 'EUR', status, description: 'Thanks' });
  const line = (key: number, cents = '199.5', quantity = 2): { key: string; values: Record<string, Json> } => ({
    key: `["${key}"]`,
    values: {
      pricing: { price_details: { product }, unit_amount_decimal: cents },
      quantity,
      description: `Line ${key}`,
      metadata: { syncflow_line: String(key) },
    },
  });
  const create = async (status: string, lines = [line(1)]): Promise<StripeInvoice> => {
    const outcome = await invoices.push(createOf(head(status), { children: { lines: { add: lines } } }));
    if (outcome.kind !== 'done' || outcome.remote === undefined) throw new Error(JSON.stringify(outcome));
    return outcome.remote;
  };
  return { ...rig, invoices, head, line, create, product, customer };
}

describe('a Stripe invoice', () => {
  it('is created with its lines, and not advanced by Stripe', async () => {
    const { create, invoices, line } = await setup();
    const remote = await create('draft', [line(1), line(2, '5', 1)]);
    expect(remote).toMatchObject({
      status: 'draft',
      currency: 'eur',
      auto_advance: false,
      total: 404,
      description: 'Thanks',
    });
    expect(
      remote.lines.data.map((one) => [one.metadata['syncflow_line'], one.pricing?.unit_amount_decimal, one.quantity]),
    ).toEqual([
      ['1', '199.5', 2],
      ['2', '5', 1],
    ]);
    expect(await invoices.look(remote.id, 'live')).toEqual({ kind: 'found', remote });
  });

  it('is read with all of its lines, however many', async () => {
    const { create, invoices, line } = await setup();
    const lines = Array.from({ length: 230 }, (_, index) => line(index, '100', 1));
    const remote = await create('open', lines);
    expect(remote.lines.data).toHaveLength(230);
    expect(remote.lines.has_more).toBe(false);
    const listed = await invoices.list(undefined);
    expect(listed.remotes[0]?.lines.data).toHaveLength(230);
  });

  it.each(['open', 'paid', 'void', 'uncollectible'])('reaches the status %s', async (status) => {
    const { create } = await setup();
    expect((await create(status)).status).toBe(status);
  });

  it('with nothing to pay is paid once it is finalized', async () => {
    const { create, invoices, head, line } = await setup();
    expect((await create('paid', [line(1, '0')])).status).toBe('paid');
    expect((await create('open', [line(1, '0')])).status).toBe('paid');
    const outcome = await invoices.push(createOf(head('void'), { children: { lines: { add: [line(1, '0')] } } }));
    expect(outcome).toMatchObject({ kind: 'exists', remote: { status: 'paid' } });
  });

  it('changes fields, lines and status in one operation', async () => {
    const { create, invoices, line, product } = await setup();
    const { id, lines } = await create('draft', [line(1), line(2)]);
    const [first, second] = lines.data.map((one) => one.id);
    const outcome = await invoices.push(
      updateOf(
        id,
        { description: null, status: 'open' },
        {
          children: {
            lines: {
              add: [line(3)],
              update: [
                {
                  key: '["1"]',
                  remoteId: first ?? '',
                  values: {
                    pricing: { price_details: { product }, unit_amount_decimal: '300' },
                    quantity: 2,
                    metadata: { syncflow_line: '1' },
                  },
                  changed: { pricing: { unit_amount_decimal: '300' } },
                },
              ],
              remove: [{ key: '["2"]', remoteId: second ?? '' }],
            },
          },
        },
      ),
    );
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
    expect(outcome.remote).toMatchObject({ status: 'open', description: null, total: 600 + 399 });
    expect(outcome.remote?.lines.data.map((one) => [one.metadata['syncflow_line'], one.amount])).toEqual([
      ['1', 600],
      ['3', 399],
    ]);
  });

  it('once finalized refuses what is frozen, by name, and takes the rest', async () => {
    const { create, invoices, line } = await setup();
    const { id } = await create('open');
    const refused = await invoices.push(updateOf(id, { due_date: 5 }, { children: { lines: { add: [line(9)] } } }));
    expect(refused).toEqual({
      kind: 'rejected',
      reason: "the invoice is open, so Stripe doesn't let due_date, lines be changed: void it and make a new one",
    });
    expect(await invoices.push(updateOf(id, { customer: 'cus_x' }))).toMatchObject({ kind: 'rejected' });
    expect(await invoices.push(updateOf(id, { status: 'draft' }))).toMatchObject({ kind: 'rejected' });
    const taken = await invoices.push(updateOf(id, { metadata: { po: '7' } }));
    expect(taken).toMatchObject({ kind: 'done', remote: { metadata: { po: '7', syncflow_key: '["1"]' } } });
  });

  it('knows every way from one status to another', () => {
    expect(transitions('uncollectible', 'paid')).toEqual(['pay']);
    expect(transitions('draft', 'void')).toEqual(['finalize', 'void']);
    expect(transitions('paid', 'void')).toBeUndefined();
    expect(transitions('open', 'draft')).toBeUndefined();
    expect(transitions('void', 'void')).toEqual([]);
  });

  it('is deleted as a draft, and only as a draft', async () => {
    const { create, invoices } = await setup();
    const draft = await create('draft');
    expect(await invoices.push(deleteOf(draft.id))).toEqual({ kind: 'done', remoteId: draft.id });
    expect(await invoices.look(draft.id, 'live')).toMatchObject({ kind: 'missing' });
    const open = await create('open');
    expect(await invoices.push(deleteOf(open.id))).toMatchObject({ kind: 'rejected' });
  });

  it('needs a price or an amount on every line, and says so before anything is sent', async () => {
    const { invoices, head, sim } = await setup();
    const outcome = await invoices.push(
      createOf(head(), { children: { lines: { add: [{ key: '["1"]', values: { quantity: 1 } }] } } }),
    );
    expect(outcome).toMatchObject({ kind: 'rejected' });
    expect(sim.state.requestCount).toBe(0);
  });

  it('tells of its changes, of its deletion, and of items added elsewhere', async () => {
    const { create, invoices, sim, customer } = await setup();
    const { cursor } = await invoices.changes(undefined);
    const { id } = await create('draft');
    sim.dashboard.invoiceItems.create({ customer, invoice: id, amount: 50, currency: 'eur' });
    sim.dashboard.invoiceItems.create({ customer, amount: 50, currency: 'eur' });
    await invoices.push(deleteOf(id));
    const { events } = await invoices.changes(cursor);
    expect(new Set(events.map((event) => event.remoteId))).toEqual(new Set([id]));
    expect(events.filter((event) => event.kind === 'deleted')).toHaveLength(1);
    expect(events.find((event) => event.snapshot !== undefined)?.snapshot).toMatchObject({ id });
  });
});

/** What was said of collection whenever an invoice was finalized. */
const finalizedWith = (sim: StripeSimulator): unknown[] =>
  sim.state
    .all('event')
    .filter(({ type }) => type === 'invoice.finalized')
    .map(({ data }) => (data as { object: { auto_advance: unknown } }).object.auto_advance);

describe('an invoice whose auto_advance is mapped', () => {
  it.each([
    [true, 'open', true],
    [false, 'open', false],
    [null, 'open', false],
    // Stripe would collect what is paid already, or never to be
    [true, 'paid', false],
    [true, 'void', false],
  ])('as %s, and made as %s, is left to Stripe: %s', async (auto_advance, status, shown) => {
    const { context, head, line, sim } = await setup();
    const invoices = new (advancingInvoices('both'))(context('invoice/stripe'));
    const outcome = await invoices.push(
      createOf({ ...head(status), auto_advance }, { children: { lines: { add: [line(1)] } } }),
    );
    expect(outcome).toMatchObject({ kind: 'done', remote: { status, auto_advance: shown } });
    expect(finalizedWith(sim)).toEqual([shown]);
  });

  it.each([
    ['both', {}, { auto_advance: false }, true], // edited there, and not heard of
    ['both', { auto_advance: false }, { auto_advance: false }, false],
    ['inward', {}, {}, true],
  ] as const)('(%s) is finalized as it is, unless it changes here: %j', async (direction, changed, values, shown) => {
    const { context, create, sim } = await setup();
    const invoices = new (advancingInvoices(direction))(context('invoice/stripe'));
    const { id } = await create('draft');
    sim.dashboard.invoices.update(id, { auto_advance: true });
    const outcome = await invoices.push(
      updateOf(id, { status: 'open', ...changed }, { values: { status: 'open', ...values } }),
    );
    expect(outcome).toMatchObject({ kind: 'done', remote: { status: 'open', auto_advance: shown } });
  });

  it('where it is not, is never left to Stripe', async () => {
    const { create, invoices, sim } = await setup();
    const { id } = await create('draft');
    sim.dashboard.invoices.update(id, { auto_advance: true });
    const outcome = await invoices.push(updateOf(id, { status: 'open' }));
    expect(outcome).toMatchObject({ kind: 'done', remote: { status: 'open', auto_advance: false } });
  });
});

describe('an interrupted invoice', () => {
  const names = ['draft', 'add_lines 1', 'add_lines 2', 'finalize', 'pay'];

  it.each(names)('goes on after a crash behind the step "%s"', async (name) => {
    const { invoices, head, line, sim } = await setup();
    const children = { lines: { add: Array.from({ length: 120 }, (_, index) => line(index, '100', 1)) } };
    const steps = { ...newSteps(), crash: { name, when: 'after' as const } };
    const options = { children, idempotencyKey: 'create' };
    expect((await invoices.push(createOf<StripeInvoice>(head('paid'), { ...options, steps }))).kind).toBe('unknown');
    const { crash: _, ...rest } = steps;
    const outcome = await invoices.push(
      createOf<StripeInvoice>(head('paid'), { ...options, steps: rest, resumed: true }),
    );
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
    expect(outcome.remote).toMatchObject({ status: 'paid', total: 12_000 });
    expect(outcome.remote?.lines.data).toHaveLength(120);
    expect(sim.state.count('invoice')).toBe(1);
  });

  it('is resumed, not made anew, when a later step meets the rate limit', async () => {
    const { invoices, head, line, sim } = await setup();
    sim.faults.once('lock_timeout', { path: '/v1/invoices/in_' });
    const steps = newSteps();
    const options = { children: { lines: { add: [line(1)] } }, idempotencyKey: 'create', steps };
    expect((await invoices.push(createOf(head('open'), options))).kind).toBe('unknown');
    expect((await invoices.push(createOf(head('open'), { ...options, resumed: true }))).kind).toBe('done');
    expect(sim.state.count('invoice')).toBe(1);
  });

  it('whose lines are refused is linked as the draft that it is', async () => {
    const { invoices, head, line, sim } = await setup();
    const bad = {
      ...line(1),
      values: { ...line(1).values, pricing: { price_details: { product: 'prod_none' }, unit_amount_decimal: '5' } },
    };
    const outcome = await invoices.push(createOf(head('open'), { children: { lines: { add: [bad] } } }));
    expect(outcome).toMatchObject({ kind: 'exists', remote: { status: 'draft' } });
    expect(sim.state.count('invoice')).toBe(1);
    const id = outcome.kind === 'exists' ? outcome.remoteId : '';
    expect(await invoices.push(updateOf(id, {}, { children: { lines: { add: [bad] } } }))).toMatchObject({
      kind: 'rejected',
    });
  });

  it('is read and planned again when a step can never be replayed', async () => {
    const { create, invoices, line, sim } = await setup();
    const { id } = await create('draft');
    sim.faults.once('error_before', { path: `/v1/invoices/${id}/add_lines` });
    const steps = newSteps();
    const options = { children: { lines: { add: [line(2)] } }, idempotencyKey: 'update', steps };
    expect((await invoices.push(updateOf(id, { description: 'New' }, options))).kind).toBe('unknown');
    expect(await invoices.push(updateOf(id, { description: 'New' }, { ...options, resumed: true }))).toEqual({
      kind: 'stale',
    });
  });
});
