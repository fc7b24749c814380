/**
 * Spans of the road. One trace leads from an edit to the remote's answer, one from a webhook to the row of the hub, each with a
 * child for a step. Where no SDK is registered nothing is kept, and almost nothing done.
 */
import type { Clock } from '../engine/environment.js';
import { openTelemetry, type OpenTelemetry, type OtelContext, type OtelSpanContext } from './otel.js';
import { errorType, Span, type Attributes } from './span.js';
import { Trails, type Trail } from './trails.js';

/** The steps that have a span: `syncflow.outward`, and so on. */
export type Step =
  | 'outward'
  | 'inward'
  | 'plan'
  | 'push'
  | 'batch'
  | 'settle'
  | 'fetch'
  | 'apply'
  | 'receive'
  | 'poll'
  | 'route'
  | 'list'
  | 'sweep'
  | 'verify';

export interface Begin {
  readonly attributes?: Attributes;
  /** `client` asks another system, `consumer` was told by one. */
  readonly kind?: 'client' | 'consumer';
  /** Where it goes on from; the active span unless given. `none`: a trace of its own. */
  readonly parent?: Span | Trail | 'none';
  readonly startedAt?: Date;
  /** Other spans that it has to do with. */
  readonly links?: readonly Span[];
}

export class Tracing {
  readonly #otel: OpenTelemetry | undefined = openTelemetry();
  readonly #clock: Clock;
  readonly #trails = new Trails();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Undefined where nobody traces. Whoever begins a span ends it. */
  begin(step: Step, { attributes, kind, parent, startedAt, links = [] }: Begin = {}): Span | undefined {
    const otel = this.#otel;
    if (otel === undefined) return undefined;
    const trail = parent === undefined || parent === 'none' || parent instanceof Span ? undefined : parent;
    const told = trail === undefined ? undefined : toldBy(trail);
    const context = this.#contextOf(otel, parent, told !== undefined && trail?.linked !== true ? told : undefined);
    const linked = [
      ...(told !== undefined && trail?.linked === true ? [told] : []),
      ...links.map((one) => one.spanContext()),
    ];
    const span = otel.trace.getTracer('syncflow').startSpan(
      `syncflow.${step}`,
      {
        kind: otel.SpanKind[kind === undefined ? 'INTERNAL' : kind === 'client' ? 'CLIENT' : 'CONSUMER'],
        ...(startedAt === undefined ? {} : { startTime: startedAt }),
        ...(linked.length === 0 ? {} : { links: linked.map((one) => ({ context: one })) }),
      },
      context,
    );
    if (!otel.isSpanContextValid(span.spanContext())) return undefined;
    const begun = new Span(otel, span, context);
    if (attributes !== undefined) begun.set(attributes);
    return begun;
  }

  #contextOf(otel: OpenTelemetry, parent: Begin['parent'], told: OtelSpanContext | undefined): OtelContext {
    if (parent === undefined) return otel.context.active();
    if (parent instanceof Span) return parent.context;
    return told === undefined ? otel.ROOT_CONTEXT : otel.trace.setSpanContext(otel.ROOT_CONTEXT, told);
  }

  /** Calls made in `work` belong to the span. An error marks it, and is thrown on. */
  async during<T>(step: Step, begin: Begin, work: (span: Span | undefined) => Promise<T>): Promise<T> {
    const span = this.begin(step, begin);
    if (span === undefined) return work(undefined);
    try {
      return await span.run(() => work(span));
    } catch (error) {
      span.fail(errorType(error));
      throw error;
    } finally {
      span.end();
    }
  }

  /** What goes on for as long as the process lives belongs to no span: not to the one in which it was started. */
  apart<T>(work: () => T): T {
    return this.#otel === undefined ? work() : this.#otel.context.with(this.#otel.ROOT_CONTEXT, work);
  }

  /** The active span, for what goes on later from here. Undefined where none is, or it is left out by the sampler. */
  here(): string | undefined {
    const otel = this.#otel;
    const active = otel?.trace.getActiveSpan();
    if (otel === undefined || active === undefined || !active.isRecording()) return undefined;
    return new Span(otel, active, otel.context.active()).traceparent;
  }

  /** A record was written here, within the active span: its passes go on from that. */
  wrote(catalog: string, key: string): void {
    const traceparent = this.here();
    if (traceparent !== undefined) this.#note(`record ${catalog} ${key}`, { traceparent });
  }

  /** An event about a remote was routed; with a key, about the record that its marker names. */
  heard(subscriber: string, { remoteId, key }: { remoteId: string; key?: string | undefined }, trail: Trail): void {
    this.#note(`remote ${subscriber} ${remoteId}`, trail);
    if (key !== undefined) this.#note(`marker ${subscriber} ${key}`, trail);
  }

  /** Where a pass over a link goes on from, if this process knows. */
  trailOf(
    subscriber: string,
    { catalog, key, remoteId }: { catalog: string; key: string | undefined; remoteId: string | undefined },
  ): Trail | undefined {
    const nowMs = this.#clock.now().getTime();
    const subjects = [
      ...(remoteId === undefined ? [] : [`remote ${subscriber} ${remoteId}`]),
      ...(key === undefined ? [] : [`marker ${subscriber} ${key}`, `record ${catalog} ${key}`]),
    ];
    for (const subject of subjects) {
      const trail = this.#trails.take(subject, subscriber, nowMs);
      if (trail !== undefined) return trail;
    }
    return undefined;
  }

  #note(subject: string, trail: Trail): void {
    this.#trails.note(subject, trail, this.#clock.now().getTime());
  }
}

/** Undefined for what isn't a trace context (it was read from the hub). */
function toldBy({ traceparent }: Trail): OtelSpanContext | undefined {
  const [, traceId, spanId, flags] = /^00-([\da-f]{32})-([\da-f]{16})-([\da-f]{2})$/.exec(traceparent) ?? [];
  if (traceId === undefined || spanId === undefined || flags === undefined) return undefined;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}
