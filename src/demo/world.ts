/** The systems around the demo's hub: simulators on this machine, or the real ones where the environment names them. */
import nano from 'nano';
import Stripe from 'stripe';
import { CouchAccount } from '../connectors/couchdb/index.js';
import { StripeAccount, stripeApiVersion, stripeEvents } from '../connectors/stripe/index.js';
import { listen, type Listening } from '../server/listen.js';
import { Syncflow } from '../syncflow.js';
import { Customer, Invoice, Product } from './catalogs.js';
import { startSimulators } from './simulators.js';
import './subscribers.js';

export interface DemoWorld {
  readonly flow: Syncflow;
  /** Somebody else's clients: edits are made in Stripe and CouchDB through these, not through Syncflow. */
  readonly stripe: Stripe;
  readonly couch: nano.ServerScope;
  readonly server: Listening;
  readonly places: readonly (readonly [string, string])[];
  /** Remote writes so far, where they can be counted. */
  writes(): Promise<number | undefined>;
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
    const stripeKey = given(env['STRIPE_API_KEY']);
    const couchUrl = given(env['COUCHDB_URL']);
    const simulators = await startSimulators({
      stripe: stripeKey === undefined,
      couchdb: couchUrl === undefined,
      ratePerSecond: loadRatePerSecond,
    });
    closers.push(() => simulators.stop());
    const stripe =
      stripeKey === undefined
        ? await simulatedStripe(simulators.stripe ?? '', `${server.url}/webhooks/stripe`)
        : realStripe(stripeKey);
    closers.push(async () => stripe.account.close());
    const couch = couchUrl ?? simulators.couchdb ?? '';
    const flow = new Syncflow({
      database,
      catalogs: [Customer, Product, Invoice],
      accounts: { stripe: stripe.account, couchdb: new CouchAccount({ url: couch, createDatabases: true }) },
      // the simulator delivers webhooks; polling is there for what they miss
      pollIntervalMs: stripe.webhooks ? 2_000 : 1_000,
    });
    running.flow = flow;
    closers.push(() => flow.stop());
    return {
      flow,
      stripe: stripe.client,
      couch: nano(couch),
      server,
      places: [
        ['hub', flow.database.description],
        ['Stripe', stripe.place],
        ['CouchDB', couchUrl === undefined ? `${couch}/customers/_all_docs?include_docs=true` : new URL(couch).host],
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
  writes(): Promise<number | undefined>;
}

function given(text: string | undefined): string | undefined {
  return text === '' ? undefined : text;
}

function realStripe(apiKey: string): OpenedStripe {
  return {
    account: new StripeAccount({ apiKey }),
    client: new Stripe(apiKey, { apiVersion: stripeApiVersion }),
    place: 'api.stripe.com, by polling',
    webhooks: false,
    writes: () => Promise.resolve(undefined),
  };
}

async function simulatedStripe(url: string, webhookUrl: string): Promise<OpenedStripe> {
  const apiKey = 'sk_test_simulator';
  const { hostname: host, port } = new URL(url);
  const client = new Stripe(apiKey, { apiVersion: stripeApiVersion, host, port: Number(port), protocol: 'http' });
  const endpoint = await client.webhookEndpoints.create({
    url: webhookUrl,
    enabled_events: [...stripeEvents],
    api_version: stripeApiVersion,
  });
  const account = new StripeAccount({
    apiKey,
    webhookSecrets: [endpoint.secret ?? ''],
    baseUrl: url,
    ratePerSecond: loadRatePerSecond,
    endpointRatePerSecond: loadRatePerSecond,
  });
  const writes = async (): Promise<number> => {
    const counts = (await (await fetch(`${url}/_simulator/counts`)).json()) as { readonly writes: number };
    return counts.writes;
  };
  return {
    account,
    client,
    place: `${url} (simulator; its state: ${url}/_simulator/counts)`,
    webhooks: true,
    writes,
  };
}
