/** An independent comparison: every object listed by the vendors' own clients, and compared with the rows by hand-written rules. */
import type Stripe from 'stripe';
import type { CustomerDocument } from './subscribers.js';
import type { DemoWorld } from './world.js';

export interface CatalogCount {
  readonly hub: number;
  readonly stripe: number;
  readonly couchdb: number | undefined;
  /** Records without an equal counterpart, and objects without a record. */
  readonly unequal: number;
  /** Objects that stand for a record which has another one already. */
  readonly duplicates: number;
}

type Facts = Readonly<Record<string, unknown>>;

export class Catalogs {
  readonly #world: DemoWorld;

  constructor(world: DemoWorld) {
    this.#world = world;
  }

  async count(): Promise<Readonly<Record<'customers' | 'products' | 'invoices', CatalogCount>>> {
    return { customers: await this.#customers(), products: await this.#products(), invoices: await this.#invoices() };
  }

  async #customers(): Promise<CatalogCount> {
    const { stripe, couch } = this.#world;
    const rows = await this.#rows(
      'select id, first_name, last_name, company, address, city, state, country, postal_code, phone, fax, email from customer',
    );
    const remotes: [string, Facts][] = [];
    for await (const one of stripe.customers.list({ limit: 100 })) {
      const key = markerOf(one.metadata);
      if (key !== undefined) remotes.push([key, stripeCustomerFacts(one)]);
    }
    const documents = await couch
      .use<CustomerDocument & { syncflow?: { key: string } }>('customers')
      .list({ include_docs: true });
    const couchFacts = documents.rows.flatMap(({ doc }): [string, Facts][] =>
      doc?.syncflow === undefined ? [] : [[idOf(doc.syncflow.key), documentFacts(doc)]],
    );
    const inStripe = compare(rows, remotes, hubCustomerFacts);
    const inCouch = compare(rows, couchFacts, hubDocumentFacts);
    return {
      hub: rows.length,
      stripe: remotes.length,
      couchdb: couchFacts.length,
      unequal: inStripe.unequal + inCouch.unequal,
      duplicates: inStripe.duplicates + inCouch.duplicates,
    };
  }

  async #products(): Promise<CatalogCount> {
    const rows = await this.#rows('select id, name, composer, unit_price, currency from product');
    const remotes: [string, Facts][] = [];
    for await (const one of this.#world.stripe.products.list({
      limit: 100,
      active: true,
      expand: ['data.default_price'],
    })) {
      const key = markerOf(one.metadata);
      const price = one.default_price as Stripe.Price | null;
      if (key !== undefined)
        remotes.push([
          key,
          {
            name: one.name,
            composer: one.metadata['composer'] ?? null,
            cents: price?.unit_amount,
            currency: price?.currency,
          },
        ]);
    }
    const { unequal, duplicates } = compare(rows, remotes, (row) => ({
      name: row['name'],
      composer: row['composer'],
      cents: cents(row['unit_price']),
      currency: row['currency'],
    }));
    return { hub: rows.length, stripe: remotes.length, couchdb: undefined, unequal, duplicates };
  }

  async #invoices(): Promise<CatalogCount> {
    const rows = await this.#rows(
      `select i.id, i.status, i.total, i.memo, c.remote_id as customer,
         (select coalesce(json_agg(l.quantity || 'x' || round(l.unit_price * 100) order by l.quantity || 'x' || round(l.unit_price * 100)), '[]')::text from invoice_line l where l.invoice_id = i.id) as lines
       from invoice i join syncflow.link c on c.subscriber = 'customer/stripe' and c.key = json_build_array(i.customer_id::text)::text`,
    );
    const remotes: [string, Facts][] = [];
    for await (const one of this.#world.stripe.invoices.list({ limit: 100 })) {
      const key = markerOf(one.metadata ?? {});
      if (key !== undefined) remotes.push([key, await this.#invoiceFacts(one)]);
    }
    const { unequal, duplicates } = compare(rows, remotes, (row) => ({
      status: row['status'],
      cents: cents(row['total']),
      memo: row['memo'],
      customer: row['customer'],
      lines: (JSON.parse(String(row['lines'])) as string[]).sort().join(),
    }));
    return { hub: rows.length, stripe: remotes.length, couchdb: undefined, unequal, duplicates };
  }

  async #invoiceFacts(one: Stripe.Invoice): Promise<Facts> {
    const lines = [...one.lines.data];
    if (one.lines.has_more) {
      lines.length = 0;
      for await (const line of this.#world.stripe.invoices.listLineItems(one.id, { limit: 100 })) lines.push(line);
    }
    return {
      status: one.status,
      cents: one.total,
      memo: one.description,
      customer: typeof one.customer === 'string' ? one.customer : one.customer?.id,
      lines: lines
        .map((line) => `${line.quantity ?? 0}x${Number(line.pricing?.unit_amount_decimal ?? 0)}`)
        .sort()
        .join(),
    };
  }

  #rows(sql: string): Promise<Facts[]> {
    return this.#world.flow.database.query<Facts>(sql);
  }
}

function compare(
  rows: readonly Facts[],
  remotes: readonly (readonly [string, Facts])[],
  factsOf: (row: Facts) => Facts,
): { unequal: number; duplicates: number } {
  const byKey = new Map(remotes);
  let unequal = 0;
  for (const row of rows) {
    const remote = byKey.get(String(row['id']));
    const facts = factsOf(row);
    if (remote === undefined || Object.keys(facts).some((name) => (facts[name] ?? null) !== (remote[name] ?? null)))
      unequal += 1;
  }
  const known = new Set(rows.map((row) => String(row['id'])));
  unequal += [...byKey.keys()].filter((key) => !known.has(key)).length;
  return { unequal, duplicates: remotes.length - byKey.size };
}

function hubCustomerFacts(row: Facts): Facts {
  const { first_name, last_name, address, ...rest } = row;
  const { id: _id, ...facts } = rest;
  return { ...facts, name: `${String(first_name)} ${String(last_name)}`, line1: address };
}

function stripeCustomerFacts(one: Stripe.Customer): Facts {
  const { line1, city, state, country, postal_code } = one.address ?? {};
  return {
    name: one.name,
    email: one.email,
    phone: one.phone,
    line1,
    city,
    state,
    country,
    postal_code,
    company: one.metadata['company'],
    fax: one.metadata['fax'],
  };
}

function hubDocumentFacts(row: Facts): Facts {
  return {
    firstName: row['first_name'],
    lastName: row['last_name'],
    company: row['company'],
    email: row['email'],
    phone: row['phone'],
    city: row['city'],
    country: row['country'],
  };
}

function documentFacts({ firstName, lastName, company, email, phone, city, country }: CustomerDocument): Facts {
  return { firstName, lastName, company, email, phone, city, country };
}

function markerOf(metadata: Stripe.Metadata): string | undefined {
  const key = metadata['syncflow_key'];
  return key === undefined ? undefined : idOf(key);
}

function idOf(key: string): string {
  return (JSON.parse(key) as string[])[0] ?? '';
}

function cents(decimal: unknown): number {
  return Math.round(Number(decimal) * 100);
}
