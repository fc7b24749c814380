/** Public names, listed by hand. */
export { Syncflow, type SyncflowOptions } from './syncflow.js';
export type { HeldReport, RetryFilter } from './maintenance/retry.js';
export { Catalog, CatalogBase, subscribes } from './catalog/catalog.js';
export type {
  AnyRecord,
  CatalogClass,
  CatalogDefinition,
  CatalogSpec,
  Change,
  ChildSpec,
  FieldProblem,
  HubTransaction,
  KeyInput,
  KeyValue,
  Row,
  RowChange,
  RowInput,
} from './catalog/catalog.js';
export { decimal, inwardOnly, json, references, referencesLater, timestamp } from './catalog/fields.js';
export { formatKey, parseKey, showKey, type RecordKey } from './catalog/key.js';
export type { CatalogHandle, WriteOptions } from './catalog/handle.js';
export type { ColumnType, Json } from './catalog/values.js';
export { SubscriberBase } from './subscriber/base.js';
export type {
  AnyOperation,
  ChangePage,
  ChildWrites,
  CreateOperation,
  DeleteOperation,
  Delivery,
  Lane,
  ListPage,
  PartialRemote,
  Query,
  RemoteEvent,
  SubscriberContext,
  UpdateOperation,
} from './subscriber/base.js';
export { leastCapabilities, type Capabilities } from './subscriber/capabilities.js';
export {
  emptyAsNull,
  integerId,
  lens,
  minorUnits,
  minorUnitsDecimal,
  numberAsText,
  oneOf,
  twoNames,
  type Lens,
} from './subscriber/lens.js';
export type {
  Authority,
  ConflictSides,
  Direction,
  MappingSpec,
  UnitOptions,
  UnitSpec,
  ChildrenSpec,
  ValueAt,
} from './subscriber/mapping.js';
export { outcomeOfStatus, wasNeverSent } from './subscriber/http.js';
export {
  blocked,
  done,
  exists,
  found,
  gone,
  missing,
  rejected,
  retry,
  stale,
  throttled,
  unknown,
  type Outcome,
  type OutcomeKind,
  type Sight,
} from './subscriber/outcome.js';
export {
  defaultBrake,
  defaultPolicies,
  type Brake,
  type VerifySchedule,
  type CreatePolicy,
  type DeletePolicy,
  type Policies,
} from './subscriber/policy.js';
export type { RemoteSchema } from './subscriber/remote-schema.js';
export type { Finding as CheckFinding } from './check/finding.js';
export type { RegisterOptions, Registration, SubscriberClass } from './subscriber/registration.js';
export { errorCodes, SyncflowError, type ErrorCode, type ErrorContext } from './errors.js';
export type { RecordEvent, SyncflowEvents } from './events.js';
export type { Resolved, ResolveRequest } from './apply/resolution.js';
export type { DoctorReport, Finding as DoctorFinding } from './doctor/finding.js';
export type { Probe, Probing } from './subscriber/probe.js';
export type { ParkedCause } from './explain/causes.js';
export type {
  Explanation,
  OpenIntent,
  RecordReport,
  Standing,
  SubscriberReport,
  TimelineEntry,
  UnitChange,
  UnitReport,
  ValueOrigin,
  Writer,
} from './explain/explanation.js';
export type { Discarded } from './apply/discard.js';
export type { HeldChange, HeldCount } from './store/held.js';
export type { ApplyOptions, ApplyReport, PlanDecision, PlanOptions, PlanReport } from './first-load/first-load.js';
export type { LinkRequest, UnlinkRequest } from './first-load/by-hand.js';
export type { Detail as PlanDetail, Difference as PlanDifference, ItemKind } from './first-load/item.js';
export type { ItemCount, ItemDecision, PlanItem, PlanState } from './store/plans.js';
export type { DescribedItem, PlanSide } from './first-load/sides.js';
export type { Difference, DriftCause, DriftCount, RepairStep } from './maintenance/drift.js';
export type { VerifyOptions, VerifyReport } from './maintenance/verify.js';
export type { ConflictRow, ParkedRecord, SubscriberStatus } from './store/overview.js';
export type { ParkCode } from './outward/plan.js';
export type { RetryOptions } from './outward/retry.js';
export type { Clock } from './engine/environment.js';
export { defineConfig, type SyncflowConfig } from './cli/define-config.js';
export type { Handler, HttpOptions } from './server/handler.js';
export { listen, type Listening, type ListenOptions } from './server/listen.js';
export type { Database, Queryable, SqlValue, Statement, TransactionOptions } from './store/database.js';
export { openDatabase } from './store/open.js';
export { PostgresDatabase, type PostgresOptions } from './store/postgres.js';
export { EmbeddedDatabase, type EmbeddedOptions } from './store/embedded.js';
