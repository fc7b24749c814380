/** Structured logs: one line per event of a Syncflow, without secrets, without values of records. */
import { pino, type DestinationStream, type Level, type Logger } from 'pino';
import { activeIds, openTelemetry } from '../tracing/otel.js';
import { SyncflowError, messageOf } from '../errors.js';
import type { SyncflowEvents } from '../events.js';
import type { Syncflow } from '../syncflow.js';
import type { HttpReport } from './respond.js';
import { maskKey, maskPersonal } from './redact.js';

export type { Logger } from 'pino';

export interface LogOptions {
  readonly level?: Level | 'silent';
  /** Where lines go; stdout unless given. */
  readonly destination?: DestinationStream;
}

export interface LogEventsOptions {
  /**
   * Whether the reasons of parked and retried records are logged. They are other systems' words about a record and may quote it;
   * what looks like personal data is masked, but a name can't be recognised. False unless given: `syncflow parked show` has them.
   */
  readonly reasons?: boolean;
}

/** Fields that are masked wherever a line has them, should somebody log an object whole. */
const secretFields = ['apiKey', 'apiToken', 'token', 'secret', 'webhookSecrets', 'password', 'authorization', 'cookie'];

/** Lines that are written within a span of OpenTelemetry have its `trace_id` and `span_id`. */
export function createLogger({ level = 'info', destination }: LogOptions = {}): Logger {
  const otel = openTelemetry();
  const options = {
    level,
    mixin: () => activeIds(otel),
    base: { pid: process.pid },
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ level: label }) },
    redact: { paths: secretFields.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: '***' },
    serializers: { err: errorFields },
  };
  return destination === undefined ? pino(options) : pino(options, destination);
}

/** What a log keeps of an error: never its stack's arguments, detail or query, which may hold values. */
export function errorFields(error: unknown): object {
  const code = error instanceof SyncflowError ? error.code : (error as { code?: unknown } | null)?.code;
  return {
    ...(error instanceof Error ? { type: error.name } : {}),
    ...(typeof code === 'string' ? { code } : {}),
    message: maskPersonal(messageOf(error)),
    ...(error instanceof SyncflowError && error.hint !== undefined ? { hint: maskPersonal(error.hint) } : {}),
  };
}

type Entry<N extends keyof SyncflowEvents> = readonly [
  level: Level,
  message: string,
  fields: (event: SyncflowEvents[N], options: LogEventsOptions) => object,
];

/** Only named fields are taken over: a field that an event gets one day isn't logged by accident. */
const entries: { readonly [N in keyof SyncflowEvents]: Entry<N> } = {
  pushed: ['info', 'pushed', (event) => ({ ...record(event), operation: event.operation, units: event.units })],
  applied: ['info', 'applied', (event) => ({ ...record(event), operation: event.operation, units: event.units })],
  linked: ['info', 'linked', (event) => record(event)],
  conflict: [
    'warn',
    'conflict',
    (event) => ({ ...record(event), unit: event.unit, winner: event.winner, rule: event.rule }),
  ],
  parked: [
    'warn',
    'parked',
    (event, options) => ({ ...record(event), code: event.code, ...reason(event.reason, options) }),
  ],
  held: [
    'warn',
    'held by the brake',
    (event) => ({
      subscriber: event.subscriber,
      direction: event.direction,
      operation: event.operation,
      count: event.count,
      reason: event.reason,
    }),
  ],
  verified: [
    'info',
    'verified',
    (event) => ({
      subscriber: event.subscriber,
      compared: event.compared,
      drift: event.drift,
      parked: event.parked,
      repairing: event.repairing,
      causes: event.causes,
      held: event.held,
    }),
  ],
  retention: [
    'error',
    'unread events are kept for a limited time',
    (event) => ({
      subscriber: event.subscriber,
      level: event.level,
      unreadMs: event.unreadMs,
      keptMs: event.keptMs,
    }),
  ],
  decided: [
    'info',
    'decided about held changes',
    (event) => ({ subscriber: event.subscriber, decision: event.decision, count: event.count }),
  ],
  healed: ['info', 'healed', (event) => record(event)],
  retried: [
    'info',
    'retry later',
    (event, options) => ({ ...record(event), inMs: event.inMs, ...reason(event.reason, options) }),
  ],
  blocked: [
    'error',
    'subscriber blocked',
    (event) => ({ subscriber: event.subscriber, inMs: event.inMs, reason: maskPersonal(event.reason) }),
  ],
  routed: ['debug', 'routed', (event) => ({ marks: event.marks, events: event.events })],
  error: ['error', 'engine error', (event) => ({ where: event.where, err: event.error })],
  progress: [
    'info',
    'progress',
    (event) => ({ subscriber: event.subscriber, kind: event.kind, done: event.done, total: event.total }),
  ],
};

function record(event: SyncflowEvents['linked']): object {
  const { subscriber, key, remoteId } = event;
  return {
    subscriber,
    key: key === undefined ? undefined : maskKey(key),
    remoteId: remoteId === undefined ? undefined : maskKey(remoteId),
  };
}

function reason(text: string, options: LogEventsOptions): object {
  return options.reasons === true ? { reason: maskPersonal(text) } : {};
}

/**
 * Logs what a Syncflow does; returns a function that ends it.
 *
 * @example
 * const stop = logEvents(flow, createLogger());
 */
export function logEvents(flow: Syncflow, logger: Logger, options: LogEventsOptions = {}): () => void {
  const stops = (Object.keys(entries) as (keyof SyncflowEvents)[]).map((name) => logEvent(flow, logger, name, options));
  return () => {
    for (const stop of stops) stop();
  };
}

function logEvent<N extends keyof SyncflowEvents>(
  flow: Syncflow,
  logger: Logger,
  name: N,
  options: LogEventsOptions,
): () => void {
  const [level, message, fields] = entries[name] as Entry<N>;
  return flow.on(name, (event) => logger[level]({ event: name, ...fields(event, options) }, message));
}

/** Logs what the HTTP handler refused or failed at. */
export function logHttp(logger: Logger): (report: HttpReport) => void {
  return ({ where, status, error }) =>
    logger[status >= 500 ? 'error' : 'warn']({ event: 'http', where, status, err: error }, 'request refused');
}
