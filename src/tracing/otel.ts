/**
 * OpenTelemetry's API, where the app has it. It is an optional peer: only the app's own copy knows the SDK that the app registered
 * (the API refuses one that an older copy brought), and who traces nothing installs nothing. So its types can't stand in ours: what
 * is used of it is written down here.
 */
import { createRequire } from 'node:module';

export interface OtelSpanContext {
  readonly traceId: string;
  readonly spanId: string;
  readonly traceFlags: number;
  readonly isRemote?: boolean;
}

export interface OtelSpan {
  spanContext(): OtelSpanContext;
  setAttribute(name: string, value: string | number | boolean): unknown;
  setStatus(status: { readonly code: number; readonly message?: string }): unknown;
  isRecording(): boolean;
  end(): void;
}

export interface OtelContext {
  getValue(key: symbol): unknown;
  setValue(key: symbol, value: unknown): OtelContext;
  deleteValue(key: symbol): OtelContext;
}

export interface OtelSpanOptions {
  readonly kind?: number;
  readonly startTime?: Date;
  readonly links?: { readonly context: OtelSpanContext }[];
}

export interface OpenTelemetry {
  readonly trace: {
    getTracer(name: string): { startSpan(name: string, options: OtelSpanOptions, context: OtelContext): OtelSpan };
    getActiveSpan(): OtelSpan | undefined;
    setSpan(context: OtelContext, span: OtelSpan): OtelContext;
    setSpanContext(context: OtelContext, told: OtelSpanContext): OtelContext;
  };
  readonly context: { active(): OtelContext; with<T>(context: OtelContext, work: () => T): T };
  readonly ROOT_CONTEXT: OtelContext;
  readonly SpanKind: { readonly INTERNAL: number; readonly CLIENT: number; readonly CONSUMER: number };
  readonly SpanStatusCode: { readonly ERROR: number };
  isSpanContextValid(context: OtelSpanContext): boolean;
}

/** Reads it anew: nothing is kept in this module. Node keeps what it has loaded. */
export function openTelemetry(): OpenTelemetry | undefined {
  try {
    return createRequire(import.meta.url)('@opentelemetry/api') as OpenTelemetry;
  } catch {
    return undefined;
  }
}

/** The ids of the span that is active, by the names that log pipelines know; empty where none is. */
export function activeIds(otel: OpenTelemetry | undefined): { readonly trace_id?: string; readonly span_id?: string } {
  const at = otel?.trace.getActiveSpan()?.spanContext();
  if (otel === undefined || at === undefined || !otel.isSpanContextValid(at)) return {};
  return { trace_id: at.traceId, span_id: at.spanId };
}
