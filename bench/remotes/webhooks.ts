/** A server that takes Stripe's webhooks, in a process of its own: Syncflow's handler, or stripe-sync-engine behind Fastify. */
import Fastify from 'fastify';
import { listen } from '../../src/server/listen.js';
import { Syncflow } from '../../src/syncflow.js';
import { announce, givenOptions } from '../harness/remote.js';
import { startSyncEngine } from '../rivals/sync-engine.js';
import { StripeShopCustomer, unlimitedAccount } from '../shop/stripe-customer.js';

const { who, database, url } = givenOptions<{ who: string; database: string; url: string }>();
if (who === 'Syncflow') await serveSyncflow();
else await serveEngine();

/** The worker that applies what comes in is another process's: a 2xx says that it is durable. */
async function serveSyncflow(): Promise<void> {
  const flow = new Syncflow({
    database,
    catalogs: [StripeShopCustomer],
    accounts: { stripe: unlimitedAccount(url) },
    backfill: false,
  });
  await flow.prepare();
  const server = await listen(flow.handler, { port: 0 });
  announce(`${server.url}/webhooks/stripe`, async () => {
    await server.close();
    await flow.stop();
  });
}

/** As its documentation shows it: the raw body, then `processWebhook`, then 200. */
async function serveEngine(): Promise<void> {
  const engine = await startSyncEngine({ database, stripeUrl: url, fetches: false, connections: 16 });
  const app = Fastify();
  app.addContentTypeParser('application/json', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.post('/webhooks', async (request, reply) => {
    await engine.processWebhook(request.body as Buffer, String(request.headers['stripe-signature']));
    return reply.send({ received: true });
  });
  const address = await app.listen({ port: 0, host: '127.0.0.1' });
  announce(`${address}/webhooks`, async () => {
    await app.close();
    await engine.postgresClient.close();
  });
}
