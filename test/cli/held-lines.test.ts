/** Lines of invoices that the brake holds, taken back at the command line. */
import { afterAll, expect, test } from 'vitest';
import { hasPostgres, TestPostgres } from '../setup/hub.js';
import { StripeSimulator } from '../../src/testing/index.js';
import { begin, finish, Folders, root } from './support.js';

const folders = new Folders();
afterAll(() => folders.remove());

const config = (database: string, stripe: string): string => `
import { minorUnitsDecimal } from 'syncflow';
import { StripeAccount, StripeCustomerSubscriber, StripeInvoiceSubscriber, StripeProductSubscriber } from 'syncflow/stripe';
import { Customer, Invoice, Product } from '${root}examples/shop/catalogs.ts';

class StripeCustomer extends StripeCustomerSubscriber<typeof Customer> {
  override readonly mapping = this.map({ email: 'email' });
}
class StripeProduct extends StripeProductSubscriber<typeof Product> {
  override readonly mapping = this.map({ name: 'name' });
}
class StripeInvoice extends StripeInvoiceSubscriber<typeof Invoice> {
  override readonly mapping = this.map({
    customer_id: 'customer',
    currency: 'currency',
    lines: {
      remote: 'lines.data',
      id: 'id',
      marker: 'metadata.syncflow_line',
      units: {
        product_id: 'pricing.price_details.product',
        unit_price: { remote: 'pricing.unit_amount_decimal', via: minorUnitsDecimal(2) },
        quantity: 'quantity',
      },
    },
  });
}
Customer.register(StripeCustomer);
Product.register(StripeProduct);
Invoice.register(StripeInvoice, { brake: { count: 50, updates: { count: 0, share: 0.1 } } });
export default {
  database: '${database}',
  catalogs: [Customer, Product, Invoice],
  accounts: { stripe: new StripeAccount({ apiKey: 'sk_test_simulator', baseUrl: '${stripe}' }) },
  wakeIntervalMs: 20,
  pollIntervalMs: 100,
};
`;

test.runIf(hasPostgres)(
  'a mass change of lines is held, and taken back: edited, removed and added ones; what can’t be says why',
  { timeout: 120_000 },
  async () => {
    const stripe = new StripeSimulator();
    await stripe.start();
    const db = await TestPostgres.create();
    const cwd = folders.make(config(db.url, stripe.url));
    const lines = () =>
      db.query('select id, invoice_id, quantity, unit_price from invoice_line order by invoice_id, id');
    const there = () => stripe.state.all('invoice').map(({ id, total }) => [id, total]);
    try {
      await finish(['migrate'], { cwd });
      await db.execute(`insert into customer (id, first_name, last_name) values (1, 'CANARY', 'X');
        insert into product (id, name, unit_price, currency) values (1, 'CANARY', 1, 'usd');
        insert into invoice (id, customer_id, invoice_date, currency, status, total)
          select i, 1, '2026-01-01', 'usd', 'draft', 0 from generate_series(1, 4) i;
        insert into invoice_line (id, invoice_id, product_id, unit_price, quantity)
          select i * 10 + j, i, 1, j, i from generate_series(1, 4) i, generate_series(1, 2) j;`);
      const start = begin(['start', '--port', '0'], { cwd });
      await start.out.until(/(?:"subscriber":"invoice\/stripe"[^\n]*"operation":"create"[\s\S]*){4}\n/);
      // the load is through: what it finds edited by then is its own, and not braked
      await expect
        .poll(() => db.query('select id from syncflow.link where due_at is not null'), { timeout: 20_000 })
        .toEqual([]);
      const agreed = [await lines(), there()];

      await db.execute(`update invoice_line set quantity = 99 where id in (11, 21);
        delete from invoice_line where invoice_id = 3;
        insert into invoice_line (id, invoice_id, product_id, unit_price, quantity) values (49, 4, 1, 9, 9);`);
      await expect.poll(async () => (await finish(['held'], { cwd })).out, { timeout: 20_000 }).toMatch(/^4 × update/);
      expect(there()).toEqual(agreed[1]);
      // one of them can't be what it was: somebody has forbidden that meanwhile
      await db.execute(
        'alter table invoice_line add constraint at_least check (invoice_id <> 2 or quantity > 50) not valid',
      );
      const first = await finish(['discard', 'invoice/stripe', '--by', 'ada'], { cwd });
      expect(first.out).toMatch(/^3 changes of invoice\/stripe taken back\n {2}2 stays held \(\d+\): .*at_least/);
      expect(first.err).toMatch(/Mend what stands in the way and discard again/);
      expect(first.code).toBe(1);
      expect((await finish(['held'], { cwd })).out).toMatch(/^1 × update/);

      await db.execute('alter table invoice_line drop constraint at_least');
      const second = await finish(['discard', 'invoice/stripe', '--by', 'ada'], { cwd });
      expect(second).toMatchObject({ code: 0, err: '', out: '1 change of invoice/stripe taken back\n' });
      expect(await lines()).toEqual(agreed[0]);
      expect((await finish(['held'], { cwd })).out).toBe('Nothing is held.\n');
      const verified = await finish(['verify', 'invoice/stripe', '--json'], { cwd });
      expect(verified.code, verified.out + verified.err).toBe(0);
      expect(there()).toEqual(agreed[1]);
      expect(start.out.text).not.toContain('CANARY');
      start.signal('SIGTERM');
      expect(await start.code).toBe(0);
    } finally {
      await db.close();
      await stripe.stop();
    }
  },
);
