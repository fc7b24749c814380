/** Prints the traces of an edit and of what comes back. Run it: npx tsx examples/traces/main.ts */
/* eslint-disable no-console */
import assert from 'node:assert/strict';
import { trace } from '@opentelemetry/api';
import { InMemorySpanExporter, type ReadableSpan } from '@opentelemetry/sdk-trace-base';
import { z } from 'zod';
// In a project of yours: from 'syncflow' and 'syncflow/testing'
import { Catalog, Syncflow } from '../../src/index.js';
import { MemorySubscriber, MemorySystem } from '../../src/testing/index.js';
import { startTracing } from './tracing.js';

class Customer extends Catalog({
  name: 'customer',
  key: 'id',
  fields: { id: z.int(), name: z.string().min(1), city: z.string().nullable() },
}) {}

class MemoryCustomer extends MemorySubscriber<typeof Customer> {
  override readonly mapping = this.map({ name: 'values.name', city: 'values.city' });
}
Customer.register(MemoryCustomer, { as: 'shop', account: 'shop' });
Customer.register(MemoryCustomer, { as: 'crm', account: 'crm' });

const spans = new InMemorySpanExporter(); // for a collector: new OTLPTraceExporter()
const provider = startTracing(spans);
const [shop, crm] = [new MemorySystem(), new MemorySystem()];
const flow = new Syncflow({ database: 'memory:', catalogs: [Customer], accounts: { shop, crm } });
await flow.start();
await flow.settled();

await trace.getTracer('app').startActiveSpan('sign up', async (span) => {
  await flow.catalog(Customer).save({ name: 'Ada', city: 'London' });
  span.end();
});
await flow.settled();
const [ada] = crm.objects.values();
assert(ada !== undefined);
crm.edit(ada.id, { city: 'Paris' });
await flow.sync();
await flow.stop();

await provider.forceFlush();
const finished = [...spans.getFinishedSpans()];
await provider.shutdown();
const signUp = finished.find(({ name }) => name === 'sign up');
assert(signUp !== undefined);
const trail = finished.filter((span) => span.spanContext().traceId === signUp.spanContext().traceId);
print(trail, undefined, '');
assert.equal(trail.filter(({ name }) => name === 'syncflow.push').length, 2);

function print(all: readonly ReadableSpan[], parent: string | undefined, indent: string): void {
  for (const span of all.filter(({ parentSpanContext }) => parentSpanContext?.spanId === parent)) {
    const { 'syncflow.subscriber': subscriber, 'syncflow.operation': operation } = span.attributes;
    console.log(`${indent}${[span.name, subscriber, operation].filter(Boolean).join(' ')}`);
    print(all, span.spanContext().spanId, `${indent}  `);
  }
}
