/** The Chinook sample shop, read from CSV and written into the hub by plain SQL, as any program would. */
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import type { Database } from '../store/database.js';

export interface Shop {
  readonly customers: readonly Record<string, unknown>[];
  readonly products: readonly Record<string, unknown>[];
  readonly invoices: readonly Record<string, unknown>[];
  readonly lines: readonly Record<string, unknown>[];
}

/** Invoices from this number on are still drafts, so that there is something to finalize. */
const firstDraft = 408;

export function readChinook(folder: URL = new URL('../../data/chinook/', import.meta.url)): Shop {
  const rows = (name: string): Record<string, string>[] =>
    parse(readFileSync(new URL(`${name}.csv`, folder)), { columns: true, bom: true });
  const lines = rows('InvoiceLine').map((row) => ({
    id: Number(row['InvoiceLineId']),
    invoice_id: Number(row['InvoiceId']),
    product_id: Number(row['TrackId']),
    unit_price: row['UnitPrice'],
    quantity: Number(row['Quantity']),
  }));
  const sold = new Set(lines.map((line) => line.product_id));
  return {
    customers: rows('Customer').map(customerOf),
    products: rows('Track')
      .filter((row) => sold.has(Number(row['TrackId'])))
      .map((row) => ({
        id: Number(row['TrackId']),
        name: row['Name'],
        composer: text(row['Composer']),
        unit_price: row['UnitPrice'],
        currency: 'usd',
      })),
    invoices: rows('Invoice').map((row) => ({
      id: Number(row['InvoiceId']),
      customer_id: Number(row['CustomerId']),
      invoice_date: row['InvoiceDate']?.slice(0, 10),
      currency: 'usd',
      status: statusOf(Number(row['InvoiceId'])),
      memo: null,
      total: row['Total'],
    })),
    lines,
  };
}

function customerOf(row: Record<string, string>): Record<string, unknown> {
  return {
    id: Number(row['CustomerId']),
    first_name: row['FirstName'],
    last_name: row['LastName'],
    company: text(row['Company']),
    address: text(row['Address']),
    city: text(row['City']),
    state: text(row['State']),
    country: text(row['Country']),
    postal_code: text(row['PostalCode']),
    phone: text(row['Phone']),
    fax: text(row['Fax']),
    email: text(row['Email']),
  };
}

function statusOf(id: number): string {
  if (id >= firstDraft) return 'draft';
  return id % 10 === 0 ? 'open' : 'paid';
}

function text(value: string | undefined): string | null {
  return value === undefined || value === '' ? null : value;
}

/** Inserts whatever isn't there yet: a demo on a kept hub may be started again. */
export async function loadChinook(db: Database, shop: Shop): Promise<void> {
  const insert = async (table: string, rows: readonly Record<string, unknown>[]): Promise<void> => {
    await db.query(
      `insert into ${table} select * from json_populate_recordset(null::${table}, $1::json) on conflict do nothing`,
      [JSON.stringify(rows)],
    );
  };
  await insert('customer', shop.customers);
  await insert('product', shop.products);
  await insert('invoice', shop.invoices);
  await insert('invoice_line', shop.lines);
}
