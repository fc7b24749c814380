/** OpenTelemetry's SDK, as an app registers it, with the spans in memory. */
import { context, trace } from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
  type ReadableSpan,
  type Sampler,
} from '@opentelemetry/sdk-trace-base';

export interface Traces {
  /** Those that have ended so far, oldest first, without its own. */
  spans(): ReadableSpan[];
  named(name: string): ReadableSpan[];
  /** The only one of this name. */
  one(name: string): ReadableSpan;
  childrenOf(span: ReadableSpan): ReadableSpan[];
  reset(): void;
  end(): Promise<void>;
}

export function registerSdk(sampler?: Sampler): Traces {
  const exporter = new InMemorySpanExporter();
  const provider = new BasicTracerProvider({
    spanProcessors: [new SimpleSpanProcessor(exporter)],
    ...(sampler === undefined ? {} : { sampler }),
  });
  const contexts = new AsyncLocalStorageContextManager().enable();
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(contexts);
  const spans = (): ReadableSpan[] => [...exporter.getFinishedSpans()];
  const named = (name: string): ReadableSpan[] => spans().filter((span) => span.name === name);
  return {
    spans,
    named,
    one(name) {
      const [span, ...others] = named(name);
      if (span === undefined || others.length > 0) throw new Error(`there are ${named(name).length} spans ${name}`);
      return span;
    },
    childrenOf: (span) =>
      spans().filter(({ parentSpanContext }) => parentSpanContext?.spanId === span.spanContext().spanId),
    reset: () => exporter.reset(),
    async end() {
      trace.disable();
      context.disable();
      await provider.shutdown();
    },
  };
}

export const traceOf = (span: ReadableSpan): string => span.spanContext().traceId;

/** Milliseconds since the epoch. */
export const startOf = ({ startTime: [seconds, nanos] }: ReadableSpan): number => seconds * 1000 + nanos / 1e6;
