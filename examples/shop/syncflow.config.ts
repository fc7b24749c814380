/**
 * The shop in two-way sync with Stripe and CouchDB, configured by the environment alone:
 *
 * - `STRIPE_API_KEY`; `STRIPE_BASE_URL` for a simulator (`syncflow simulator stripe`), `STRIPE_RATE` where it allows more
 *   requests a second than Stripe does
 * - `STRIPE_WEBHOOK_SECRET`, or `STRIPE_WEBHOOK_SECRETS` (two, with a comma, while one is rolled). Without any, polling alone suffices.
 * - `COUCHDB_URL`
 * - `DATABASE_URL`: `postgres://…`; a hub in a folder of its own unless given
 * - `SYNCFLOW_LEASE_MS`: how long the work of a process that died stays reserved for it
 */
import { defineConfig, SyncflowError } from 'syncflow';
import { CouchAccount } from 'syncflow/couchdb';
import { StripeAccount } from 'syncflow/stripe';
import { Customer, Invoice, Product } from './catalogs.js';
import './couchdb.js';
import './stripe.js';

const { env } = process;

function needed(name: string, example: string): string {
  const value = env[name] ?? '';
  if (value === '')
    throw new SyncflowError('config', `${name} is not set`, { hint: `For example: ${name}=${example}` });
  return value;
}

/** What is left out stays at its default. */
function number(name: string): number | undefined {
  const value = env[name] ?? '';
  if (value === '') return undefined;
  if (Number(value) > 0) return Number(value);
  throw new SyncflowError('config', `${name} must be a positive number, not "${value}"`);
}

const webhookSecrets = [env['STRIPE_WEBHOOK_SECRET'], ...(env['STRIPE_WEBHOOK_SECRETS'] ?? '').split(',')].flatMap(
  (secret) => (secret === undefined || secret.trim() === '' ? [] : [secret.trim()]),
);
const baseUrl = env['STRIPE_BASE_URL'];
const rate = number('STRIPE_RATE');
const leaseMs = number('SYNCFLOW_LEASE_MS');

export default defineConfig({
  database: env['DATABASE_URL'] ?? '.syncflow/hub',
  catalogs: [Customer, Product, Invoice],
  accounts: {
    stripe: new StripeAccount({
      apiKey: needed('STRIPE_API_KEY', 'sk_test_simulator'),
      webhookSecrets,
      ...(baseUrl === undefined || baseUrl === '' ? {} : { baseUrl }),
      ...(rate === undefined ? {} : { ratePerSecond: rate, endpointRatePerSecond: rate }),
    }),
    couchdb: new CouchAccount({ url: needed('COUCHDB_URL', 'http://127.0.0.1:15984'), createDatabases: true }),
  },
  ...(leaseMs === undefined ? {} : { leaseMs }),
  // webhooks are quick; polling finds what they missed
  pollIntervalMs: webhookSecrets.length > 0 ? 2_000 : 1_000,
});
