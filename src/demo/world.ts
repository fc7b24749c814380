/** The systems around the demo's hub: simulators on this machine, or the real ones where the environment names them. */
import nano from 'nano';
import Stripe from 'stripe';
import { CouchAccount } from '../connectors/couchdb/index.js';
import { StripeAccount, stripeApiVersion } from '../connectors/stripe/index.js';
import { listen, type Listening } from '../server/listen.js';
import { Syncflow } from '../syncflow.js';
import { CouchServer } from '../testing/couchdb-server/index.js';
import { StripeSimulator } from '../testing/stripe-simulator/index.js';
import { Customer, Invoice, Product } from './catalogs.js';
import './subscribers.js';

export interface DemoWorld {
  readonly flow: Syncflow;
  /** Somebody else's clients: edits are made in Stripe and CouchDB through these, not through Syncflow. */
  readonly stripe: Stripe;
  readonly couch: nano.ServerScope;
  readonly server: Listening;
  readonly places: readonly (readonly [string, string])[];
  /** Remote writes so far, where they can be counted. */
  writes(): number | undefined;
  close(): Promise<void>;
}

export interface DemoWorldOptions {
  readonly database: string;
  readonly port: number;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** Well above Stripe's own limits: the load is to be watched, not waited for. */
const loadRatePerSecond = 5_000;

export async function openWorld({ database, port, env }: DemoWorldOptions): Promise<DemoWorld> {
  const closers: (() => Promise<void>)[] = [];
  const close = async (): Promise<void> => {
    for (const one of closers.reverse()) await one();
  };
  try {
    const running: { flow?: Syncflow } = {};
    const server = await listen(
      (request) => running.flow?.handler(request) ?? Promise.resolve(new Response('starting', { status: 503 })),
      { port },
    );
    closers.push(() => server.close());
    const stripe = await openStripe(env['STRIPE_API_KEY'], `${server.url}/webhooks/stripe`, closers);
    const couch = await openCouch(env['COUCHDB_URL'], closers);
    const flow = new Syncflow({
      database,
      catalogs: [Customer, Product, Invoice],
      accounts: { stripe: stripe.account, couchdb: new CouchAccount({ url: couch.url, createDatabases: true }) },
      // the simulator delivers webhooks; polling is there for what they miss
      pollIntervalMs: stripe.webhooks ? 2_000 : 1_000,
    });
    running.flow = flow;
    closers.push(() => flow.stop());
    return {
      flow,
      stripe: stripe.client,
      couch: nano(couch.url),
      server,
      places: [
        ['hub', flow.database.description],
        ['Stripe', stripe.place],
        ['CouchDB', couch.place],
        ['webhooks', `${server.url}/webhooks/stripe`],
        ['health', `${server.url}/health`],
      ],
      writes: () => stripe.writes(),
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface OpenedStripe {
  readonly account: StripeAccount;
  readonly client: Stripe;
  readonly place: string;
  readonly webhooks: boolean;
  writes(): number | undefined;
}

async function openStripe(
  apiKey: string | undefined,
  webhookUrl: string,
  closers: (() => Promise<void>)[],
): Promise<OpenedStripe> {
  if (apiKey !== undefined && apiKey !== '') {
    const account = new StripeAccount({ apiKey });
    closers.push(async () => account.close());
    return {
      account,
      client: new Stripe(apiKey, { apiVersion: stripeApiVersion }),
      place: 'api.stripe.com, by polling',
      webhooks: false,
      writes: () => undefined,
    };
  }
  const simulator = new StripeSimulator({
    rateLimit: { perSecond: loadRatePerSecond, perEndpointPerSecond: loadRatePerSecond },
  });
  await simulator.start();
  closers.push(() => simulator.stop());
  const key = 'sk_test_simulator';
  const client = new Stripe(key, {
    apiVersion: stripeApiVersion,
    host: '127.0.0.1',
    port: simulator.port,
    protocol: 'http',
  });
  const endpoint = await client.webhookEndpoints.create({
    url: webhookUrl,
    enabled_events: ['*'],
    api_version: stripeApiVersion,
  });
  const account = new StripeAccount({
    apiKey: key,
    webhookSecrets: [endpoint.secret ?? ''],
    host: '127.0.0.1',
    port: simulator.port,
    protocol: 'http',
    ratePerSecond: loadRatePerSecond,
    endpointRatePerSecond: loadRatePerSecond,
  });
  closers.push(async () => account.close());
  const writes = (): number => simulator.state.requests.filter((one) => one.method !== 'GET').length;
  return {
    account,
    client,
    place: `${simulator.url} (simulator; its state: ${simulator.url}/_simulator/counts)`,
    webhooks: true,
    writes,
  };
}

async function openCouch(
  url: string | undefined,
  closers: (() => Promise<void>)[],
): Promise<{ url: string; place: string }> {
  if (url !== undefined && url !== '') return { url, place: new URL(url).host };
  const server = new CouchServer();
  await server.start();
  closers.push(() => server.stop());
  return { url: server.url, place: `${server.url}/customers/_all_docs?include_docs=true` };
}
