/** What a record becomes when somebody edits it. */
import type { AnyRecord } from '../../catalog/catalog.js';
import type { FieldInfo } from '../../catalog/fields.js';
import { limitsOf } from '../../catalog/limits.js';
import { hubText } from '../../merge/project.js';
import type { Unit } from '../../subscriber/compile.js';
import type { Bench } from './bench.js';

/** Whether a sample may change a field: choices may be steps that lead only one way, references lead elsewhere. */
function isEditable(field: FieldInfo, keys: readonly string[]): boolean {
  return (
    !keys.includes(field.name) &&
    field.references === undefined &&
    field.column.kind !== 'boolean' &&
    limitsOf(field.schema).values === undefined
  );
}

/** The record with other values in the fields of these units (all that are written, unless given). */
export function edited(bench: Bench, record: AnyRecord, units: readonly Unit[] = editableUnits(bench)): AnyRecord {
  const other = bench.record();
  const { key } = bench.options.catalog.definition;
  const fields = units.flatMap((unit) => unit.fields).filter((field) => isEditable(field, key));
  return { ...record, ...Object.fromEntries(fields.map(({ name }) => [name, other[name]])) };
}

/** Units that are written and whose sample values differ from record to record. */
export function editableUnits(bench: Bench): readonly Unit[] {
  const { key } = bench.options.catalog.definition;
  const [one, other] = [bench.record(), bench.record()];
  return bench.mapping.units.filter(
    (unit) =>
      unit.direction !== 'inward' &&
      unit.fields.some((field) => isEditable(field, key)) &&
      hubText(unit, one) !== hubText(unit, other),
  );
}

/** The record with nothing in every field that may hold nothing. */
export function emptied(bench: Bench, record: AnyRecord): AnyRecord {
  const fields = bench.mapping.units
    .filter((unit) => unit.direction !== 'inward' && unit.fields.every((field) => field.nullable))
    .flatMap((unit) => unit.fields)
    .filter((field) => field.references === undefined);
  return { ...record, ...Object.fromEntries(fields.map(({ name }) => [name, null])) };
}

/** The first child collection with one row edited, one removed and one added. */
export function withOtherLines(bench: Bench, record: AnyRecord): AnyRecord | undefined {
  const mapping = bench.mapping.children.find((child) => child.direction !== 'inward');
  if (mapping === undefined) return undefined;
  const { info, name } = mapping;
  const rows = (record[name] ?? []) as readonly AnyRecord[];
  const others = (bench.record()[name] ?? []) as readonly AnyRecord[];
  const [first, ...rest] = rows;
  const [changed, added] = others;
  if (first === undefined || rest.length === 0 || changed === undefined || added === undefined) return undefined;
  const fields = mapping.units
    .flatMap((unit) => unit.fields)
    .filter((field) => isEditable(field, [...info.key, info.parent]));
  const edit = { ...first, ...Object.fromEntries(fields.map((field) => [field.name, changed[field.name]])) };
  const parent = { [info.parent]: first[info.parent] };
  return { ...record, [name]: [edit, ...rest.slice(1), { ...added, ...parent }] };
}
