/** A small shop in sync with both simulators, with something of everything that the dashboard shows: a parked record, open conflicts, a past. */
import { alignKeySequences } from '../../src/catalog/table.js';
import { formatKey } from '../../src/catalog/key.js';
import { Customer, Invoice, Product } from '../../src/demo/catalogs.js';
import { loadChinook, readChinook, type Shop } from '../../src/demo/chinook.js';
import { openWorld, type DemoWorld } from '../../src/demo/world.js';

const customers = 14;

export async function openShop(port = 0): Promise<DemoWorld> {
  const world = await openWorld({ database: 'memory:', port, env: {} });
  const { flow } = world;
  await flow.prepare();
  await loadChinook(flow.database, smallShop());
  for (const catalog of [Customer, Product, Invoice]) await alignKeySequences(flow.database, catalog.definition);
  await flow.start();
  await flow.settled();
  await editOnAllSides(world);
  await disagree(world, 5, '+420 1111', '+420 2222');
  await disagree(world, 7, '+43 1111', '+43 2222');
  await flow.database.query(`update customer set email = 'not an address' where id in (6, 9)`);
  await flow.settled();
  return world;
}

function smallShop(): Shop {
  const shop = readChinook();
  const invoices = shop.invoices.filter((one) => Number(one['customer_id']) <= customers);
  const ids = new Set(invoices.map((one) => one['id']));
  const lines = shop.lines.filter((one) => ids.has(one['invoice_id']));
  const products = new Set(lines.map((one) => one['product_id']));
  return {
    customers: shop.customers.filter((one) => Number(one['id']) <= customers),
    products: shop.products.filter((one) => products.has(one['id'])),
    invoices,
    lines,
  };
}

const keyOf = (id: number): string => formatKey([String(id)]);

export async function stripeId({ flow }: DemoWorld, catalog: string, id: number): Promise<string> {
  const [row] = await flow.database.query<{ remote_id: string }>(
    'select remote_id from syncflow.link where subscriber = $1 and key = $2',
    [`${catalog}/stripe`, keyOf(id)],
  );
  return row?.remote_id ?? '';
}

async function editOnAllSides(world: DemoWorld): Promise<void> {
  const { flow, stripe } = world;
  await flow.database.query(`update customer set company = 'Embraer S.A.', city = 'Campinas' where id = 1`);
  await stripe.customers.update(await stripeId(world, 'customer', 2), { email: 'leonie.koehler@surfeu.de' });
  await flow.sync();
}

/** The phone is the remote's to decide; what the hub had stands in the log. */
async function disagree(world: DemoWorld, id: number, here: string, there: string): Promise<void> {
  const { flow, stripe } = world;
  await flow.pause('customer/stripe', keyOf(id));
  await flow.catalog(Customer).save({ id, phone: here });
  await stripe.customers.update(await stripeId(world, 'customer', id), { phone: there });
  await flow.sync();
  await flow.resume('customer/stripe', keyOf(id));
  await flow.sync();
}
