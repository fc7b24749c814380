/** `plan` over random states, mappings, records and shadows: it always answers, and never beyond what is allowed. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { AnyRecord } from '../../src/catalog/catalog.js';
import { formatKey } from '../../src/catalog/key.js';
import { SyncflowError } from '../../src/errors.js';
import { pair, type ChildShadow, type Pair, type Shadow } from '../../src/merge/shadow.js';
import { plan, type Draft, type LinkState, type Plan, type PlanInput } from '../../src/outward/plan.js';
import type { CreatePolicy, DeletePolicy, Policies } from '../../src/subscriber/policy.js';
import type { MappingSpec } from '../../src/subscriber/mapping.js';
import { mappingOf, nobody } from '../merge/merge-support.js';
import { runs } from './runs.js';

const text = fc.constantFrom(null, '', 'x', 'y', 'X', ' x ');
const optional = <T>(values: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(values, { nil: undefined });

const refusing = {
  put: (hub: string | null) => {
    if (hub === 'X') throw new Error('this lens takes no X');
    return hub === null ? null : { value: hub.trim() };
  },
  get: (remote: { value?: string } | null) => remote?.value ?? null,
};
const direction = fc.constantFrom('both' as const, 'outward' as const, 'inward' as const);
const mapping = fc
  .record({
    a: fc.record({ remote: fc.constant('a'), direction }),
    b: fc.record({ remote: fc.constant('nested.b'), direction, via: fc.constantFrom(undefined, refusing) }),
    c: fc.record({ remote: fc.constant('nested.c'), direction }),
    lines: fc.record({
      remote: fc.constant('lines'),
      id: fc.constant('id'),
      marker: optional(fc.constant('marker')),
      direction,
      units: fc.constant({ text: 'text', n: 'n' }),
    }),
  })
  .chain((all) =>
    fc
      .subarray(Object.keys(all) as (keyof typeof all)[], { minLength: 1 })
      .map((names) => Object.fromEntries(names.map((name) => [name, all[name]]))),
  )
  .map((spec) => mappingOf(withoutUndefined(spec) as MappingSpec));

function withoutUndefined(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([name, item]) =>
      item === undefined ? [] : [[name, typeof item === 'object' && name !== 'via' ? withoutUndefined(item) : item]],
    ),
  );
}

const somePair: fc.Arbitrary<Pair> = fc.tuple(optional(text), optional(text)).map(([h, r]) => pair(h, r));
const pairs = fc.dictionary(fc.constantFrom('a', 'b', 'c'), somePair);
const linePairs = fc.record({ text: somePair, n: somePair }, { requiredKeys: [] });
const childShadows: fc.Arbitrary<Record<string, ChildShadow>> = fc
  .uniqueArray(fc.tuple(fc.integer({ min: 1, max: 4 }), linePairs), { selector: ([id]) => id, maxLength: 3 })
  .map((list) =>
    Object.fromEntries(list.map(([id, units]) => [formatKey([String(id)]), { id: `r${id}`, units: units }])),
  );
const shadow: fc.Arbitrary<Shadow> = fc
  .tuple(pairs, optional(childShadows))
  .map(([units, lines]) => (lines === undefined ? { units } : { units, children: { lines } }));
const lines = fc.uniqueArray(fc.record({ id: fc.integer({ min: 1, max: 4 }), text, n: text }), {
  selector: (line) => line.id,
  maxLength: 3,
});
const record: fc.Arbitrary<AnyRecord> = fc.record({ id: fc.constant(1), a: text, b: text, c: text, lines });
const policies: fc.Arbitrary<Policies> = fc.record({
  createOutward: fc.constantFrom<CreatePolicy>('propagate', 'park', 'ignore'),
  createInward: fc.constantFrom<CreatePolicy>('propagate', 'park', 'ignore'),
  deleteOutward: fc.constantFrom<DeletePolicy>('propagate', 'unlink', 'park', 'ignore'),
  deleteInward: fc.constantFrom<DeletePolicy>('propagate', 'unlink', 'park', 'ignore'),
  leave: fc.constantFrom('keep' as const, 'delete' as const),
});
const input: fc.Arbitrary<PlanInput> = fc.record({
  link: fc.record({
    state: fc.constantFrom<LinkState>('new', 'linked', 'gone', 'excluded'),
    key: optional(fc.constant('["1"]')),
    remoteId: optional(fc.constant('r1')),
    deleted: fc.boolean(),
    shadow,
  }),
  record: optional(record),
  softDeleted: fc.boolean(),
  inScope: fc.boolean(),
  policies,
  mapping,
  resolver: fc.constant(nobody),
});

/** Undefined where a lens refused: that is the lens's own error, told as `mapping`. */
function planned(one: PlanInput): Plan | undefined {
  try {
    return plan(one);
  } catch (error) {
    expect(error).toBeInstanceOf(SyncflowError);
    expect(error).toMatchObject({ code: 'mapping', message: 'b: this lens takes no X' });
    expect(one.record?.['b']).toBe('X');
    return undefined;
  }
}

const holds = (check: (one: PlanInput, next: Plan) => void, numRuns = 800): void =>
  fc.assert(
    fc.property(input, (one) => {
      const next = planned(one);
      if (next !== undefined) check(one, next);
    }),
    runs(numRuns),
  );

const isWrite = (next: Plan): next is Extract<Plan, { kind: 'create' | 'update' }> =>
  next.kind === 'create' || next.kind === 'update';

test('it follows the table in SPEC.md, row by row', () => {
  holds((one, next) => {
    expect(expectedKinds(one)).toContain(next.kind);
  });
});

/** "What `plan` decides", the first row that fits. */
function expectedKinds({
  link,
  record: row,
  softDeleted,
  inScope,
  policies: rules,
}: PlanInput): readonly Plan['kind'][] {
  const remote = link.remoteId !== undefined;
  if (link.state === 'gone') return ['nothing'];
  if (row === undefined && !remote) return ['forget'];
  if (row === undefined && !link.deleted && !softDeleted) return link.state === 'excluded' ? ['nothing'] : ['park'];
  if (row === undefined && link.state === 'excluded') return ['unlink'];
  if (row === undefined)
    return [({ propagate: 'delete', unlink: 'unlink', park: 'park', ignore: 'exclude' } as const)[rules.deleteOutward]];
  if (!inScope) return !remote || rules.leave === 'keep' ? ['exclude'] : ['delete'];
  if (!remote) return [({ propagate: 'create', park: 'park', ignore: 'exclude' } as const)[rules.createOutward]];
  if (link.state === 'excluded') return ['look'];
  return ['look', 'update', 'nothing'];
}

test('nothing is deleted without proof, nor anything written that was not seen', () => {
  holds((one, next) => {
    const left = one.record !== undefined && !one.inScope && one.policies.leave === 'delete';
    if (next.kind === 'delete') expect(one.link.deleted || one.softDeleted || left).toBe(true);
    if (next.kind === 'delete' || next.kind === 'update') expect(one.link.remoteId).toBeDefined();
    if (next.kind === 'create') expect(one.link.remoteId).toBeUndefined();
    if (next.kind === 'update')
      for (const unit of one.mapping.units) expect(one.link.shadow.units[unit.name]).toBeDefined();
  });
});

test('an inward unit is never sent, an agreed one never among the changes', () => {
  holds((one, next) => {
    if (!isWrite(next)) return;
    for (const unit of one.mapping.units) {
      const inward = unit.direction === 'inward';
      if (inward) expect(next.draft.sent).not.toHaveProperty(unit.name);
      const base = one.link.shadow.units[unit.name];
      const agreed = base?.h !== undefined && base.h === one.record?.[unit.name];
      if (next.kind === 'update' && agreed) expect(next.draft.sent).not.toHaveProperty(unit.name);
      if (next.kind === 'create' && !inward) expect(next.draft.sent).toHaveProperty(unit.name);
    }
    for (const child of one.mapping.children)
      if (child.direction === 'inward') expect(next.draft.children).not.toHaveProperty(child.name);
  });
});

test('what is sent is what the hub holds, and an update is never empty', () => {
  holds((one, next) => {
    if (!isWrite(next)) return;
    for (const [name, sent] of Object.entries(next.draft.sent)) expect(sent.h).toBe(one.record?.[name] ?? null);
    if (next.kind === 'update') expect(sizeOf(next.draft)).toBeGreaterThan(0);
  });
});

function sizeOf(draft: Draft): number {
  const ofChildren = Object.values(draft.children).map(
    ({ add, update, remove }) => add.length + update.length + remove.length,
  );
  return Object.keys(draft.sent).length + ofChildren.reduce((sum, one) => sum + one, 0);
}

test('every line of the hub and of the shadow is accounted for, once', () => {
  holds((one, next) => {
    if (!isWrite(next)) return;
    for (const child of one.mapping.children) {
      const writes = next.draft.children[child.name];
      if (writes === undefined) continue;
      const base = next.kind === 'create' ? {} : (one.link.shadow.children?.[child.name] ?? {});
      const keys = ((one.record?.['lines'] ?? []) as { id: number }[]).map(({ id }) => formatKey([String(id)]));
      const unknown = keys.filter((key) => base[key] === undefined);
      expect(writes.add.map(({ key }) => key).sort()).toEqual([...unknown].sort());
      expect(writes.remove.map(({ key }) => key).sort()).toEqual(
        Object.keys(base)
          .filter((key) => !keys.includes(key))
          .sort(),
      );
      for (const update of writes.update) {
        expect(keys).toContain(update.key);
        expect(update.remoteId).toBe(base[update.key]?.id);
      }
    }
  });
});

test('it is pure: the input is left alone, and the same input has the same plan', () => {
  holds((one) => {
    const { mapping: _mapping, resolver: _resolver, ...data } = one;
    const before = structuredClone(data);
    const first = planned(one);
    const again = planned(one);
    const { mapping: _mapping2, resolver: _resolver2, ...after } = one;
    expect(after).toEqual(before);
    expect(again).toEqual(first);
  }, 300);
});

test('what is absorbed is agreed: the plan after it is nothing', () => {
  holds((one, next) => {
    if (next.kind !== 'nothing' || next.shadow === undefined) return;
    const again = planned({ ...one, link: { ...one.link, shadow: next.shadow } });
    expect(again).toEqual({ kind: 'nothing' });
  });
});
