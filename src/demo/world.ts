/** The systems around the demo's hub: simulators on this machine, or the real ones where the environment names them. */
import nano from 'nano';
import Stripe from 'stripe';
import { CouchAccount } from '../connectors/couchdb/index.js';
import { StripeAccount, stripeApiVersion, stripeEvents } from '../connectors/stripe/index.js';
import { listen, type Listening } from '../server/listen.js';
import { SyncflowError } from '../errors.js';
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
  const open: {
    server?: Listening;
    simulators?: Awaited<ReturnType<typeof startSimulators>>;
    stripe?: OpenedStripe;
    flow?: Syncflow;
  } = {};
  const close = async (): Promise<void> => {
    // who sends comes before who takes in
    await open.server?.close();
    await open.flow?.stop();
    open.stripe?.account.close();
    await open.simulators?.stop();
  };
  try {
    const server = await listen(
      (request, peer) =>
        open.flow?.handler(request, peer) ?? Promise.resolve(new Response('starting', { status: 503 })),
      { port },
    );
    open.server = server;
    const stripeKey = given(env['STRIPE_API_KEY']);
    const couchUrl = given(env['COUCHDB_URL']);
    open.simulators = await startSimulators({
      stripe: stripeKey === undefined,
      couchdb: couchUrl === undefined,
      ratePerSecond: loadRatePerSecond,
    });
    const stripe =
      stripeKey === undefined
        ? await simulatedStripe(open.simulators.stripe ?? '', `${server.url}/webhooks/stripe`)
        : realStripe(stripeKey);
    open.stripe = stripe;
    const couch = couchUrl ?? open.simulators.couchdb ?? '';
    const flow = new Syncflow({
      database,
      catalogs: [Customer, Product, Invoice],
      accounts: { stripe: stripe.account, couchdb: new CouchAccount({ url: couch, createDatabases: true }) },
      // the simulator delivers webhooks; polling is there for what they miss
      pollIntervalMs: stripe.webhooks ? 2_000 : 1_000,
    });
    open.flow = flow;
    await refuseForeignLinks(flow, stripeKey === undefined || couchUrl === undefined);
    return {
      flow,
      stripe: stripe.client,
      couch: nano(couch),
      server,
      places: [
        ['dashboard', `${server.url}/dashboard/`],
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

/** A hub remembers its remotes. Those of simulators end with their process. */
async function refuseForeignLinks(flow: Syncflow, simulated: boolean): Promise<void> {
  if (!simulated) return;
  await flow.prepare();
  const [row] = await flow.database.query<{ used: boolean }>('select exists (select from syncflow.link) as used');
  if (row?.used !== true) return;
  throw new SyncflowError('config', `${flow.database.description} was synced with other systems before`, {
    hint: 'The demo starts new simulators each time: give it an empty database, or leave DATABASE_URL and --database out.',
  });
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
