/** The typed form of a config file. */
import type { SyncflowOptions } from '../syncflow.js';

/** What a `syncflow.config.ts` may export: options, a promise of them, or a function that returns either. */
export type SyncflowConfig =
  SyncflowOptions | Promise<SyncflowOptions> | (() => SyncflowOptions | Promise<SyncflowOptions>);

/**
 * Types a config file; returns what it is given.
 *
 * @example
 * // syncflow.config.ts
 * export default defineConfig({
 *   database: process.env.DATABASE_URL ?? '.syncflow/hub',
 *   catalogs: [Customer, Invoice],
 *   accounts: { stripe: new StripeAccount({ apiKey: process.env.STRIPE_API_KEY ?? '' }) },
 * });
 */
export function defineConfig<C extends SyncflowConfig>(config: C): C {
  return config;
}
