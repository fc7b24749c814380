/** What a config needs for the systems that Syncflow has a connector for. */
export interface SystemParts {
  readonly imports: string;
  readonly line: string;
  readonly env: readonly string[];
  /** What must be installed beside syncflow. */
  readonly peer: string;
}

const systems: Readonly<Record<string, SystemParts>> = {
  stripe: {
    imports: "import { StripeAccount } from 'syncflow/stripe';",
    line: `stripe: new StripeAccount({
      apiKey: process.env['STRIPE_API_KEY'] ?? '',
      ...(process.env['STRIPE_BASE_URL'] ? { baseUrl: process.env['STRIPE_BASE_URL'] } : {}),
    }),`,
    env: [
      '# a secret or restricted key; for the simulator (npx syncflow simulator stripe): sk_test_simulator and STRIPE_BASE_URL=http://127.0.0.1:12111',
      'STRIPE_API_KEY=',
    ],
    peer: 'stripe',
  },
  couchdb: {
    imports: "import { CouchAccount } from 'syncflow/couchdb';",
    line: "couchdb: new CouchAccount({ url: process.env['COUCHDB_URL'] ?? 'http://127.0.0.1:15984', createDatabases: true }),",
    env: [
      '# https://user:password@host:6984; for the stand-in (npx syncflow simulator couchdb): http://127.0.0.1:15984',
      'COUCHDB_URL=',
    ],
    peer: 'nano',
  },
};

export const knownSystems = Object.keys(systems);

export const systemParts = (system: string): SystemParts | undefined =>
  Object.hasOwn(systems, system) ? systems[system] : undefined;
