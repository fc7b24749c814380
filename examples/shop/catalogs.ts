/** A shop's main classes: customers, products, and invoices with their lines, as it has them in its own database. */
import { z } from 'zod';
import { Catalog, decimal, references } from 'syncflow';

export class Customer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: {
    id: z.int(),
    first_name: z.string().min(1),
    last_name: z.string().min(1),
    company: z.string().nullable(),
    address: z.string().nullable(),
    city: z.string().nullable(),
    state: z.string().nullable(),
    country: z.string().nullable(),
    postal_code: z.string().nullable(),
    phone: z.string().nullable(),
    fax: z.string().nullable(),
    email: z.email({ pattern: z.regexes.unicodeEmail }).nullable(),
  },
}) {}

export class Product extends Catalog({
  name: 'product',
  key: 'id',
  fields: {
    id: z.int(),
    name: z.string().min(1),
    composer: z.string().nullable(),
    unit_price: decimal(10, 2),
    currency: z.string().length(3),
  },
}) {}

export const invoiceStatuses = ['draft', 'open', 'paid', 'void', 'uncollectible'] as const;

export class Invoice extends Catalog({
  name: 'invoice',
  key: 'id',
  fields: {
    id: z.int(),
    customer_id: references(Customer),
    invoice_date: z.iso.date(),
    currency: z.string().length(3),
    status: z.enum(invoiceStatuses),
    memo: z.string().nullable(),
    total: decimal(10, 2),
  },
  children: {
    lines: {
      table: 'invoice_line',
      key: 'id',
      parent: 'invoice_id',
      fields: {
        id: z.int(),
        invoice_id: z.int(),
        product_id: references(Product),
        unit_price: decimal(10, 2),
        quantity: z.int().positive(),
      },
    },
  },
}) {}
