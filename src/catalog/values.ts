/**
 * Canonical values. JavaScript numbers and Dates corrupt decimals, bigints, microseconds and plain dates, and the two
 * drivers parse differently; so hub values travel as canonical text by declared type, and are decoded in one place.
 */
import { SyncflowError } from '../errors.js';

/** The declared type of a column. */
export type ColumnType =
  | { readonly kind: 'text' | 'integer' | 'bigint' | 'float' | 'boolean' | 'date' | 'timestamp' | 'uuid' | 'json' }
  | { readonly kind: 'decimal'; readonly precision?: number; readonly scale?: number };

export type ColumnKind = ColumnType['kind'];

export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json | undefined };

/** The SQL type with which a new table is created. */
export function sqlType(type: ColumnType): string {
  switch (type.kind) {
    case 'text':
      return 'text';
    case 'integer':
    case 'bigint':
      return 'bigint';
    case 'float':
      return 'double precision';
    case 'boolean':
      return 'boolean';
    case 'date':
      return 'date';
    case 'timestamp':
      return 'timestamptz';
    case 'uuid':
      return 'uuid';
    case 'json':
      return 'jsonb';
    case 'decimal':
      if (type.precision === undefined) return 'numeric';
      return `numeric(${type.precision}, ${type.scale ?? 0})`;
  }
}

/** SQL types (`pg_type.typname`) of an existing column that a declared type can live in without loss. */
export const acceptedSqlTypes: Readonly<Record<ColumnKind, readonly string[]>> = {
  text: ['text', 'varchar', 'bpchar', 'citext', 'name'],
  integer: ['int8', 'int4', 'int2'],
  bigint: ['int8', 'int4', 'int2'],
  float: ['float8', 'float4'],
  boolean: ['bool'],
  date: ['date'],
  timestamp: ['timestamptz', 'timestamp'],
  uuid: ['uuid'],
  json: ['jsonb', 'json'],
  decimal: ['numeric'],
};

/** Canonical text of a JavaScript value of the given type; null for null and undefined. Throws `mapping` when it doesn't fit. */
export function toCanonical(type: ColumnType, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  switch (type.kind) {
    case 'text':
    case 'uuid':
      if (typeof value !== 'string') throw misfit(type, value);
      return type.kind === 'uuid' ? value.toLowerCase() : value;
    case 'integer':
      if (typeof value !== 'number' || !Number.isSafeInteger(value)) throw misfit(type, value);
      return String(value === 0 ? 0 : value);
    case 'bigint':
      if (typeof value !== 'bigint' && !(typeof value === 'number' && Number.isSafeInteger(value)))
        throw misfit(type, value);
      return String(value);
    case 'float':
      if (typeof value !== 'number') throw misfit(type, value);
      return String(value === 0 ? 0 : value);
    case 'boolean':
      if (typeof value !== 'boolean') throw misfit(type, value);
      return String(value);
    case 'decimal':
      return canonicalDecimal(type, value);
    case 'date':
      if (typeof value !== 'string' || !/^\d{4,6}-\d\d-\d\d$/.test(value)) throw misfit(type, value);
      return value;
    case 'timestamp':
      return canonicalTimestamp(type, value);
    case 'json':
      return canonicalJson(value as Json);
  }
}

/** The JavaScript value of canonical text (or of text as Postgres prints it, see `selectExpression`). */
export function fromCanonical(type: ColumnType, text: string | null): unknown {
  if (text === null) return null;
  switch (type.kind) {
    case 'text':
    case 'uuid':
    case 'date':
      return text;
    case 'integer':
    case 'float':
      return Number(text);
    case 'bigint':
      return BigInt(text);
    case 'boolean':
      return text === 'true' || text === 't';
    case 'decimal':
      return canonicalDecimal(type, text);
    case 'timestamp':
      return canonicalTimestamp(type, text);
    case 'json':
      return JSON.parse(text) as Json;
  }
}

/**
 * SQL that reads a column as text which doesn't depend on the session's settings (a pooler may hand us any session).
 * `column` must already be quoted.
 */
export function selectExpression(type: ColumnType, column: string): string {
  switch (type.kind) {
    case 'timestamp':
      return `to_char(${column}::timestamptz at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
    case 'date':
      return `to_char(${column}, 'YYYY-MM-DD')`;
    default:
      return `${column}::text`;
  }
}

/** JSON with sorted keys and without undefined: equal values have equal text. Its depth is bounded by JSON.parse's own. */
export function canonicalJson(value: Json | undefined): string {
  if (value === undefined) return 'null';
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${(value as readonly Json[]).map((item) => canonicalJson(item)).join(',')}]`;
  const entries = Object.entries(value as Record<string, Json | undefined>)
    .filter((entry) => entry[1] !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`;
}

function canonicalDecimal(type: ColumnType & { kind: 'decimal' }, value: unknown): string {
  const text = typeof value === 'number' || typeof value === 'bigint' ? String(value) : value;
  if (typeof text !== 'string') throw misfit(type, value);
  const match = /^([+-]?)(\d*)(?:\.(\d*))?$/.exec(text.trim());
  if (match === null || (match[2] === '' && (match[3] ?? '') === '')) throw misfit(type, value);
  const whole = (match[2] ?? '').replace(/^0+(?=\d)/, '') || '0';
  let fraction = (match[3] ?? '').replace(/0+$/, '');
  if (type.scale !== undefined) {
    if (fraction.length > type.scale) throw misfit(type, value, `more than ${type.scale} decimal places`);
    fraction = fraction.padEnd(type.scale, '0');
  }
  const digits = fraction === '' ? whole : `${whole}.${fraction}`;
  return match[1] === '-' && /[1-9]/.test(digits) ? `-${digits}` : digits;
}

function canonicalTimestamp(type: ColumnType, value: unknown): string {
  if (value instanceof Date && Number.isNaN(value.getTime())) throw misfit(type, value);
  const text = value instanceof Date ? value.toISOString() : value;
  if (typeof text !== 'string') throw misfit(type, value);
  const match = /^(\d{4,6}-\d\d-\d\d)[T ](\d\d:\d\d(?::\d\d)?)(?:\.(\d{1,6})\d*)?(Z|[+-]\d\d(?::?\d\d)?)?$/i.exec(text);
  if (match === null) throw misfit(type, value);
  const [, day = '', time = '', fraction = '', zone = 'Z'] = match;
  if (!isDay(day)) throw misfit(type, value);
  const seconds = time.length === 5 ? `${time}:00` : time;
  const offset = /^z$/i.test(zone)
    ? 'Z'
    : zone.length === 3
      ? `${zone}:00`
      : zone.length === 5
        ? `${zone.slice(0, 3)}:${zone.slice(3)}`
        : zone;
  const instant = new Date(`${day}T${seconds}${offset}`);
  if (Number.isNaN(instant.getTime())) throw misfit(type, value);
  const micros = fraction.replace(/0+$/, '');
  return `${instant.toISOString().slice(0, 19)}${micros === '' ? '' : `.${micros}`}Z`;
}

/** Whether the calendar has it: to V8 the 30th of February is the second of March. */
function isDay(day: string): boolean {
  const midnight = new Date(`${day}T00:00:00Z`);
  return !Number.isNaN(midnight.getTime()) && midnight.toISOString().startsWith(day);
}

function misfit(type: ColumnType, value: unknown, why?: string): SyncflowError {
  return new SyncflowError(
    'mapping',
    `a ${typeof value} value doesn't fit the type ${sqlType(type)}${why === undefined ? '' : ` (${why})`}`,
  );
}
