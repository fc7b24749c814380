/** The CouchDB connector does what it claims. */
import { afterAll, test } from 'vitest';
import { CouchAccount } from '../../src/connectors/couchdb/index.js';
import { conformance, CouchServer } from '../../src/testing/index.js';
import { CouchCustomer, Customer } from '../couchdb/harness.js';

const server = new CouchServer();
await server.start();
afterAll(() => server.stop());
const account = new CouchAccount({ url: server.url, createDatabases: true });

for (const { name, skip, run } of conformance({ catalog: Customer, subscriber: CouchCustomer, account }))
  test.skipIf(skip !== undefined)(name, run);
