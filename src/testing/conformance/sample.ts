/** Records made up from a catalog's schema, for tests. */
import type { AnyRecord, CatalogClass, Row } from '../../catalog/catalog.js';
import type { FieldInfo } from '../../catalog/fields.js';
import { limitsOf } from '../../catalog/limits.js';
import { SyncflowError } from '../../errors.js';

/**
 * A valid record of a catalog: another one for each number, with two rows in each child collection. References hold a made-up key.
 * Spread it and give what a schema doesn't tell: `{ ...sampleRecord(Product, n), currency: 'eur' }`.
 *
 * @throws SyncflowError `config` naming the fields for which nothing fits
 */
export function sampleRecord<C extends CatalogClass>(catalog: C, n: number, given: AnyRecord = {}): Row<C> {
  const { definition } = catalog;
  const record = { ...sampleRow(definition.name, definition.columns, n, given), ...given };
  for (const child of definition.children) {
    if (child.name in given) continue;
    const parent = record[definition.key[0] ?? ''];
    record[child.name] = [1, 2].map((index) => {
      const row = sampleRow(`${definition.name}.${child.name}`, child.columns, (n % 100_000) * 10 + index, {});
      return { ...row, [child.parent]: parent };
    });
  }
  return record as Row<C>;
}

function sampleRow(place: string, columns: readonly FieldInfo[], n: number, given: AnyRecord): AnyRecord {
  const row: AnyRecord = {};
  const unknown: string[] = [];
  for (const field of columns) {
    if (Object.hasOwn(given, field.name)) continue;
    const fitting = candidates(field, field.references === undefined ? n : 1).find(
      (value) => field.schema.safeParse(value).success,
    );
    if (fitting !== undefined) row[field.name] = fitting;
    else if (!field.optional) unknown.push(field.name);
    else if (field.nullable) row[field.name] = null;
  }
  if (unknown.length > 0) {
    throw new SyncflowError('config', `no sample value fits ${place}: ${unknown.join(', ')}`, {
      hint: `Give them: record: (n) => sampleRecord(Catalog, n, { ${unknown.map((name) => `${name}: …`).join(', ')} }).`,
    });
  }
  return row;
}

/** Values that may fit, the likeliest first. */
function candidates(field: FieldInfo, n: number): readonly unknown[] {
  const { values } = limitsOf(field.schema);
  if (values !== undefined && values.length > 0) return values;
  switch (field.column.kind) {
    case 'text':
      return texts(field, n);
    case 'integer':
      return [n, (n % 1_000) + 1, (n % 10) + 1, 0];
    case 'bigint':
      return [BigInt(n), BigInt((n % 10) + 1), 0n];
    case 'float':
      return [n + 0.5, (n % 10) + 0.5, 0];
    case 'boolean':
      return [true, false];
    case 'decimal': {
      const { precision = 12, scale = 2 } = field.column;
      const whole = String(n % 10 ** Math.max(0, Math.min(4, precision - scale)));
      return [scale === 0 ? whole : `${whole}.${'25'.slice(0, scale).padEnd(scale, '0')}`, '0'];
    }
    case 'date':
      return [`2026-01-${day(n)}`];
    case 'timestamp':
      return [`2026-01-${day(n)}T09:30:00Z`];
    case 'uuid':
      return [`00000000-0000-4000-8000-${n.toString(16).padStart(12, '0')}`];
    case 'json':
      return [{ sample: n }, [n], [String(n)], {}, [], String(n), n];
  }
}

const day = (n: number): string => String((n % 28) + 1).padStart(2, '0');

function texts(field: FieldInfo, n: number): readonly string[] {
  const { format, maxLength = 200, minLength = 0 } = limitsOf(field.schema);
  const word = field.name.replaceAll(/[^a-zA-Z0-9]+/g, ' ').trim() || 'sample';
  const plain = `${word} ${n}`.padEnd(minLength, '.');
  const cut = plain.length <= maxLength ? plain : plain.slice(-maxLength).trim().padEnd(minLength, '0');
  const formats: Readonly<Record<string, string>> = {
    email: `sample-${n}@example.com`,
    url: `https://example.com/${n}`,
    e164: `+4930${String(n).padStart(8, '0')}`,
  };
  const special = format === undefined ? undefined : formats[format];
  const known = /mail/i.test(field.name) ? [`sample-${n}@example.com`] : [];
  return [...(special === undefined ? [] : [special]), ...known, cut, String(n), 'a'.repeat(minLength), ''];
}
