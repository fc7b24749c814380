/** A catalog and mappings for tests of the pure parts: no hub, no remote. */
import { z } from 'zod';
import { Catalog, type AnyRecord } from '../../src/catalog/catalog.js';
import { decimal } from '../../src/catalog/fields.js';
import { merge, type Merged, type MergeInput } from '../../src/merge/merge.js';
import { noReferences } from '../../src/merge/project.js';
import type { Shadow } from '../../src/merge/shadow.js';
import { shadowAfter } from '../../src/apply/apply.js';
import { compileMapping, type Mapping } from '../../src/subscriber/compile.js';
import type { MappingSpec } from '../../src/subscriber/mapping.js';

export const Thing = class extends Catalog({
  name: 'thing',
  key: 'id',
  fields: {
    id: z.int(),
    a: z.string().nullable(),
    b: z.string().nullable(),
    c: z.string().nullable(),
    constructor: z.string().nullable(),
    money: decimal(10, 2).nullable(),
  },
  children: {
    lines: {
      table: 'line',
      key: 'id',
      parent: 'thing_id',
      fields: { id: z.int(), thing_id: z.int(), text: z.string().nullable(), n: z.string().nullable() },
    },
  },
}) {};

export const nobody = noReferences;

export function mappingOf(spec: MappingSpec): Mapping {
  return compileMapping('thing/test', Thing.definition, spec);
}

export function mergeOf(
  mapping: Mapping,
  sides: { shadow: Shadow; record: AnyRecord | undefined; remote: unknown } & Partial<MergeInput>,
): Merged {
  return merge({ mapping, resolver: nobody, ...sides });
}

/** What the hub and the shadow hold once a merge was applied. */
export function applied(merged: Merged, record: AnyRecord | undefined): { record: AnyRecord; shadow: Shadow } {
  const next = { ...record, ...merged.patch };
  return { record: next, shadow: shadowAfter(merged, next) };
}
