/**
 * Types of `import … from 'syncflow'` inside this repository, where the package isn't installed and may not be built.
 * (The command line gives a config its own modules.) A project that has installed the package needs no such file.
 */
declare module 'syncflow' {
  export const Catalog: typeof import('../../src/index.js').Catalog;
  export const SyncflowError: typeof import('../../src/index.js').SyncflowError;
  export const decimal: typeof import('../../src/index.js').decimal;
  export const defineConfig: typeof import('../../src/index.js').defineConfig;
  export const minorUnits: typeof import('../../src/index.js').minorUnits;
  export const minorUnitsDecimal: typeof import('../../src/index.js').minorUnitsDecimal;
  export const references: typeof import('../../src/index.js').references;
  export const twoNames: typeof import('../../src/index.js').twoNames;
}

declare module 'syncflow/couchdb' {
  export const CouchAccount: typeof import('../../src/connectors/couchdb/index.js').CouchAccount;
  export const CouchSubscriber: typeof import('../../src/connectors/couchdb/index.js').CouchSubscriber;
}

declare module 'syncflow/stripe' {
  export const StripeAccount: typeof import('../../src/connectors/stripe/index.js').StripeAccount;
  export const StripeCustomerSubscriber: typeof import('../../src/connectors/stripe/index.js').StripeCustomerSubscriber;
  export const StripeInvoiceSubscriber: typeof import('../../src/connectors/stripe/index.js').StripeInvoiceSubscriber;
  export const StripeProductSubscriber: typeof import('../../src/connectors/stripe/index.js').StripeProductSubscriber;
}
