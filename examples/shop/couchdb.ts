/** How the shop's customers stand in a CRM on CouchDB. */
import { CouchSubscriber } from 'syncflow/couchdb';
import { Customer } from './catalogs.js';

/** A customer as the CRM on CouchDB keeps it. */
export interface CustomerDocument {
  readonly firstName: string;
  readonly lastName: string;
  readonly company: string | null;
  readonly email: string | null;
  readonly phone: string | null;
  readonly city: string | null;
  readonly country: string | null;
}

export class CouchCustomer extends CouchSubscriber<typeof Customer, CustomerDocument> {
  override readonly database = 'customers';
  override readonly mapping = this.map({
    first_name: 'firstName',
    last_name: 'lastName',
    company: 'company',
    email: { remote: 'email', authority: 'latest' },
    phone: { remote: 'phone', authority: 'remote' },
    city: 'city',
    country: 'country',
  });
}

Customer.register(CouchCustomer);
