/** Whom an explanation is about: finds catalog and field from what a person typed, or says what was meant. */
import type { CatalogDefinition } from '../catalog/catalog.js';
import { showKey, type RecordKey } from '../catalog/key.js';
import type { Binding, CatalogBinding } from '../engine/binding.js';
import { didYouMean, SyncflowError } from '../errors.js';
import type { Mapping } from '../subscriber/compile.js';

export function catalogNamed(catalogs: ReadonlyMap<string, CatalogBinding>, name: string): CatalogBinding {
  const found = catalogs.get(name);
  if (found !== undefined) return found;
  throw unknownName(`there is no catalog "${name}"`, name, [...catalogs.keys()]);
}

/** Which units a field is part of, for one mapping. A collection of child rows counts as a field. */
export function isAbout(mapping: Mapping | undefined, field: string): (unit: string) => boolean {
  const names = new Set([field]);
  for (const unit of mapping?.units ?? []) {
    if (unit.fields.some((one) => one.name === field)) names.add(unit.name);
  }
  // of a child row: lines["3"].quantity
  return (unit) => names.has(unit) || unit.startsWith(`${field}[`);
}

export function checkField(catalog: CatalogBinding, bindings: readonly Binding[], field: string): void {
  const { definition } = catalog;
  const names = new Set([
    ...definition.columns.map((one) => one.name),
    ...definition.children.map((one) => one.name),
    ...bindings.flatMap(({ mapping }) => mapping.units.map((unit) => unit.name)),
  ]);
  if (!names.has(field)) throw unknownName(`${definition.name} has no field "${field}"`, field, [...names]);
}

export function nothingKnown(
  definition: CatalogDefinition,
  key: RecordKey,
  owner: { readonly subscriber: string; readonly key: RecordKey } | undefined,
): SyncflowError {
  const hint =
    owner === undefined
      ? 'No row, no link and no history is there under this key. Histories are kept for 90 days.'
      : `Did you mean ${showKey(owner.key)}? That is the id of its remote in ${owner.subscriber}.`;
  return new SyncflowError('usage', `there is no ${definition.name} ${showKey(key)}`, { hint });
}

function unknownName(message: string, given: string, names: readonly string[]): SyncflowError {
  const guess = didYouMean(given, names);
  return new SyncflowError('usage', message, {
    hint: guess === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${guess}"?`,
  });
}
