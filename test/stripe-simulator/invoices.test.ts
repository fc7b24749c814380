import type Stripe from 'stripe';
import { expect, test } from 'vitest';
import { refusal, rig, type Rig } from './harness.js';

async function withDraft(
  setup: Rig,
): Promise<{ customer: Stripe.Customer; invoice: Stripe.Invoice; price: Stripe.Price }> {
  const { stripe } = setup;
  const customer = await stripe.customers.create({ name: 'C', email: 'c@example.com' });
  const price = await stripe.prices.create({ currency: 'usd', unit_amount: 250, product_data: { name: 'Bolt' } });
  const invoice = await stripe.invoices.create({ customer: customer.id, currency: 'usd' });
  return { customer, invoice, price };
}

test('bulk lines: added, changed, removed, with exact totals', async () => {
  const setup = await rig();
  const { stripe } = setup;
  const { invoice, price } = await withDraft(setup);
  const filled = await stripe.invoices.addLines(invoice.id, {
    lines: [
      { pricing: { price: price.id }, quantity: 3, metadata: { row: '1' } },
      {
        price_data: { currency: 'usd', product: price.product as string, unit_amount_decimal: '28.5' as never },
        quantity: 1,
      },
      { amount: -100, description: 'Discount' },
    ],
    invoice_metadata: { order: '7' },
  });
  expect(filled.lines.data.map(({ amount }) => amount)).toEqual([750, 29, -100]);
  expect(filled).toMatchObject({
    subtotal: 679,
    total: 679,
    amount_due: 679,
    amount_remaining: 679,
    metadata: { order: '7' },
  });
  const [first, second, third] = filled.lines.data;
  expect(first).toMatchObject({
    object: 'line_item',
    invoice: invoice.id,
    description: 'Bolt',
    quantity: 3,
    metadata: { row: '1' },
    parent: { type: 'invoice_item_details' },
    pricing: { type: 'price_details', price_details: { price: price.id, product: price.product } },
  });
  expect(String(first?.pricing?.unit_amount_decimal)).toBe('250');
  const changed = await stripe.invoices.updateLines(invoice.id, {
    lines: [{ id: first?.id ?? '', quantity: 4, metadata: { row: '', new: 'x' } }],
  });
  expect(changed.lines.data[0]).toMatchObject({ amount: 1000, metadata: { new: 'x' }, id: first?.id });
  const one = await stripe.invoices.updateLineItem(invoice.id, second?.id ?? '', { quantity_decimal: '0.5' as never });
  expect(one).toMatchObject({ amount: 14, quantity: 0 });
  const shorter = await stripe.invoices.removeLines(invoice.id, {
    lines: [
      { id: third?.id ?? '', behavior: 'delete' },
      { id: second?.id ?? '', behavior: 'unassign' },
    ],
  });
  expect(shorter.total).toBe(1000);
  expect((await stripe.invoiceItems.list({ pending: true })).data).toHaveLength(1);
  const bad = await refusal(
    stripe.invoices.removeLines(invoice.id, {
      lines: [
        { id: first?.id ?? '', behavior: 'delete' },
        { id: 'il_x', behavior: 'delete' },
      ],
    }),
  );
  expect(bad).toMatchObject({ code: 'resource_missing', param: 'lines[1][id]' });
  expect((await stripe.invoices.retrieve(invoice.id)).total).toBe(1000);
});

test('more than ten lines are paged through /lines', async () => {
  const setup = await rig();
  const { stripe } = setup;
  const { invoice } = await withDraft(setup);
  const lines = Array.from({ length: 23 }, (_, index) => ({ amount: index + 1, description: `row ${index}` }));
  const filled = await stripe.invoices.addLines(invoice.id, { lines });
  expect(filled.lines).toMatchObject({ has_more: true, url: `/v1/invoices/${invoice.id}/lines` });
  expect(filled.lines.data).toHaveLength(10);
  expect(filled.total).toBe(276);
  const seen: (string | null)[] = [];
  for await (const line of stripe.invoices.listLineItems(invoice.id, { limit: 5 })) seen.push(line.description);
  expect(seen).toEqual(lines.map(({ description }) => description));
});

test('pending items are taken in, in the invoice’s currency only', async () => {
  const setup = await rig();
  const { stripe, sim } = setup;
  const { customer, price } = await withDraft(setup);
  await stripe.invoiceItems.create({ customer: customer.id, pricing: { price: price.id }, quantity: 2 });
  await stripe.invoiceItems.create({ customer: customer.id, amount: 100, currency: 'usd', description: 'late' });
  await stripe.invoiceItems.create({ customer: customer.id, amount: 100, currency: 'eur' });
  const without = await stripe.invoices.create({ customer: customer.id });
  expect(without.lines.data).toHaveLength(0);
  const invoice = await stripe.invoices.create({ customer: customer.id, pending_invoice_items_behavior: 'include' });
  expect(invoice.lines.data.map(({ description }) => description)).toEqual(['late', 'Bolt']);
  expect(invoice.total).toBe(600);
  const item = (await stripe.invoiceItems.list({ invoice: invoice.id })).data[1];
  await stripe.invoiceItems.update(item?.id ?? '', { quantity: 1 });
  expect((await stripe.invoices.retrieve(invoice.id)).total).toBe(350);
  await stripe.invoiceItems.del(item?.id ?? '');
  expect((await stripe.invoices.retrieve(invoice.id)).lines.data).toHaveLength(1);
  expect((await refusal(stripe.invoiceItems.create({ customer: customer.id, price: price.id } as never))).code).toBe(
    'parameter_unknown',
  );
  await stripe.prices.update(price.id, { active: false });
  expect(
    (await refusal(stripe.invoiceItems.create({ customer: customer.id, pricing: { price: price.id } }))).message,
  ).toMatch(/inactive/);
  expect(sim.state.get('customer', customer.id)?.currency).toBe('usd');
});

test('finalized: numbered, fixed in its money, free in its metadata', async () => {
  const setup = await rig();
  const { stripe } = setup;
  const { customer, invoice } = await withDraft(setup);
  await stripe.customers.update(customer.id, { name: 'New name' });
  await stripe.invoices.addLines(invoice.id, { lines: [{ amount: 1500 }] });
  const open = await stripe.invoices.finalizeInvoice(invoice.id);
  expect(open).toMatchObject({ status: 'open', customer_name: 'New name', amount_due: 1500 });
  expect(open.number).toMatch(/^[A-Z0-9]{8}-0001$/);
  await stripe.customers.update(customer.id, { name: 'Later' });
  expect((await stripe.invoices.retrieve(invoice.id)).customer_name).toBe('New name');
  const refused = [
    stripe.invoices.update(invoice.id, { collection_method: 'send_invoice', days_until_due: 5 }),
    stripe.invoices.addLines(invoice.id, { lines: [{ amount: 1 }] }),
    stripe.invoices.updateLineItem(invoice.id, open.lines.data[0]?.id ?? '', { amount: 1 }),
    stripe.invoices.finalizeInvoice(invoice.id),
    stripe.invoices.del(invoice.id),
  ];
  for (const call of refused) expect((await refusal(call)).code).toBe('invoice_not_editable');
  expect(await stripe.invoices.update(invoice.id, { metadata: { a: 'b' }, description: 'memo' })).toMatchObject({
    metadata: { a: 'b' },
    description: 'memo',
  });
  expect((await refusal(stripe.invoices.pay(invoice.id))).code).toBe('resource_missing');
  const paid = await stripe.invoices.pay(invoice.id, { paid_out_of_band: true });
  expect(paid).toMatchObject({ status: 'paid', amount_paid: 1500, amount_remaining: 0 });
  expect((await refusal(stripe.invoices.pay(invoice.id))).message).toBe('Invoice is already paid');
  expect((await refusal(stripe.invoices.voidInvoice(invoice.id))).status).toBe(400);
});

test('the other ends: void, uncollectible, sent, deleted', async () => {
  const setup = await rig();
  const { stripe } = setup;
  const { customer } = await withDraft(setup);
  const due = async (): Promise<string> => {
    const made = await stripe.invoices.create({
      customer: customer.id,
      collection_method: 'send_invoice',
      days_until_due: 30,
    });
    await stripe.invoices.addLines(made.id, { lines: [{ amount: 10 }] });
    return made.id;
  };
  const first = await due();
  expect((await stripe.invoices.sendInvoice(first)).status).toBe('open');
  expect((await stripe.invoices.markUncollectible(first)).status).toBe('uncollectible');
  expect((await stripe.invoices.voidInvoice(first)).status).toBe('void');
  const second = await due();
  expect(await stripe.invoices.del(second)).toMatchObject({ deleted: true });
  expect((await refusal(stripe.invoices.retrieve(second))).status).toBe(404);
  expect(
    (await refusal(stripe.invoices.create({ customer: customer.id, collection_method: 'send_invoice' }))).param,
  ).toBe('days_until_due');
  const listed = await stripe.invoices.list({ customer: customer.id, status: 'void', expand: ['data.customer'] });
  expect(listed.data.map(({ id }) => id)).toEqual([first]);
  expect(listed.data[0]?.customer).toMatchObject({ email: 'c@example.com' });
});
