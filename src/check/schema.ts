/** Compares a mapping with its catalog and with what the remote publishes of its objects. Pure. */
import type { FieldInfo } from '../catalog/fields.js';
import { limitsOf } from '../catalog/limits.js';
import type { TableInfo } from '../catalog/catalog.js';
import type { Binding } from '../engine/binding.js';
import { didYouMean } from '../errors.js';
import type { Unit } from '../subscriber/compile.js';
import { schemaAt, type RemoteSchema } from '../subscriber/remote-schema.js';
import type { Finding, Level } from './finding.js';

type Say = (unit: Unit | undefined, level: Level, problem: string, cure: string, fatal?: boolean) => void;

export function checkSchema(binding: Binding): Finding[] {
  const { mapping, subscriber, catalog } = binding;
  const findings: Finding[] = [];
  const saying =
    (prefix: string): Say =>
    (unit, level, problem, cure, fatal = false) => {
      const name = unit === undefined ? (prefix === '' ? undefined : prefix.slice(0, -1)) : `${prefix}${unit.name}`;
      findings.push({ subscriber: binding.id, unit: name, remote: unit?.path.join('.'), level, problem, cure, fatal });
    };
  const schema = subscriber.remoteSchema;
  checkPart({ units: mapping.units, schema, table: catalog.definition, binding }, saying(''));
  for (const child of mapping.children) {
    const at = schema === undefined ? undefined : schemaAt(schema, child.path);
    const items = at?.kind === 'known' ? at.schema.items : undefined;
    checkPart({ units: child.units, schema: items, table: child.info, binding }, saying(`${child.name}.`));
  }
  return findings;
}

interface Part {
  readonly units: readonly Unit[];
  readonly schema: RemoteSchema | undefined;
  readonly table: TableInfo;
  readonly binding: Binding;
}

function checkPart(part: Part, say: Say): void {
  unmappedFields(part, say);
  if (part.schema === undefined) return;
  unmappedRequired(part, part.schema, say);
  for (const unit of part.units) checkUnit(unit, part.schema, say);
}

/** A remote that is made there becomes a record only if the mapping gives every field that a record must have. */
function unmappedFields({ units, table, binding }: Part, say: Say): void {
  if (binding.policies.createInward !== 'propagate') return;
  const given = new Set(
    units.filter((unit) => unit.direction !== 'outward').flatMap((unit) => unit.fields.map(({ name }) => name)),
  );
  const parent = 'parent' in table ? table.parent : undefined;
  const lacking = table.columns.filter(
    (field) => !field.optional && !table.key.includes(field.name) && field.name !== parent && !given.has(field.name),
  );
  if (lacking.length > 0)
    say(
      undefined,
      'warning',
      `a remote that is made there can't become a record: nothing gives ${lacking.map(({ name }) => `"${name}"`).join(', ')}`,
      "Map it, give it a default, or set createInward: 'ignore'.",
    );
}

function unmappedRequired({ units, binding }: Part, schema: RemoteSchema, say: Say): void {
  if (binding.policies.createOutward !== 'propagate') return;
  const written = units.filter((unit) => unit.direction !== 'inward');
  for (const name of schema.required ?? []) {
    const mapped = written.filter((unit) => unit.path[0] === name);
    if (mapped.length === 0)
      say(
        undefined,
        'error',
        `"${name}" is required there, and nothing is mapped to it: every create is refused`,
        `Map a field to "${name}".`,
      );
    else if (mapped.every((unit) => unit.fields.every((field) => field.nullable)))
      say(
        mapped[0],
        'warning',
        'it is required there, and may be null here: such a record is refused',
        'Make the field required, or leave such records out with where(record).',
      );
  }
}

function checkUnit(unit: Unit, schema: RemoteSchema, say: Say): void {
  const at = schemaAt(schema, unit.path);
  if (at.kind === 'unknown') return;
  if (at.kind === 'absent') {
    const guess = didYouMean(at.name, at.known);
    say(
      unit,
      'error',
      `the remote has no "${at.name}"`,
      guess === undefined ? 'Is it another version of the system?' : `Did you mean "${guess}"?`,
    );
    return;
  }
  if (unit.direction !== 'inward') {
    if (at.writable === 'never' && at.unnamed !== undefined) {
      const guess = didYouMean(at.unnamed.name, at.unnamed.known);
      say(
        unit,
        'error',
        `nothing called "${at.unnamed.name}" can be written there: every write is refused`,
        guess === undefined
          ? "Does only the system write it? Give the unit direction: 'inward'."
          : `Did you mean "${guess}"? If only the system writes it: direction: 'inward'.`,
        true,
      );
    } else if (at.writable === 'never')
      say(
        unit,
        'error',
        'only the system writes it: every write is refused',
        "Give the unit direction: 'inward'.",
        true,
      );
    if (at.writable === 'create')
      say(
        unit,
        'note',
        'it can’t be changed once the remote is there: an edit is refused',
        'Keep it as it is, or make a new record.',
      );
  }
  if (
    unit.direction !== 'outward' &&
    at.schema.nullable === true &&
    !unit.lensed &&
    unit.fields.every((field) => !field.optional)
  )
    say(
      unit,
      'warning',
      'it may be empty there, and not here: such a remote is parked',
      'Make the field nullable, or give a lens.',
    );
  const [field, ...more] = unit.fields;
  if (unit.lensed || unit.reference !== undefined || field === undefined || more.length > 0) return;
  checkType(unit, field, at.schema, say);
  checkChoices(unit, field, at.schema, say);
  checkLength(unit, field, at.schema, say);
}

const jsonTypes: Readonly<Record<string, readonly string[]>> = {
  integer: ['integer', 'number'],
  float: ['number'],
  boolean: ['boolean'],
  json: ['object', 'array', 'string', 'number', 'integer', 'boolean'],
};

function checkType(unit: Unit, { column }: FieldInfo, { type }: RemoteSchema, say: Say): void {
  if (type === undefined) return;
  const mine = jsonTypes[column.kind] ?? ['string'];
  if (column.kind === 'bigint')
    say(unit, 'error', `a bigint can't be sent as ${type}`, 'Give a lens: via: lens(String, BigInt).');
  else if (!mine.includes(type))
    say(
      unit,
      'error',
      `it is ${type} there, and ${mine[0] ?? ''} here (${column.kind})`,
      cureOfType(type, column.kind),
    );
}

function cureOfType(type: string, kind: string): string {
  if (type === 'integer' && kind === 'decimal') return 'Give a lens with via: minorUnits(2).';
  if (type === 'string' && (kind === 'integer' || kind === 'float')) return 'Give a lens with via: numberAsText.';
  return 'Give a lens with via: lens(put, get).';
}

function checkChoices(unit: Unit, field: FieldInfo, { enum: theirs }: RemoteSchema, say: Say): void {
  if (theirs === undefined) return;
  const mine = limitsOf(field.schema).values?.map(String);
  if (mine === undefined) {
    if (unit.direction !== 'inward')
      say(unit, 'note', `it takes only ${theirs.join(', ')}, and any text here`, 'Make the field z.enum([…]).');
    return;
  }
  const refused = mine.filter((value) => !theirs.includes(value));
  if (refused.length > 0 && unit.direction !== 'inward')
    say(
      unit,
      refused.length === mine.length ? 'error' : 'warning',
      `it doesn't take ${refused.join(', ')} (only ${theirs.join(', ')})`,
      'Rename them with a lens: via: oneOf({ … }).',
    );
  const unknown = theirs.filter((value) => !mine.includes(value));
  if (unknown.length > 0 && unit.direction !== 'outward')
    say(
      unit,
      'warning',
      `${unknown.join(', ')} may come from there, and the field doesn't take it: parked`,
      'Add it to the field, or give a lens.',
    );
}

function checkLength(unit: Unit, field: FieldInfo, { maxLength }: RemoteSchema, say: Say): void {
  if (maxLength === undefined || unit.direction === 'inward' || field.column.kind !== 'text') return;
  const { maxLength: mine, values } = limitsOf(field.schema);
  if (values !== undefined) return;
  if (mine === undefined)
    say(
      unit,
      'note',
      `it takes up to ${maxLength} characters, and any length here`,
      `Give the field .max(${maxLength}).`,
    );
  else if (mine > maxLength)
    say(
      unit,
      'warning',
      `it takes up to ${maxLength} characters, and up to ${mine} here: longer ones are refused`,
      `Give the field .max(${maxLength}).`,
    );
}
