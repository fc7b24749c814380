/** A span, as the steps of the road see it. What is recorded of an error is its code: messages may quote values. */
import { sqlState } from '../store/database.js';
import { SyncflowError } from '../errors.js';
import type { OpenTelemetry, OtelContext, OtelSpan, OtelSpanContext } from './otel.js';

export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export class Span {
  readonly #otel: OpenTelemetry;
  readonly #span: OtelSpan;
  readonly context: OtelContext;
  #ended = false;

  constructor(otel: OpenTelemetry, span: OtelSpan, parent: OtelContext) {
    this.#otel = otel;
    this.#span = span;
    this.context = otel.trace.setSpan(parent, span);
  }

  spanContext(): OtelSpanContext {
    return this.#span.spanContext();
  }

  /** False where the sampler left it out: then it only hands on that decision. */
  get isRecording(): boolean {
    return this.#span.isRecording();
  }

  /** As W3C writes it. */
  get traceparent(): string {
    const { traceId, spanId, traceFlags } = this.#span.spanContext();
    return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
  }

  set(attributes: Attributes): void {
    for (const [name, value] of Object.entries(attributes))
      if (value !== undefined) this.#span.setAttribute(`syncflow.${name}`, value);
  }

  /** `type`: a code, never a message. */
  fail(type: string): void {
    this.#span.setAttribute('error.type', type);
    this.#span.setStatus({ code: this.#otel.SpanStatusCode.ERROR, message: type });
  }

  /** Calls made in `work`, and lines logged by it, belong to this span. */
  run<T>(work: () => T): T {
    return this.#otel.context.with(this.context, work);
  }

  end(): void {
    if (!this.#ended) this.#span.end();
    this.#ended = true;
  }
}

/** What may be said of an error: its code. */
export function errorType(error: unknown): string {
  if (error instanceof SyncflowError) return error.code;
  return sqlState(error) ?? (error instanceof Error ? error.name : 'unknown');
}
