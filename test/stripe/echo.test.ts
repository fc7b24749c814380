/** The connector under the pure parts of the engine: our own writes come back as empty differences, somebody else's don't. */
import { describe, expect, it } from 'vitest';
import type { AnyRecord, CatalogClass } from '../../src/catalog/catalog.js';
import type { SubscriberContext } from '../../src/subscriber/base.js';
import type { StripeAccount } from '../../src/connectors/stripe/index.js';
import { childShadowsAfterWrite } from '../../src/merge/children.js';
import { merge, type Merged, type MergeInput } from '../../src/merge/merge.js';
import type { Resolver } from '../../src/merge/project.js';
import type { Shadow } from '../../src/merge/shadow.js';
import { plan, type Draft } from '../../src/outward/plan.js';
import type { Json } from '../../src/catalog/values.js';
import { writePath } from '../../src/subscriber/path.js';
import { compileMapping } from '../../src/subscriber/compile.js';
import { defaultPolicies } from '../../src/subscriber/policy.js';
import { Customer, Invoice, Product, StripeCustomers, StripeInvoices, StripeProducts } from './catalogs.js';
import { createOf, idOf, updateOf, world } from './support.js';

const emptyShadow: Shadow = { units: {} };

/** One catalog's link, driven by hand: plan, push, merge the answer. */
class Side {
  shadow: Shadow = emptyShadow;
  remoteId: string | undefined;

  constructor(
    private readonly main: CatalogClass,
    readonly subscriber: StripeCustomers | StripeProducts | StripeInvoices,
    private readonly resolver: Resolver,
  ) {}

  private get mapping() {
    return compileMapping('test', this.main.definition, this.subscriber.mapping);
  }

  plan(record: AnyRecord) {
    const link = {
      state: 'linked',
      key: '["1"]',
      remoteId: this.remoteId,
      deleted: false,
      shadow: this.shadow,
    } as const;
    return plan({
      link,
      record,
      softDeleted: false,
      inScope: true,
      policies: defaultPolicies,
      mapping: this.mapping,
      resolver: this.resolver,
    });
  }

  private known(): object {
    const known: Record<string, Json> = {};
    for (const { name, path } of this.mapping.units) writePath(known, path, this.shadow.units[name]?.r ?? null);
    return known;
  }

  /** Plans and pushes until nothing is owed; returns what was sent. */
  async push(record: AnyRecord): Promise<Draft> {
    const planned = this.plan(record);
    if (planned.kind !== 'create' && planned.kind !== 'update') throw new Error(planned.kind);
    const { draft } = planned;
    const options = { children: { ...draft.children } };
    const operation =
      planned.kind === 'create'
        ? createOf<never>(draft.values, options)
        : updateOf<never>(this.remoteId ?? '', draft.changed, {
            ...options,
            values: draft.values,
            known: this.known(),
          });
    const outcome = await this.subscriber.push(operation);
    if (outcome.kind !== 'done') throw new Error(JSON.stringify(outcome));
    this.remoteId = outcome.remoteId;
    if (planned.kind === 'update') this.shadow = planned.shadow;
    this.observe(record, outcome.remote, { units: draft.sent, children: draft.sentChildren, firstHand: true });
    return draft;
  }

  observe(record: AnyRecord, remote: unknown, sent?: MergeInput['sent']): Merged {
    const merged = merge({
      mapping: this.mapping,
      shadow: this.shadow,
      record,
      remote,
      resolver: this.resolver,
      ...(sent === undefined ? {} : { sent }),
      hubEditedAt: undefined,
      remoteEditedAt: undefined,
    });
    const children = Object.fromEntries(
      merged.children.map((one) => [one.mapping.name, childShadowsAfterWrite(one, record)]),
    );
    this.shadow = { units: merged.pairs, children };
    return merged;
  }

  /** What the hub would change for the remote as it is now. */
  async look(record: AnyRecord): Promise<Merged> {
    const sight = await this.subscriber.look(this.remoteId ?? '', 'live');
    if (sight.kind !== 'found') throw new Error(sight.kind);
    return this.observe(record, sight.remote);
  }
}

function links(pairs: Readonly<Record<string, string>>): Resolver {
  return {
    remoteId: (catalog) => pairs[catalog],
    key: (catalog, remoteId) => (pairs[catalog] === remoteId ? '["1"]' : undefined),
    knows: (catalog, remoteId) => pairs[catalog] === remoteId,
  };
}

async function setup() {
  const rig = await world();
  const { dashboard } = rig.sim;
  const resolver = links({
    customer: idOf(dashboard.customers.create({ email: 'ada@example.com' })),
    product: idOf(dashboard.products.create({ name: 'Pen' })),
  });
  const side = (
    main: CatalogClass,
    subscriber: new (context: SubscriberContext<StripeAccount>) => Side['subscriber'],
  ) => new Side(main, new subscriber(rig.context(`${main.definition.name}/stripe`)), resolver);
  return { ...rig, side };
}

const ada = {
  id: 1,
  email: 'ada@example.com',
  first_name: 'Ada',
  last_name: 'Lovelace',
  company: null,
  city: 'London',
  street: null,
};
const pen = { id: 1, name: 'Pen', sku: 'P-1', unit_price: '19.90', currency: 'eur' };
const line = { id: 1, invoice_id: 1, product_id: 1, unit_price: '1.9950', quantity: 2, text: 'Pens' };
const invoice = {
  id: 1,
  customer_id: 1,
  currency: 'EUR',
  status: 'draft',
  note: null,
  lines: [line, { ...line, id: 2 }],
};

describe('our own write', () => {
  it.each([
    ['customer', Customer, StripeCustomers, ada, { ...ada, email: 'b@example.com', city: null, company: 'Engines' }],
    ['product', Product, StripeProducts, pen, { ...pen, name: 'Fountain pen', unit_price: '25.00', sku: null }],
    [
      'invoice',
      Invoice,
      StripeInvoices,
      invoice,
      {
        ...invoice,
        note: 'Thanks',
        status: 'open',
        lines: [
          { ...line, quantity: 3 },
          { ...line, id: 3, text: null },
        ],
      },
    ],
  ] as const)('of a %s comes back as an empty difference', async (_name, main, subscriber, record, edited) => {
    const { side } = await setup();
    const one = side(main, subscriber);
    for (const row of [record, edited]) {
      await one.push(row);
      expect(one.plan(row).kind).toBe('nothing');
      const seen = await one.look(row);
      expect({ patch: seen.patch, conflicts: seen.conflicts }).toEqual({ patch: {}, conflicts: [] });
      expect(one.plan(row).kind).toBe('nothing');
    }
  });
});

describe('an edit in Stripe', () => {
  it('of an invoice’s lines reaches the hub, and only that', async () => {
    const { side, sim } = await setup();
    const one = side(Invoice, StripeInvoices);
    await one.push(invoice);
    const [first] = sim.state.all('line_item');
    sim.dashboard.request('POST', `/v1/invoices/${one.remoteId ?? ''}/update_lines`, {
      lines: [{ id: idOf(first), quantity: 7 }],
    });
    const seen = await one.look(invoice);
    expect(seen.patch).toEqual({
      lines: expect.arrayContaining([
        { ...line, quantity: 7 },
        { ...line, id: 2 },
      ]) as unknown,
    });
  });

  it('of a price reaches the hub', async () => {
    const { side, sim } = await setup();
    const one = side(Product, StripeProducts);
    await one.push(pen);
    const price = sim.dashboard.prices.create({ product: one.remoteId, currency: 'eur', unit_amount: 3000 });
    sim.dashboard.products.update(one.remoteId ?? '', { default_price: idOf(price) });
    expect((await one.look(pen)).patch).toEqual({ unit_price: '30.00' });
  });
});
