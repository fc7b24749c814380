/** The spans that an app's SDK gets of real flows: what is one trace, what each step tells, and what none may tell. */
import * as api from '@opentelemetry/api';
import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api';
import { AlwaysOffSampler } from '@opentelemetry/sdk-trace-base';
import { afterEach, expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import { openTelemetry, type OpenTelemetry } from '../../src/tracing/otel.js';
import { createLogger, logEvents } from '../../src/server/log.js';
import type { AnyOperation, CreateOperation } from '../../src/subscriber/base.js';
import type { Outcome } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { contactCatalog, delivery, memorySide, MemorySystem, only, useStage } from '../flow/stage.js';
import { hubs } from '../setup/hub.js';
import { registerSdk, startOf, traceOf, type Traces } from './spans.js';

const embedded = hubs.find(({ name }) => /embedded/i.test(name));
const stage = useStage(embedded);
let traces: Traces | undefined;

function tracing(): Traces {
  traces = registerSdk();
  return traces;
}

afterEach(async () => {
  await traces?.end();
  traces = undefined;
});

async function twoSystems() {
  const Contact = contactCatalog();
  Contact.register(memorySide(), { as: 'a', account: 'a' });
  Contact.register(memorySide(), { as: 'b', account: 'b' });
  const [a, b] = [new MemorySystem(), new MemorySystem()];
  const world = await stage.start([Contact], { a, b });
  return { world, contacts: world.flow.catalog(Contact), a, b };
}

async function oneSystem(side = memorySide()) {
  const Contact = contactCatalog();
  Contact.register(side);
  const system = new MemorySystem();
  const world = await stage.start([Contact], { memory: system });
  await world.flow.settled();
  return { world, contacts: world.flow.catalog(Contact), system };
}

test('what is written down of its API is what the API has', () => {
  const known: OpenTelemetry = api; // compiles
  expect(openTelemetry()?.SpanKind).toEqual(known.SpanKind);
});

test('one trace leads from an app’s own span through the edit to the answers of both remotes', async () => {
  const told = tracing();
  const { world, contacts } = await twoSystems();
  await world.flow.settled();
  told.reset();
  const app = trace.getTracer('app');
  const before = Date.now();
  const ada = await app.startActiveSpan('request', async (span) => {
    const saved = await contacts.save({ name: 'Ada', email: 'canary@example.com' });
    span.end();
    return saved;
  });
  await world.flow.settled();
  const request = told.one('request');
  const outward = told.named('syncflow.outward');
  expect(outward.map((span) => span.attributes['syncflow.subscriber']).sort()).toEqual(['contact/a', 'contact/b']);
  for (const span of outward) {
    expect(traceOf(span)).toBe(traceOf(request));
    expect(span.parentSpanContext?.spanId).toBe(request.spanContext().spanId);
    expect(span.attributes).toMatchObject({
      'syncflow.catalog': 'contact',
      'syncflow.key': `["${ada.id}"]`,
      'syncflow.operation': 'create',
      'syncflow.outcome': 'settled',
      'syncflow.attempts': 0,
    });
    const steps = told.childrenOf(span);
    expect(steps.map(({ name }) => name).sort()).toEqual(['syncflow.plan', 'syncflow.push', 'syncflow.settle']);
    const push = steps.find(({ name }) => name === 'syncflow.push');
    expect(push?.kind).toBe(SpanKind.CLIENT);
    expect(push?.attributes).toMatchObject({
      'syncflow.operation': 'create',
      'syncflow.outcome': 'done',
      'syncflow.batch_size': 1,
    });
    // it begins with the edit, not with the pass
    const plan = steps.find(({ name }) => name === 'syncflow.plan');
    expect(startOf(span)).toBeGreaterThanOrEqual(before - 1);
    expect(startOf(span)).toBeLessThan(plan === undefined ? 0 : startOf(plan));
  }
});

test('whoever writes past the library begins a trace of its own, at the edit', async () => {
  const told = tracing();
  const { world, system } = await oneSystem();
  told.reset();
  await stage.db.query(`insert into contact (name) values ('Ada')`);
  await world.flow.settled();
  const [edited] = await stage.db.query<{ at: string }>(
    'select (extract(epoch from edited_at) * 1000)::text as at from syncflow.link',
  );
  const outward = told.one('syncflow.outward');
  expect(outward.parentSpanContext).toBeUndefined();
  expect(Math.abs(startOf(outward) - Number(edited?.at))).toBeLessThanOrEqual(1); // a Date has whole milliseconds
  expect(system.writes).toBe(1);
});

test('the client’s own spans belong to the call', async () => {
  const told = tracing();
  class Instrumented extends memorySide() {
    override create(operation: CreateOperation<MemoryObject>): Promise<Outcome<MemoryObject>> {
      return trace.getTracer('http').startActiveSpan('POST', async (span) => {
        const outcome = await super.create(operation);
        span.end();
        return outcome;
      });
    }
  }
  const { world, contacts } = await oneSystem(Instrumented);
  await contacts.save({ name: 'Ada' });
  await world.flow.settled();
  expect(told.one('POST').parentSpanContext?.spanId).toBe(told.one('syncflow.push').spanContext().spanId);
});

test('a call for several records is one span, linked with the trace of each', async () => {
  const told = tracing();
  const inner: string[] = [];
  class Bulk extends memorySide({ capabilities: { batchSize: 10 } }) {
    override pushMany(operations: readonly AnyOperation<MemoryObject>[]) {
      inner.push(trace.getActiveSpan()?.spanContext().spanId ?? '');
      return super.pushMany(operations);
    }
  }
  const { world } = await oneSystem(Bulk);
  told.reset();
  await stage.db.query(`insert into contact (name) values ('Ada'), ('Grace'), ('Edsger')`);
  await world.flow.settled();
  const batch = told.one('syncflow.batch');
  expect(batch.attributes['syncflow.batch_size']).toBe(3);
  expect(inner).toEqual([batch.spanContext().spanId]);
  const outward = told.named('syncflow.outward');
  expect(new Set(outward.map(traceOf)).size).toBe(3);
  const ids = (spans: readonly { spanId: string }[]): string[] => spans.map(({ spanId }) => spanId).sort();
  expect(ids(batch.links.map((one) => one.context))).toEqual(ids(outward.map((span) => span.spanContext())));
  const shares = told.named('syncflow.push');
  expect(shares.map((span) => span.links[0]?.context.spanId)).toEqual(Array(3).fill(batch.spanContext().spanId));
});

test('one trace leads from a webhook to the row, and on to the other system', async () => {
  const told = tracing();
  const { world, contacts, a, b } = await twoSystems();
  const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
  await world.flow.settled();
  const { id } = only(a);
  a.edit(id, { city: 'London' });
  told.reset();
  await world.flow.receive('a', delivery([{ id: '1', remoteId: id, kind: 'changed' }]));
  await world.flow.settled();
  expect(await contacts.get(ada.id)).toMatchObject({ city: 'London' });
  expect(only(b).values['city']).toBe('London');
  const receive = told.one('syncflow.receive');
  expect(receive.kind).toBe(SpanKind.CONSUMER);
  expect(receive.attributes).toMatchObject({ 'syncflow.account': 'a', 'syncflow.batch_size': 1, 'syncflow.fresh': 1 });
  const inward = told.one('syncflow.inward');
  expect(traceOf(inward)).toBe(traceOf(receive));
  expect(inward.parentSpanContext?.spanId).toBe(receive.spanContext().spanId);
  expect(inward.attributes).toMatchObject({
    'syncflow.subscriber': 'contact/a',
    'syncflow.key': `["${ada.id}"]`,
    'syncflow.remote_id': id,
    'syncflow.operation': 'update',
    'syncflow.outcome': 'settled',
  });
  const steps = told.childrenOf(inward).map(({ name }) => name);
  expect(steps.filter((name) => name !== 'syncflow.outward')).toEqual(['syncflow.fetch', 'syncflow.apply']);
  const passedOn = told
    .named('syncflow.outward')
    .find((span) => span.attributes['syncflow.subscriber'] === 'contact/b');
  expect(passedOn?.parentSpanContext?.spanId).toBe(inward.spanContext().spanId);
  expect(passedOn?.attributes['syncflow.operation']).toBe('update');
  expect(told.named('syncflow.route').length).toBeGreaterThan(0);
});

test('what is polled is linked with the call that brought it', async () => {
  const told = tracing();
  const { world, contacts, system } = await oneSystem();
  await contacts.save({ name: 'Ada' });
  await world.flow.sync();
  told.reset();
  system.edit(only(system).id, { city: 'Paris' });
  await world.flow.sync();
  const inward = told.one('syncflow.inward');
  const polls = told.named('syncflow.poll').map((span) => span.spanContext().spanId);
  expect(inward.parentSpanContext).toBeUndefined();
  expect(polls).toContain(inward.links[0]?.context.spanId);
});

test('a failure says its code and nothing of the record; the attempt after it says that it is one', async () => {
  const told = tracing();
  const { world, contacts, system } = await oneSystem();
  system.faults.push({ call: 'create', kind: 'refused' });
  await contacts.save({ name: 'Canary Jones', email: 'canary@example.com' });
  await world.flow.settled();
  expect(told.named('syncflow.outward').map(({ attributes }) => attributes['syncflow.outcome'])).toEqual([
    'retry',
    'settled',
  ]);
  expect(told.named('syncflow.outward').map(({ attributes }) => attributes['syncflow.attempts'])).toEqual([0, 1]);
  system.faults.push({ call: 'create', kind: 'rejected' });
  await contacts.save({ name: 'Canary Jones', email: 'canary@example.com' });
  await world.flow.settled();
  const parked = told.named('syncflow.outward').at(-1);
  expect(parked?.attributes).toMatchObject({ 'syncflow.outcome': 'parked', 'error.type': 'rejected' });
  expect(parked?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'rejected' });
  expect(told.named('syncflow.push').at(-1)?.attributes).toMatchObject({ 'syncflow.outcome': 'rejected' });
  const everything = told.spans().map(({ name, attributes, events, status }) => ({ name, attributes, events, status }));
  expect(JSON.stringify(everything)).not.toMatch(/canary/i);
});

test('an address that is a key is masked, in spans as in logs', async () => {
  const told = tracing();
  class Person extends Catalog({
    name: 'person',
    key: 'email',
    fields: { email: z.string(), name: z.string().min(1) },
  }) {}
  Person.register(memorySide({ mapping: { name: 'values.name' } }));
  const world = await stage.start([Person], { memory: new MemorySystem() });
  await world.flow.settled();
  const lines: string[] = [];
  logEvents(world.flow, createLogger({ destination: { write: (line) => lines.push(line) } }));
  await world.flow.catalog(Person).save({ email: 'canary@example.com', name: 'Ada' });
  await world.flow.settled();
  expect(told.one('syncflow.outward').attributes['syncflow.key']).toBe('["<email>"]');
  expect(lines.join('')).toContain('<email>');
  expect(lines.join('')).not.toMatch(/canary/);
});

test('a line that is logged of a record bears the ids of its span', async () => {
  const told = tracing();
  const { world, contacts } = await oneSystem();
  const lines: Record<string, unknown>[] = [];
  const logger = createLogger({ destination: { write: (line) => lines.push(JSON.parse(line) as never) } });
  logEvents(world.flow, logger);
  await contacts.save({ name: 'Ada' });
  await world.flow.settled();
  logger.info('outside of all spans');
  const outward = told.one('syncflow.outward').spanContext();
  expect(lines.find(({ event }) => event === 'pushed')).toMatchObject({
    trace_id: outward.traceId,
    span_id: outward.spanId,
  });
  expect(lines.at(-1)).not.toHaveProperty('trace_id');
});

test('a comparison is a span with what it found', async () => {
  const told = tracing();
  const { world, contacts } = await oneSystem();
  await contacts.save({ name: 'Ada' });
  await world.flow.settled();
  told.reset();
  await world.flow.verify();
  const verify = told.one('syncflow.verify');
  expect(verify.attributes).toMatchObject({
    'syncflow.subscriber': 'contact/memory',
    'syncflow.compared': 1,
    'syncflow.equal': 1,
    'syncflow.differences': 0,
  });
  expect(told.childrenOf(verify).map(({ name }) => name)).toEqual(['syncflow.list']);
  expect(world.events.filter(({ name }) => name === 'verified').map(({ event }) => event)).toMatchObject([
    { subscriber: 'contact/memory', compared: 1, equal: 1, drift: 0 },
  ]);
});

test('what the sampler leaves out is left out as a whole, and nothing of it stands in the inbox', async () => {
  traces = registerSdk(new AlwaysOffSampler());
  const { world, contacts, a } = await twoSystems();
  await contacts.save({ name: 'Ada' });
  await world.flow.settled();
  await world.flow.receive('a', delivery([{ id: '1', remoteId: only(a).id, kind: 'changed' }]));
  await world.flow.settled();
  expect(traces.spans()).toEqual([]);
  expect(await stage.db.query(`select 1 from syncflow.inbox where payload::text like '%trace%'`)).toEqual([]);
});

test('without an SDK nothing is traced, and lines have no ids', async () => {
  const { world, contacts, a } = await twoSystems();
  const lines: string[] = [];
  logEvents(world.flow, createLogger({ destination: { write: (line) => lines.push(line) } }));
  await contacts.save({ name: 'Ada' });
  await world.flow.settled();
  await world.flow.receive('a', delivery([{ id: '1', remoteId: only(a).id, kind: 'changed' }]));
  await world.flow.settled();
  expect(lines.length).toBeGreaterThan(0);
  expect(lines.join('')).not.toContain('trace_id');
  expect(await stage.db.query(`select 1 from syncflow.inbox where payload::text like '%trace%'`)).toEqual([]);
});
