/** From a column to its field's Zod schema. */
import type { FoundColumn } from '../../store/introspect.js';
import { quoted } from './names.js';

export type FieldSource =
  | {
      readonly code: string;
      /** Names that the code needs from `syncflow`. */
      readonly imports: readonly string[];
      /** Said in a comment. */
      readonly note?: string;
    }
  | { readonly leftOut: string };

interface Type {
  readonly code: string;
  readonly imports?: readonly string[];
  readonly note?: string;
  /** Its default as code, from the text of an SQL literal; undefined where it can't be written. */
  readonly literal?: (text: string) => string | undefined;
}

const integer = (text: string): string | undefined => (/^-?\d{1,15}$/.test(text) ? text : undefined);
const bigint = (text: string): string | undefined => (/^-?\d+$/.test(text) ? `${text}n` : undefined);
const float = (text: string): string | undefined => (/^-?\d+(\.\d+)?$/.test(text) ? String(Number(text)) : undefined);
const decimalText = (text: string): string | undefined => (/^-?\d+(\.\d+)?$/.test(text) ? quoted(text) : undefined);

function textType({ length }: FoundColumn): Type {
  return { code: length === undefined ? 'z.string()' : `z.string().max(${length})`, literal: quoted };
}

function decimalType({ precision, scale }: FoundColumn): Type {
  const bounded = precision !== undefined && scale !== undefined && scale >= 0 && scale <= precision;
  const code = bounded ? `decimal(${precision}${scale === 0 ? '' : `, ${scale}`})` : 'decimal()';
  return { code, imports: ['decimal'], literal: decimalText };
}

const types: Readonly<Record<string, Type | ((column: FoundColumn) => Type)>> = {
  text: textType,
  varchar: textType,
  bpchar: textType,
  citext: textType,
  name: textType,
  int2: { code: 'z.int().min(-32768).max(32767)', literal: integer },
  int4: { code: 'z.int32()', literal: integer },
  int8: { code: 'z.bigint()', literal: bigint },
  numeric: decimalType,
  float4: { code: 'z.number()', literal: float },
  float8: { code: 'z.number()', literal: float },
  bool: { code: 'z.boolean()', literal: (text) => (/^(true|false)$/.test(text) ? text : undefined) },
  date: { code: 'z.iso.date()' },
  timestamptz: { code: 'timestamp()', imports: ['timestamp'] },
  timestamp: { code: 'timestamp()', imports: ['timestamp'], note: 'a timestamp without time zone: taken as UTC' },
  // any 128 bits, as Postgres has it; z.uuid() would refuse some
  uuid: { code: 'z.guid()' },
  json: { code: 'json(z.json())', imports: ['json'] },
  jsonb: { code: 'json(z.json())', imports: ['json'] },
};

/** The field of a column, or why it has none. */
export function fieldOfColumn(column: FoundColumn, inKey: boolean): FieldSource {
  if (column.name === '__proto__') return { leftOut: 'JavaScript keeps that name to itself' };
  if (column.generated) return { leftOut: 'Postgres computes it from other columns' };
  const type = typeOf(column);
  if (type === undefined) return { leftOut: `${column.typeName} has no counterpart in a catalog` };
  const { code, imports = [], note } = type;
  return { code: `${code}${inKey ? '' : absence(column, type)}`, imports, ...(note === undefined ? {} : { note }) };
}

/** What may be absent: null, or what has a default in the database. */
export function absence(column: FoundColumn, type: Pick<Type, 'literal'> = {}): string {
  if (!column.required) return '.nullable()';
  if (!column.hasDefault) return '';
  const text = literalText(column.defaultSql ?? '');
  const code = text === undefined ? undefined : type.literal?.(text);
  return code === undefined ? '.optional()' : `.default(${code})`;
}

function typeOf(column: FoundColumn): Type | undefined {
  if (column.typeKind === 'e') {
    const labels = column.labels.map(quoted);
    return {
      code: `z.enum([${labels.join(', ')}])`,
      literal: (text) => (column.labels.includes(text) ? quoted(text) : undefined),
    };
  }
  const type = column.typeKind === 'b' && Object.hasOwn(types, column.type) ? types[column.type] : undefined;
  return typeof type === 'function' ? type(column) : type;
}

/** The text of an SQL literal: `'G'::mpaa`, `4.99`, `(-1)`, `true`. Undefined for anything that is computed. */
function literalText(sql: string): string | undefined {
  const text = /^'((?:[^']|'')*)'(?:::[\w ."()]+)?$/.exec(sql)?.[1];
  if (text !== undefined) return text.replaceAll("''", "'");
  return /^\(?(-?\d+(?:\.\d+)?|true|false)\)?(?:::[\w ."()]+)?$/.exec(sql)?.[1];
}
