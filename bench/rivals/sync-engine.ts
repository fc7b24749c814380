/** @supabase/stripe-sync-engine, as its README sets it up. */
import { createRequire } from 'node:module';
import type { StripeSync } from '@supabase/stripe-sync-engine';
import { apiKey, webhookSecret } from '../shop/stripe-customer.js';

export interface SyncEngineOptions {
  readonly database: string;
  /** Where Stripe is; the engine makes its SDK itself, so its host is set afterwards. */
  readonly stripeUrl: string;
  /** Read each object from Stripe instead of taking it from the payload. */
  readonly fetches: boolean;
  readonly connections: number;
}

export async function startSyncEngine(options: SyncEngineOptions): Promise<StripeSync> {
  // its ES module can't find its own migrations, and says so to nobody
  const load = createRequire(import.meta.url) as (name: string) => typeof import('@supabase/stripe-sync-engine');
  const { StripeSync: Engine, runMigrations } = load('@supabase/stripe-sync-engine');
  await runMigrations({ databaseUrl: options.database, schema: 'stripe' });
  const engine = new Engine({
    poolConfig: { connectionString: options.database, max: options.connections },
    stripeSecretKey: apiKey,
    stripeWebhookSecret: webhookSecret,
    ...(options.fetches ? { revalidateObjectsViaStripeApi: ['customer'] } : {}),
  });
  // a connection that the drop of its database ends
  engine.postgresClient.pool.on('error', () => undefined);
  const { hostname, port } = new URL(options.stripeUrl);
  // its SDK has no option for the address of a test server
  Object.assign((engine.stripe as { _api?: object })._api ?? {}, { host: hostname, port, protocol: 'http' });
  return engine;
}
