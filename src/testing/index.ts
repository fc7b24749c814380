/** `syncflow/testing`: systems to test against, all of them in this process or over HTTP. Public names, listed by hand. */
export { conformance, sampleRecord, type ConformanceCheck, type ConformanceOptions } from './conformance/index.js';
export { MemorySubscriber, MemorySystem, type MemoryFault, type MemoryObject } from './memory-system/index.js';
export {
  SANDBOX_RATE_LIMIT as stripeSandboxRateLimit,
  StripeDashboard,
  StripeFaults,
  StripeSimulator,
  StripeSimulatorError,
  StripeSimulatorState,
  type DashboardParams as StripeDashboardParams,
  type DashboardResource as StripeDashboardResource,
  type FaultKind as StripeFaultKind,
  type FaultRule as StripeFaultRule,
  type LoggedRequest as StripeLoggedRequest,
  type RateLimit as StripeRateLimit,
  type StripeErrorBody,
  type StripeObjectKind,
  type StripeSimulatorOptions,
  type WebhookOptions as StripeWebhookOptions,
} from './stripe-simulator/index.js';
export {
  CouchFaults,
  CouchServer,
  type CouchFault,
  type CouchFaultKind,
  type CouchFaultScope,
  type CouchLogEntry,
  type CouchOperation,
  type CouchRequest,
  type CouchServerOptions,
} from './couchdb-server/index.js';
