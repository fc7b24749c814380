/**
 * OpenTelemetry's API, where the app has it. It is an optional peer: only the app's own copy knows the SDK that the app registered
 * (the API refuses one that an older copy brought), and who traces nothing installs nothing. Types of it stay inside of this folder, for
 * ours must compile without it.
 */
import { createRequire } from 'node:module';
import type * as Api from '@opentelemetry/api';

export type OpenTelemetry = typeof Api;

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
