/** What happens while you watch: edits on all sides, each awaited until every system shows it. */
import type nano from 'nano';
import { formatKey } from '../catalog/key.js';
import type { CustomerDocument } from './subscribers.js';
import { Customer, Invoice } from './catalogs.js';
import type { DemoWorld } from './world.js';

export interface Scene {
  readonly what: string;
  readonly where: string;
  readonly outcome: string;
  readonly ok: boolean;
}

const keyOf = (id: number): string => formatKey([String(id)]);

/** Plays the scenes in order; each tells what came of it. */
export async function* play(world: DemoWorld): AsyncGenerator<Scene> {
  yield await editInHub(world);
  yield await editInStripe(world);
  yield await editInCouch(world);
  yield await editDifferentFields(world);
  yield await conflict(world);
  yield await invoiceLife(world);
  yield await sixtieth(world);
  yield await mistake(world);
}

async function editInHub({ flow, stripe, couch }: DemoWorld): Promise<Scene> {
  await flow.database.query(`update customer set company = 'Embraer S.A.', city = 'Campinas' where id = 1`);
  await flow.settled();
  const remote = await stripe.customers.retrieve(await stripeId(flow, 'customer', 1));
  const document = await readDocument(couch, 1);
  const ok =
    !remote.deleted &&
    remote.metadata['company'] === 'Embraer S.A.' &&
    remote.address?.city === 'Campinas' &&
    document.city === 'Campinas';
  return {
    what: 'SQL changes customer 1: company and city',
    where: 'hub → Stripe, CouchDB',
    outcome: `both show "${document.city ?? ''}"`,
    ok,
  };
}

async function editInStripe({ flow, stripe, couch }: DemoWorld): Promise<Scene> {
  await stripe.customers.update(await stripeId(flow, 'customer', 2), { email: 'leonie.koehler@surfeu.de' });
  await inwardFrom(flow, async () => (await flow.catalog(Customer).get(2))?.email === 'leonie.koehler@surfeu.de');
  const document = await readDocument(couch, 2);
  return {
    what: 'somebody changes the e-mail of customer 2 in Stripe',
    where: 'Stripe → hub → CouchDB',
    outcome: `CouchDB shows ${document.email ?? 'nothing'}`,
    ok: document.email === 'leonie.koehler@surfeu.de',
  };
}

async function editInCouch({ flow, stripe, couch }: DemoWorld): Promise<Scene> {
  await changeDocument(couch, 3, { city: 'Québec' });
  await inwardFrom(flow, async () => (await flow.catalog(Customer).get(3))?.city === 'Québec');
  const remote = await stripe.customers.retrieve(await stripeId(flow, 'customer', 3));
  const city = remote.deleted ? undefined : remote.address?.city;
  return {
    what: 'somebody changes the city of customer 3 in CouchDB',
    where: 'CouchDB → hub → Stripe',
    outcome: `Stripe shows ${city ?? 'nothing'}`,
    ok: city === 'Québec',
  };
}

async function editDifferentFields({ flow, stripe, couch }: DemoWorld): Promise<Scene> {
  await Promise.all([
    stripe.customers.update(await stripeId(flow, 'customer', 4), { email: 'bjorn.hansen@yahoo.no' }),
    changeDocument(couch, 4, { company: 'Hansen AS' }),
    flow.database.query(`update customer set phone = '+47 22 44 22 99' where id = 4`),
  ]);
  await inwardFrom(flow, async () => {
    const row = await flow.catalog(Customer).get(4);
    return row?.email === 'bjorn.hansen@yahoo.no' && row.company === 'Hansen AS';
  });
  const document = await readDocument(couch, 4);
  const ok =
    document.email === 'bjorn.hansen@yahoo.no' &&
    document.company === 'Hansen AS' &&
    document.phone === '+47 22 44 22 99';
  return {
    what: 'three fields of customer 4 are changed in three systems at once',
    where: 'all ↔ all',
    outcome: ok ? 'all three survive everywhere' : 'an edit is missing',
    ok,
  };
}

async function conflict({ flow, stripe }: DemoWorld): Promise<Scene> {
  const subscriber = 'customer/stripe';
  await flow.pause(subscriber, keyOf(5));
  await flow.catalog(Customer).save({ id: 5, phone: '+420 1111' });
  await stripe.customers.update(await stripeId(flow, 'customer', 5), { phone: '+420 2222' });
  await flow.sync();
  await flow.resume(subscriber, keyOf(5));
  await flow.sync();
  const row = await flow.catalog(Customer).get(5);
  const [logged] = (await flow.conflicts({ subscriber, key: keyOf(5) })).filter((one) => one.unit === 'phone');
  const ok = row?.phone === '+420 2222' && logged?.hub === JSON.stringify('+420 1111');
  return {
    what: 'the phone of customer 5 is changed in the hub and in Stripe at once',
    where: 'hub ⇄ Stripe',
    outcome: ok
      ? 'authority "remote" wins; the other value is in the conflict log'
      : `phone is ${row?.phone ?? 'empty'}, ${logged === undefined ? 'nothing' : 'a conflict'} logged`,
    ok,
  };
}

async function invoiceLife({ flow, stripe }: DemoWorld): Promise<Scene> {
  const id = await stripeId(flow, 'invoice', 412);
  await flow.database.query(
    `insert into invoice_line (invoice_id, product_id, unit_price, quantity) select 412, product_id, unit_price, 2 from invoice_line where invoice_id = 411 limit 1`,
  );
  await inwardFrom(
    flow,
    async () =>
      ((await flow.catalog(Invoice).get(412))?.total ?? '') === toDecimal((await stripe.invoices.retrieve(id)).total),
  );
  await flow.catalog(Invoice).save({ id: 412, status: 'open' });
  await flow.settled();
  await stripe.invoices.voidInvoice(id);
  await inwardFrom(flow, async () => (await flow.catalog(Invoice).get(412))?.status === 'void');
  const row = await flow.catalog(Invoice).get(412);
  const ok = row?.status === 'void' && row.lines.length === (await stripe.invoices.listLineItems(id)).data.length;
  return {
    what: 'draft invoice 412 gets a line, is finalized in the hub, then voided in Stripe',
    where: 'hub → Stripe → hub',
    outcome: `${row?.status ?? '?'}, total ${row?.total ?? '?'} computed by Stripe`,
    ok,
  };
}

async function sixtieth({ flow, stripe, couch }: DemoWorld): Promise<Scene> {
  const ada = await flow
    .catalog(Customer)
    .save({ first_name: 'Ada', last_name: 'Lovelace', email: 'ada@example.com', country: 'United Kingdom' });
  await flow.settled();
  const id = await stripeId(flow, 'customer', ada.id);
  const made = await stripe.customers.retrieve(id);
  await flow.catalog(Customer).delete(ada.id);
  await flow.settled();
  const gone = await stripe.customers.retrieve(id);
  const there = (await couch.use('customers').list()).rows.filter((row) => row.id.endsWith(`:${ada.id}`)).length;
  const ok = !made.deleted && gone.deleted === true && there === 0;
  return {
    what: `customer ${ada.id} is added, reaches both systems, and is deleted again`,
    where: 'hub → Stripe, CouchDB',
    outcome: ok ? 'created once, deleted in both' : 'not clean',
    ok,
  };
}

async function mistake({ flow, stripe }: DemoWorld): Promise<Scene> {
  await flow.database.query(`update customer set email = 'not an address' where id = 6`);
  await flow.settled();
  const [parked] = (await flow.parked({ subscriber: 'customer/stripe' })).filter((one) => one.key === keyOf(6));
  await flow.database.query(`update customer set email = 'hholy@gmail.com' where id = 6`);
  await flow.settled();
  const left = (await flow.parked()).length;
  const remote = await stripe.customers.retrieve(await stripeId(flow, 'customer', 6));
  const ok = parked?.code === 'validation' && left === 0 && !remote.deleted && remote.email === 'hholy@gmail.com';
  return {
    what: 'SQL writes a wrong e-mail for customer 6, then the right one',
    where: 'hub',
    outcome: `parked (${parked?.reason ?? 'not at all'}), then healed`,
    ok,
  };
}

/** Waits until an edit made elsewhere has arrived, and everything that follows from it. */
async function inwardFrom(flow: DemoWorld['flow'], arrived: () => Promise<boolean>): Promise<void> {
  for (let round = 0; round < 20; round++) {
    await flow.sync();
    if (await arrived()) return;
  }
}

/** The remote's id of a record, from its link. */
export async function stripeId(flow: DemoWorld['flow'], catalog: string, id: number): Promise<string> {
  const [row] = await flow.database.query<{ remote_id: string | null }>(
    'select remote_id from syncflow.link where subscriber = $1 and key = $2',
    [`${catalog}/stripe`, keyOf(id)],
  );
  return row?.remote_id ?? '';
}

type Document = CustomerDocument & nano.MaybeDocument & { readonly _id: string; readonly _rev: string };

async function readDocument(couch: nano.ServerScope, id: number): Promise<Document> {
  return await couch.use<CustomerDocument>('customers').get(`customer:${id}`);
}

export async function changeDocument(
  couch: nano.ServerScope,
  id: number,
  change: Partial<CustomerDocument>,
): Promise<void> {
  await couch.use<CustomerDocument>('customers').insert({ ...(await readDocument(couch, id)), ...change });
}

function toDecimal(cents: number): string {
  return `${Math.trunc(cents / 100)}.${String(cents % 100).padStart(2, '0')}`;
}
