/** The pages of events, metrics and codes. */
import { errorCodes } from '../../src/errors.js';
import { cureOf } from '../../src/explain/cures.js';
import { Metrics, type MetricDefinition } from '../../src/metrics/metrics.js';
import type { Member } from './declarations.js';
import { code, page, table } from './markdown.js';

export function eventsPage(record: readonly Member[], events: readonly Member[]): string {
  return page('`src/events.ts`', 'Events', [
    'What a running Syncflow tells, for logs, alarms and tests. `flow.on(name, listener)` returns a function that stops it. Events come after the commit; values of records are never in them.',
    'A *record event* has:',
    table(
      ['field', 'type', ''],
      record.map(({ name, type, about }) => [code(name), code(type), about]),
    ),
    table(
      ['event', 'when', 'fields'],
      events.map(({ name, about, type }) => [code(name), about, fieldsOf(type)]),
    ),
  ]);
}

function fieldsOf(type: string): string {
  const own = [...type.matchAll(/readonly (\w+)(\??): ([^;]+);/g)].map(([, name = '', optional = '', of = '']) =>
    code(`${name}${optional}: ${of}`),
  );
  return [...(type.startsWith('RecordEvent') ? ['those of a record event'] : []), ...own].join(', ');
}

export function metricsPage(): string {
  const { definitions } = new Metrics({
    observe: () => undefined,
    measure: () => Promise.reject(new Error('nothing is measured here')),
  });
  const rows = (type: MetricDefinition['type']): string[][] =>
    definitions
      .filter((one) => one.type === type)
      .map(({ name, labelNames, help }) => [code(name), labelNames.map(code).join(', '), help]);
  return page('`src/metrics/metrics.ts`', 'Metrics', [
    'What `GET /metrics` of the handler gives to Prometheus, and what each number says.',
    'Labels are names of subscribers, codes and operations; never keys, reasons or values of records.',
    '## Gauges',
    'Read from the hub at each scrape: the same from whichever process.',
    table(['metric', 'labels', ''], rows('gauge')),
    '## Counters',
    'Of this process, since its handler was made.',
    table(['metric', 'labels', ''], rows('counter')),
  ]);
}

/** @param plan the source in which the codes stand, each with what it means */
export function codesPage(plan: string): string {
  const parked = [...plan.matchAll(/^ {2}\| '([a-z-]+)';? \/\/ (.+)$/gm)].map(([, name = '', means = '']) => [
    code(name),
    means,
    cureOf(name),
  ]);
  if (parked.length === 0) throw new Error('the codes of ParkCode are no longer found, each with a comment');
  return page('`src/errors.ts`, `src/outward/plan.ts` and `src/explain/cures.ts`', 'Codes', [
    'What a code means that you meet in an error, in `syncflow parked` or in an event, and what to do about it.',
    '## Errors',
    'Every error that Syncflow throws is a `SyncflowError` with a `code`, a `message` (what, and where) and mostly a `hint` (what to do). In code: `errorCodes`.',
    table(
      ['code', 'means', 'what to do'],
      Object.entries(errorCodes).map(([name, { means, cure }]) => [code(name), means, cure]),
    ),
    '## Parked records',
    'Why a record was set aside. An edit on either side is tried by itself; `syncflow parked retry` tries again without one.',
    table(['code', 'means', 'what to do'], parked),
  ]);
}
