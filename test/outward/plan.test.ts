import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog, type AnyRecord, type CatalogClass } from '../../src/catalog/catalog.js';
import { referencesLater } from '../../src/catalog/fields.js';
import { UnresolvedReference, type Resolver } from '../../src/merge/project.js';
import { pair, type Shadow } from '../../src/merge/shadow.js';
import { dispensable, plan, type LinkState, type Plan, type PlanInput } from '../../src/outward/plan.js';
import { defaultPolicies, type CreatePolicy, type DeletePolicy } from '../../src/subscriber/policy.js';
import { compileMapping } from '../../src/subscriber/compile.js';
import { mappingOf, nobody } from '../merge/merge-support.js';

const mapping = mappingOf({ a: 'a', b: 'nested.b' });
const agreed: Shadow = { units: { a: pair('1', '1'), b: pair('2', '2') } };
const record: AnyRecord = { id: 1, a: '1', b: '2' };

function input(over: Partial<Omit<PlanInput, 'link'>> & { link?: Partial<PlanInput['link']> } = {}): PlanInput {
  const { link, ...rest } = over;
  return {
    record,
    softDeleted: false,
    inScope: true,
    policies: defaultPolicies,
    mapping,
    resolver: nobody,
    ...rest,
    link: { state: 'linked', key: '["1"]', remoteId: 'r1', deleted: false, shadow: agreed, ...link },
  };
}

describe('every state has an answer', () => {
  const states: LinkState[] = ['new', 'linked', 'gone', 'excluded'];
  const creates: CreatePolicy[] = ['propagate', 'park', 'ignore'];
  const deletes: DeletePolicy[] = ['propagate', 'unlink', 'park', 'ignore'];
  const rows = [undefined, record, { ...record, a: 'edited' }];
  const yesNo = [true, false];
  const all: PlanInput[] = states.flatMap((state) =>
    [undefined, 'r1'].flatMap((remoteId) =>
      rows.flatMap((row) =>
        yesNo.flatMap((deleted) =>
          yesNo.flatMap((softDeleted) =>
            yesNo.flatMap((inScope) =>
              [undefined, agreed].flatMap((shadow) =>
                creates.flatMap((createOutward) =>
                  deletes.flatMap((deleteOutward) =>
                    (['keep', 'delete'] as const).map((leave) =>
                      input({
                        link: { state, remoteId, deleted, shadow: shadow ?? { units: {} } },
                        record: row,
                        softDeleted,
                        inScope,
                        policies: { ...defaultPolicies, createOutward, deleteOutward, leave },
                      }),
                    ),
                  ),
                ),
              ),
            ),
          ),
        ),
      ),
    ),
  );
  const violations = (check: (one: PlanInput, next: Plan) => boolean): number =>
    all.filter((one) => !check(one, plan(one))).length;

  test(`${all.length} combinations: one of the declared kinds`, () => {
    const kinds = new Set([
      'nothing',
      'create',
      'update',
      'delete',
      'look',
      'wait',
      'park',
      'exclude',
      'unlink',
      'forget',
    ]);
    expect(violations((_, next) => kinds.has(next.kind))).toBe(0);
  });
  test('a tombstone never does anything again', () => {
    expect(violations(({ link }, next) => link.state !== 'gone' || next.kind === 'nothing')).toBe(0);
  });
  test('absent is not deleted: without a DELETE or a soft delete, or leaving the scope, nothing is deleted', () => {
    expect(
      violations(
        (one, next) =>
          next.kind !== 'delete' ||
          one.link.deleted ||
          one.softDeleted ||
          (one.record !== undefined && !one.inScope && one.policies.leave === 'delete'),
      ),
    ).toBe(0);
  });
  test('a delete and an update have a remote, a create has none', () => {
    expect(
      violations(({ link }, next) => !['delete', 'update'].includes(next.kind) || link.remoteId !== undefined),
    ).toBe(0);
    expect(violations(({ link }, next) => next.kind !== 'create' || link.remoteId === undefined)).toBe(0);
  });
  test('a record that is there is never deleted while it is in scope', () => {
    expect(violations((one, next) => one.record === undefined || !one.inScope || next.kind !== 'delete')).toBe(0);
  });
  test('policies are kept to', () => {
    expect(violations((one, next) => next.kind !== 'create' || one.policies.createOutward === 'propagate')).toBe(0);
    expect(
      violations(
        (one, next) => next.kind !== 'delete' || one.record !== undefined || one.policies.deleteOutward === 'propagate',
      ),
    ).toBe(0);
  });
  test('nothing is written for an agreed record', () => {
    expect(
      violations(
        (one, next) =>
          one.record !== record ||
          one.link.shadow !== agreed ||
          one.link.state !== 'linked' ||
          !one.inScope ||
          one.link.remoteId === undefined ||
          next.kind === 'nothing',
      ),
    ).toBe(0);
  });
  test('nothing is written to a remote that was not seen: the first load of a field looks first', () => {
    expect(violations((one, next) => Object.keys(one.link.shadow.units).length > 0 || next.kind !== 'update')).toBe(0);
  });
});

describe('drafts', () => {
  test('an update sends only what differs, and tells all', () => {
    const next = plan(input({ record: { ...record, b: 'new' } }));
    expect(next).toMatchObject({
      kind: 'update',
      draft: {
        changed: { nested: { b: 'new' } },
        values: { a: '1', nested: { b: 'new' } },
        sent: { b: pair('new', 'new') },
      },
    });
  });

  test('a value that is owed is sent although the hub didn’t change', () => {
    const shadow = { units: { a: pair(undefined, 'theirs'), b: pair('2', '2') } };
    expect(plan(input({ link: { shadow } }))).toMatchObject({ kind: 'update', draft: { changed: { a: '1' } } });
  });

  test('an edit that makes no difference to the remote is absorbed', () => {
    const rounding = mappingOf({
      a: { remote: 'a', via: { put: (hub: string) => hub.slice(0, 1), get: (remote: string) => remote } },
    });
    const next = plan(
      input({ mapping: rounding, link: { shadow: { units: { a: pair('1.1', '1') } } }, record: { id: 1, a: '1.2' } }),
    );
    expect(next).toEqual({ kind: 'nothing', shadow: { units: { a: pair('1.2', '1') } } });
  });

  test('null against absent makes no difference', () => {
    const next = plan(
      input({
        mapping: mappingOf({ a: 'a' }),
        link: { shadow: { units: { a: pair('x', undefined) } } },
        record: { id: 1, a: null },
      }),
    );
    expect(next).toEqual({ kind: 'nothing', shadow: { units: { a: pair(null, undefined) } } });
  });

  test('inward fields are never sent; one that the hub changed makes it look', () => {
    const inward = mappingOf({ a: 'a', b: { remote: 'b', direction: 'inward' } });
    const created = plan(
      input({ mapping: inward, link: { state: 'new', remoteId: undefined, shadow: { units: {} } } }),
    );
    expect(created).toMatchObject({ kind: 'create', draft: { values: { a: '1' } } });
    expect(plan(input({ mapping: inward, record: { ...record, b: 'edited' } }))).toEqual({ kind: 'look' });
  });

  test('lines: new ones are added, changed ones updated, missing ones removed', () => {
    const withLines = mappingOf({
      a: 'a',
      lines: { remote: 'lines', id: 'id', marker: 'marker', units: { text: 'text', n: 'n' } },
    });
    const line = (text: string) => ({ text: pair(text, text), n: pair(null, null) });
    const shadow: Shadow = {
      units: { a: pair('1', '1') },
      children: {
        lines: {
          '["1"]': { id: 'r1', units: line('a') },
          '["2"]': { id: 'r2', units: line('b') },
          '["3"]': { id: 'r3', units: line('c') },
        },
      },
    };
    const lines = [
      { id: 1, text: 'a', n: null },
      { id: 2, text: 'B', n: null },
      { id: 4, text: 'd', n: null },
    ];
    const next = plan(input({ mapping: withLines, link: { shadow }, record: { id: 1, a: '1', lines } }));
    expect(next).toMatchObject({
      kind: 'update',
      draft: {
        children: {
          lines: {
            add: [{ key: '["4"]', values: { text: 'd', n: null, marker: '4' } }],
            update: [{ key: '["2"]', remoteId: 'r2', changed: { text: 'B' } }],
            remove: [{ key: '["3"]', remoteId: 'r3' }],
          },
        },
      },
    });
  });

  test('a lens that refuses is told, not sent', () => {
    const refusing = mappingOf({
      a: {
        remote: 'a',
        via: {
          put: (): string => {
            throw new Error('never');
          },
          get: (remote: string) => remote,
        },
      },
    });
    const refused = input({ mapping: refusing, link: { shadow: { units: { a: pair('old', 'old') } } } });
    expect(() => plan(refused)).toThrow(expect.objectContaining({ code: 'mapping' }) as Error);
  });

  test('a throw of a reference becomes a wait', () => {
    const waiting: Resolver = { remoteId: () => undefined, key: () => undefined, knows: () => false };
    const lens = {
      put: (): string => {
        throw new UnresolvedReference('customer', { key: '["9"]' });
      },
      get: (remote: string) => remote,
    };
    const next = (): Plan =>
      plan(
        input({
          resolver: waiting,
          mapping: mappingOf({ a: { remote: 'a', via: lens } }),
          link: { state: 'new', remoteId: undefined },
        }),
      );
    // from a lens it is the lens's own error, only a declared reference waits
    expect(next).toThrow(expect.objectContaining({ code: 'mapping' }) as Error);
  });
});

describe('a reference that isn’t linked yet', () => {
  class Node extends Catalog({
    name: 'node',
    key: 'id',
    fields: {
      id: z.int(),
      name: z.string(),
      other: referencesLater((): CatalogClass => Node as never, z.int().nullable()),
      parent: referencesLater((): CatalogClass => Node as never, z.int()),
    },
  }) {}
  const nodes = compileMapping('node/test', Node.definition, { name: 'name', other: 'other', parent: 'parent' });
  const node: AnyRecord = { id: 1, name: 'A', other: 2, parent: 3 };
  const parentOnly: Resolver = {
    remoteId: (_, key) => (key === '["3"]' ? 'r3' : undefined),
    key: () => undefined,
    knows: () => false,
  };
  const fresh = { state: 'new', remoteId: undefined, shadow: { units: {} } } as const;

  test('makes a create wait; left out, it is neither sent nor agreed on', () => {
    const waits = plan(input({ mapping: nodes, record: node, resolver: parentOnly, link: fresh }));
    expect(waits).toMatchObject({ kind: 'wait', reference: { catalog: 'node', wanted: { key: '["2"]' } } });
    const without = new Set(['other']);
    const creates = plan(input({ mapping: nodes, record: node, resolver: parentOnly, link: fresh, without }));
    expect(creates).toMatchObject({
      kind: 'create',
      draft: { values: { name: 'A', parent: 'r3' }, sent: { name: {}, parent: {} } },
    });
    expect(creates.kind === 'create' && Object.keys(creates.draft.sent)).toEqual(['name', 'parent']);
  });

  test('is dispensable where every field that holds it may be empty', () => {
    const to = (key: string, catalog = 'node') => new UnresolvedReference(catalog, { key });
    expect(dispensable(nodes, node, to('["2"]'))).toEqual(['other']);
    expect(dispensable(nodes, node, to('["3"]'))).toEqual([]);
    expect(dispensable(nodes, { ...node, other: 3 }, to('["3"]'))).toEqual([]);
    expect(dispensable(nodes, node, to('["9"]'))).toEqual([]);
    expect(dispensable(nodes, node, to('["2"]', 'another'))).toEqual([]);
    expect(dispensable(nodes, node, new UnresolvedReference('node', { remoteId: 'r2' }))).toEqual([]);
  });
});
