/** The pure core: what planning a record and merging its answer cost, in copies of the record. */
import { Catalog } from '../../src/catalog/catalog.js';
import { merge } from '../../src/merge/merge.js';
import { noReferences } from '../../src/merge/project.js';
import { plan } from '../../src/outward/plan.js';
import type { Shadow } from '../../src/merge/shadow.js';
import { compileMapping } from '../../src/subscriber/compile.js';
import { defaultPolicies } from '../../src/subscriber/policy.js';
import { z } from 'zod';
import { absolutesOf, row, type Benchmark } from '../harness/benchmark.js';
import type { Figures } from '../harness/statistics.js';

const figure = 'µs/record';
const own = 'plan + merge';
const floor = 'structuredClone';

const texts = ['email', 'name', 'phone', 'street', 'city', 'zip', 'country', 'company', 'language', 'note'] as const;

class Contact extends Catalog({
  name: 'contact',
  key: 'id',
  fields: {
    id: z.int(),
    age: z.int(),
    active: z.boolean(),
    ...(Object.fromEntries(texts.map((name) => [name, z.string()])) as Record<(typeof texts)[number], z.ZodString>),
  },
}) {}

export const core: Benchmark = {
  name: 'core',
  about: 'plan and merge of a record with 12 mapped fields, against a structuredClone of it; no input or output',
  needsHub: false,
  measure: async (bench) => {
    const count = bench.sized({ quick: 20_000, usual: 100_000, full: 300_000 });
    const rounds = await bench.interleave([
      { name: own, run: async () => timed(count, editAndAnswer()) },
      { name: floor, run: async () => timed(count, copy()) },
    ]);
    return {
      rows: [row(rounds, { figure, of: own, to: floor, target: { bound: 'most', value: 5 } })],
      absolutes: absolutesOf(rounds),
      notes: [`${count} records, of which one field was edited: an update is planned, and its answer merged`],
    };
  },
};

function timed(count: number, work: (n: number) => unknown): Figures {
  // whatever is made must be looked at, or the compiler leaves it out
  let kept: unknown;
  const started = performance.now();
  for (let n = 0; n < count; n++) kept = work(n);
  const ms = performance.now() - started;
  if (kept === undefined) throw new Error('nothing was made');
  return { [figure]: (ms * 1_000) / count };
}

function recordOf(n: number) {
  return {
    id: n,
    age: n % 90,
    active: n % 2 === 0,
    ...Object.fromEntries(texts.map((name) => [name, `${name} of customer number ${n}`])),
  };
}

function copy(): (n: number) => unknown {
  const records = Array.from({ length: 64 }, (_, n) => recordOf(n));
  return (n) => structuredClone(records[n % 64]);
}

function editAndAnswer(): (n: number) => unknown {
  const mapping = compileMapping('contact/crm', Contact.definition, {
    age: 'age',
    active: 'active',
    ...Object.fromEntries(texts.map((name) => [name, name])),
  });
  const resolver = noReferences;
  const cases = Array.from({ length: 64 }, (_, n) => {
    const before = recordOf(n);
    const shadow: Shadow = {
      units: Object.fromEntries(
        mapping.units.map(({ name }) => {
          const value = before[name as keyof typeof before];
          return [name, { h: String(value), r: value }];
        }),
      ),
    };
    return { shadow, record: { ...before, city: `new city ${n}` }, remote: { ...before, city: `new city ${n}` } };
  });
  return (n) => {
    const one = cases[n % 64];
    if (one === undefined) throw new Error('no case');
    const planned = plan({
      link: { state: 'linked', key: '["1"]', remoteId: 'r1', deleted: false, shadow: one.shadow },
      record: one.record,
      softDeleted: false,
      inScope: true,
      policies: defaultPolicies,
      mapping,
      resolver,
    });
    if (planned.kind !== 'update') throw new Error(`planned ${planned.kind}`);
    const { shadow, draft } = planned;
    const sent = { units: draft.sent, children: draft.sentChildren, firstHand: true, certain: true };
    const merged = merge({
      mapping,
      shadow,
      record: one.record,
      remote: one.remote,
      resolver,
      sent,
      hubEditedAt: undefined,
      remoteEditedAt: undefined,
    });
    if (merged.changesHub || merged.conflicts.length > 0) throw new Error('the answer changed the hub');
    return merged;
  };
}
