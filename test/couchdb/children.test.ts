import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { CouchSubscriber } from '../../src/connectors/couchdb/index.js';
import type { AnyOperation } from '../../src/subscriber/base.js';
import { contextOf, Customer, CouchCustomer, create, update, world, type Doc } from './harness.js';

class Invoice extends Catalog({
  name: 'invoice',
  key: 'id',
  fields: { id: z.int(), number: z.string() },
  children: {
    lines: {
      table: 'line',
      key: 'id',
      parent: 'invoice_id',
      fields: { id: z.int(), invoice_id: z.int(), text: z.string() },
    },
  },
}) {}

interface InvoiceDoc {
  readonly no: string;
  readonly rows: { readonly id: string; readonly label: string; readonly extra?: string }[];
}

class CouchInvoice extends CouchSubscriber<typeof Invoice, InvoiceDoc> {
  override readonly database = 'customers';
  override readonly mapping = this.map({ number: 'no', lines: { remote: 'rows', id: 'id', units: { text: 'label' } } });
}

type InvoiceOperation = AnyOperation<InvoiceDoc & { _id: string; _rev: string }>;

describe('child rows', () => {
  it('live in an array of their parent: added, changed and removed by their ids, the rest kept', async () => {
    const { account, db } = await world();
    const subscriber = new CouchInvoice({ ...contextOf(account), id: `${Invoice.definition.name}/couchdb` });
    const none = { add: [], update: [], remove: [] };
    const add = [
      { key: '["1"]', values: { label: 'one' } },
      { key: '["2"]', values: { label: 'two' } },
    ];
    const first = {
      ...create(1, {}),
      values: { no: 'A' },
      children: { lines: { ...none, add } },
    } as unknown as InvoiceOperation;
    expect((await subscriber.push(first)).kind).toBe('done');
    const made = (await db.get('invoice:1')) as unknown as InvoiceDoc & { _id: string; _rev: string };
    expect(made.rows).toEqual([
      { id: '1', label: 'one' },
      { id: '2', label: 'two' },
    ]);
    expect((await subscriber.push({ ...first, resumed: true } as InvoiceOperation)).kind).toBe('done');
    await db.insert({ ...made, rows: made.rows.map((row) => ({ ...row, extra: 'mine' })) });
    const now = await db.get('invoice:1');
    const lines = {
      add: [{ key: '["3"]', values: { label: 'three' } }],
      update: [{ key: '["2"]', remoteId: '2', values: { label: 'TWO' }, changed: { label: 'TWO' } }],
      remove: [{ key: '["1"]', remoteId: '1' }],
    };
    const second = { ...update(now, {}), children: { lines } } as unknown as InvoiceOperation;
    for (const resumed of [false, true]) {
      expect((await subscriber.push({ ...second, resumed } as InvoiceOperation)).kind).toBe('done');
      expect((await db.get('invoice:1')) as unknown).toMatchObject({
        no: 'A',
        rows: [
          { id: '2', label: 'TWO', extra: 'mine' },
          { id: '3', label: 'three' },
        ],
      });
    }
  });
});

describe('types', () => {
  it('refuse a mapping that does not fit', () => {
    class WrongKey extends CouchSubscriber<typeof Customer, { readonly name: string }> {
      override readonly database = 'x';
      // @ts-expect-error the remote has no "nam"
      override readonly mapping = this.map({ first_name: 'nam' });
    }
    class WrongField extends CouchSubscriber<typeof Customer, { readonly name: string }> {
      override readonly database = 'x';
      // @ts-expect-error the catalog has no field "frist_name"
      override readonly mapping = this.map({ frist_name: 'name' });
    }
    class WrongType extends CouchSubscriber<typeof Customer, { readonly name: number }> {
      override readonly database = 'x';
      // @ts-expect-error a text and a number need a lens
      override readonly mapping = this.map({ first_name: 'name' });
    }
    class Untyped extends CouchSubscriber<typeof Customer> {
      override readonly database = 'x';
      override readonly mapping = this.map({
        first_name: 'name',
        email: 'contact.email',
        id: { remote: '_id', direction: 'inward', via: { put: String, get: Number } },
      });
    }
    // @ts-expect-error a database must be named
    class NoDatabase extends CouchSubscriber<typeof Customer> {
      override readonly mapping = this.map({});
    }
    class WrongEditedAt extends CouchCustomer {
      // @ts-expect-error the documents have no such field
      override readonly editedAtField = 'changedAt';
    }
    const doc: Doc = { _id: 'a', _rev: '1-a', firstName: 'Ada' };
    expect(doc._rev).toBe('1-a');
    expect([WrongKey, WrongField, WrongType, Untyped, NoDatabase, WrongEditedAt].map((one) => one.system)).toEqual(
      Array(6).fill('couchdb'),
    );
    Customer.register(CouchCustomer);
    expect(Customer.registrations.map((one) => one.as)).toEqual(['couchdb']);
  });
});
