/** `syncflow start` in a process of its own: a worker on the given hub, of the plain customers. */
import { Syncflow } from '../../src/syncflow.js';
import { announce, givenOptions } from '../harness/remote.js';
import { Customer, PlainAccount } from '../shop/plain-customer.js';

const { database, url, batchSize, concurrency } = givenOptions<{
  database: string;
  url: string;
  batchSize: number;
  concurrency?: number;
}>();
const flow = new Syncflow({
  database,
  catalogs: [Customer],
  accounts: { plain: new PlainAccount(url, concurrency) },
  batchSize,
  backfill: false,
});
await flow.start();
announce('ready', () => flow.stop());
