/** What is in the remote systems, counted without Syncflow's help: nothing twice, nothing missing, nothing strange. */
import type { Shop } from '../../src/demo/chinook.js';

type Thing = Readonly<Record<string, unknown>>;

export interface RemoteState {
  readonly customer: readonly Thing[];
  readonly product: readonly Thing[];
  readonly price: readonly Thing[];
  readonly invoice: readonly Thing[];
  readonly invoiceitem: readonly Thing[];
  readonly event: readonly Thing[];
}

export interface Remotes {
  readonly stripe: RemoteState;
  readonly couch: readonly Thing[];
}

export async function readRemotes(stripeUrl: string, couchUrl: string): Promise<Remotes> {
  const stripe = (await json(`${stripeUrl}/_simulator/state`)) as RemoteState;
  const listed = (await json(`${couchUrl}/customers/_all_docs?include_docs=true`)) as { rows: { doc: Thing }[] };
  return { stripe, couch: listed.rows.map((row) => row.doc).filter((doc) => !String(doc['_id']).startsWith('_')) };
}

export async function json(url: string, init: RequestInit = {}): Promise<unknown> {
  // a connection of its own: a kept one may be closed by the other side just as a busy machine lets us use it again
  const headers = { ...(init.headers as Record<string, string> | undefined), connection: 'close' };
  const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(20_000) }).catch(
    (error: unknown) => {
      throw new Error(`${url}: ${String(error)}, ${String((error as Error).cause)}`, { cause: error });
    },
  );
  if (!response.ok) throw new Error(`${url} answered ${response.status}: ${await response.text()}`);
  return response.json();
}

/** Everything that is wrong, in words; empty when the remotes hold just what the shop has. */
export function faults(shop: Shop, { stripe, couch }: Remotes): string[] {
  const wrong: string[] = [];
  const customers = compare('Stripe customer', shop.customers, stripe.customer, marker, wrong);
  const products = compare('Stripe product', shop.products, stripe.product, marker, wrong);
  const invoices = compare('Stripe invoice', shop.invoices, stripe.invoice, marker, wrong);
  compare('CouchDB document', shop.customers, couch, (doc) => keyOf(field(doc, 'syncflow')['key']), wrong);
  const expect = (what: string, there: unknown, here: unknown): void => {
    if (there !== here) wrong.push(`${what} is ${JSON.stringify(there)}, not ${JSON.stringify(here)}`);
  };
  for (const row of shop.customers) {
    const remote = customers.get(String(row['id']));
    if (remote !== undefined) expect(`e-mail of customer ${String(row['id'])}`, remote['email'], row['email']);
  }
  // a line with a price of its own leaves an inactive one behind
  const active = stripe.price.filter((price) => price['active'] === true);
  const prices = countBy(active, (price) => String(price['product']));
  for (const row of shop.products) {
    const remote = products.get(String(row['id']));
    if (remote === undefined) continue;
    expect(`active prices of product ${String(row['id'])}`, prices.get(String(remote['id'])), 1);
    const price = stripe.price.find((one) => one['id'] === remote['default_price']);
    expect(`price of product ${String(row['id'])}`, price?.['unit_amount'], cents(row['unit_price']));
  }
  const items = countBy(stripe.invoiceitem, (item) => String(item['invoice']));
  for (const row of shop.invoices) {
    const remote = invoices.get(String(row['id']));
    if (remote === undefined) continue;
    const what = `invoice ${String(row['id'])}`;
    expect(`customer of ${what}`, remote['customer'], customers.get(String(row['customer_id']))?.['id']);
    expect(`status of ${what}`, remote['status'], row['status']);
    expect(`total of ${what}`, remote['total'], cents(row['total']));
    const lines = shop.lines.filter((line) => line['invoice_id'] === row['id']).length;
    // the invoice itself shows ten of them at most
    expect(`lines of ${what}`, items.get(String(remote['id'])) ?? 0, lines);
  }
  const astray = stripe.invoiceitem.filter((item) => item['invoice'] === null).length;
  expect('number of invoice items without an invoice', astray, 0);
  return wrong;
}

/** Counts by marker; the remotes by key. */
function compare(
  what: string,
  rows: readonly Thing[],
  remotes: readonly Thing[],
  keyOfRemote: (remote: Thing) => string | undefined,
  wrong: string[],
): Map<string, Thing> {
  const byKey = new Map<string, Thing>();
  for (const remote of remotes) {
    const key = keyOfRemote(remote);
    if (key === undefined) wrong.push(`a ${what} has no marker: ${idOf(remote)}`);
    else if (byKey.has(key))
      wrong.push(`${what} of record ${key} exists twice: ${idOf(byKey.get(key))}, ${idOf(remote)}`);
    else byKey.set(key, remote);
  }
  const keys = new Set(rows.map((row) => String(row['id'])));
  for (const key of keys) if (!byKey.has(key)) wrong.push(`${what} of record ${key} is missing`);
  for (const key of byKey.keys())
    if (!keys.has(key)) wrong.push(`${what} of record ${key}, which the hub doesn't have`);
  return byKey;
}

function countBy(things: readonly Thing[], by: (thing: Thing) => string): Map<string, number> {
  const counts = new Map<string, number>();
  for (const thing of things) counts.set(by(thing), (counts.get(by(thing)) ?? 0) + 1);
  return counts;
}

function field(thing: Thing, name: string): Thing {
  const value = thing[name];
  return typeof value === 'object' && value !== null ? (value as Thing) : {};
}

function marker(remote: Thing): string | undefined {
  return keyOf(field(remote, 'metadata')['syncflow_key']);
}

function keyOf(text: unknown): string | undefined {
  return typeof text === 'string' ? (JSON.parse(text) as string[])[0] : undefined;
}

function idOf(thing: Thing | undefined): string {
  return String(thing?.['id'] ?? thing?.['_id']);
}

function cents(decimal: unknown): number {
  return Math.round(Number(decimal) * 100);
}
