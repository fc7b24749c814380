import { currencyList, isCurrency } from './currencies.js';
import { isDecimal, normalizeDecimal } from './decimal.js';
import { invalidRequest, parameterMissing } from './errors.js';
import type { RawMap, RawValue } from './form.js';
import type { Json, JsonObject } from './json.js';
import type { ParamSchema, RouteSchema } from './param-schema.js';

/*
 * A small walker instead of ajv: the leaves arrive as strings, so the same pass has to coerce them, has to tell
 * "unset" ('' → null) from a value by the schema, and has to answer in Stripe's own words; with ajv each of the
 * three would be a layer of its own around the compiled validators.
 */

const join = (parent: string, name: string): string => (parent === '' ? name : `${parent}[${name}]`);

function distance(left: string, right: string): number {
  let previous = Array.from({ length: right.length + 1 }, (_, index) => index);
  for (let row = 1; row <= left.length; row += 1) {
    const current = [row];
    for (let column = 1; column <= right.length; column += 1) {
      const same = left[row - 1] === right[column - 1] ? 0 : 1;
      current.push(
        Math.min((previous[column] ?? 0) + 1, (current[column - 1] ?? 0) + 1, (previous[column - 1] ?? 0) + same),
      );
    }
    previous = current;
  }
  return previous[right.length] ?? 0;
}

function suggestion(unknown: string, known: readonly string[]): string | undefined {
  const scored = known.map((name) => ({ name, cost: distance(unknown, name) }));
  const best = scored.sort((left, right) => left.cost - right.cost)[0];
  return best !== undefined && best.cost <= Math.max(2, Math.floor(unknown.length / 3)) ? best.name : undefined;
}

function unknownParameters(names: readonly string[], parent: string, known: readonly string[]): Error {
  const [first = ''] = names;
  const full = names.map((name) => join(parent, name));
  const hint = names.length === 1 ? suggestion(first, known) : undefined;
  const message =
    names.length === 1
      ? `Received unknown parameter: ${full[0] ?? ''}${hint === undefined ? '' : `. Did you mean ${join(parent, hint)}?`}`
      : `Received unknown parameters: ${full.join(', ')}`;
  return invalidRequest(message, 'parameter_unknown', full[0]);
}

function listing(values: readonly string[]): string {
  const shown = values.filter((value) => value !== '');
  if (shown.length <= 1) return shown.join('');
  if (shown.length === 2) return shown.join(' or ');
  return `${shown.slice(0, -1).join(', ')}, or ${shown.at(-1) ?? ''}`;
}

export function emptyNotAllowed(param: string): Error {
  return invalidRequest(
    `You passed an empty string for '${param}'. We assume empty values are an attempt to unset a parameter; however '${param}' cannot be unset. You should remove '${param}' from your request or supply a non-empty value.`,
    'parameter_invalid_empty',
    param,
  );
}

function readInteger(raw: string, param: string): number {
  if (!/^-?\d{1,15}$/.test(raw.trim())) {
    throw invalidRequest(`Invalid integer: ${raw}`, 'parameter_invalid_integer', param);
  }
  return Number(raw);
}

function readString(schema: ParamSchema, raw: string, param: string): string {
  if (schema.enum !== undefined && !schema.enum.includes(raw)) {
    throw invalidRequest(`Invalid ${param}: must be one of ${listing(schema.enum)}`, undefined, param);
  }
  if (schema.format === 'decimal') {
    if (!isDecimal(raw)) throw invalidRequest(`Invalid decimal: ${raw}`, undefined, param);
    return normalizeDecimal(raw);
  }
  if (schema.maxLength !== undefined && raw.length > schema.maxLength) {
    const shown = `${raw.slice(0, 20)}…`;
    throw invalidRequest(`Invalid string: ${shown}; must be at most ${schema.maxLength} characters`, undefined, param);
  }
  if (/(^|\[)currency\]?$/.test(param)) {
    const code = raw.toLowerCase();
    if (!isCurrency(code)) {
      throw invalidRequest(
        `Invalid currency: ${raw}. Stripe currently supports these currencies: ${currencyList()}`,
        undefined,
        param,
      );
    }
    return code;
  }
  return raw;
}

function readScalar(schema: ParamSchema, raw: string, param: string): Json {
  switch (schema.type) {
    case 'integer':
      return readInteger(raw, param);
    case 'number':
      if (raw.trim() === '' || !Number.isFinite(Number(raw)))
        throw invalidRequest(`Invalid number: ${raw}`, undefined, param);
      return Number(raw);
    case 'boolean':
      if (raw !== 'true' && raw !== 'false') throw invalidRequest(`Invalid boolean: ${raw}`, undefined, param);
      return raw === 'true';
    case 'object':
      throw invalidRequest('Invalid object', undefined, param);
    case 'array':
      throw invalidRequest('Invalid array', undefined, param);
    default:
      return readString(schema, raw, param);
  }
}

/** `a[0]`, `a[1]` arrive as a map; the order of the numbers is the order of the list. */
function toList(raw: RawMap | RawValue[], param: string): RawValue[] {
  if (Array.isArray(raw)) return raw;
  const keys = Object.keys(raw);
  if (!keys.every((key) => /^\d{1,6}$/.test(key))) throw invalidRequest('Invalid array', undefined, param);
  return keys.sort((left, right) => Number(left) - Number(right)).map((key) => raw[key] ?? '');
}

function readList(schema: ParamSchema, raw: RawMap | RawValue[], param: string): Json {
  const items = toList(raw, param);
  if (schema.maxItems !== undefined && items.length > schema.maxItems) {
    throw invalidRequest(`Array ${param} exceeded maximum ${schema.maxItems} allowed elements.`, undefined, param);
  }
  const itemSchema = schema.items ?? { type: 'string' };
  return items.map((item, index) => readValue(itemSchema, item, join(param, String(index))));
}

function readMap(schema: ParamSchema, raw: RawMap, parent: string): JsonObject {
  const out: JsonObject = {};
  const known = schema.properties ?? {};
  const open = schema.additionalProperties;
  const unknown: string[] = [];
  for (const [name, value] of Object.entries(raw)) {
    const property = Object.hasOwn(known, name) ? known[name] : undefined;
    if (property !== undefined) out[name] = readValue(property, value, join(parent, name));
    else if (typeof open === 'object') out[name] = readOpen(open, value, join(parent, name));
    else if (open === true) out[name] = readOpen({ type: 'string' }, value, join(parent, name));
    else unknown.push(name);
  }
  if (unknown.length > 0) throw unknownParameters(unknown, parent, Object.keys(known));
  for (const name of schema.required ?? []) {
    if (out[name] === undefined) throw parameterMissing(join(parent, name));
  }
  return out;
}

/** Values of open maps (metadata): an empty one stays '' and means "remove this key". */
function readOpen(schema: ParamSchema, raw: RawValue, param: string): Json {
  if (typeof raw === 'string') return schema.type === 'object' ? readValue(schema, raw, param) : raw;
  if (schema.type === 'object' && !Array.isArray(raw)) return readMap(schema, raw, param);
  throw invalidRequest('Invalid string', undefined, param);
}

function readVariants(variants: readonly ParamSchema[], raw: RawValue, param: string): Json {
  if (raw === '' && variants.some((variant) => variant.enum?.includes('') === true)) return null;
  const wanted = typeof raw === 'string' ? ['integer', 'number', 'boolean', 'string'] : ['object', 'array'];
  const candidates = variants.filter((variant) => wanted.includes(variant.type ?? 'string'));
  const real = candidates.filter((variant) => variant.enum?.length !== 1 || variant.enum[0] !== '');
  if (real.length === 0) return readValue(variants[0] ?? {}, raw, param);
  let failure: unknown;
  for (const variant of real) {
    try {
      return readValue(variant, raw, param);
    } catch (error) {
      failure = error;
    }
  }
  throw failure;
}

function readValue(schema: ParamSchema, raw: RawValue, param: string): Json {
  if (schema.anyOf !== undefined) return readVariants(schema.anyOf, raw, param);
  if (typeof raw === 'string') {
    // Nested strings are all unset by an empty value; for top-level ones the caller knows better.
    if (raw === '' && (schema.type === 'string' || schema.type === undefined) && schema.format === undefined)
      return null;
    return readScalar(schema, raw, param);
  }
  if (schema.type === 'array') return readList(schema, raw, param);
  if (schema.type === 'object') {
    if (Array.isArray(raw)) throw invalidRequest('Invalid object', undefined, param);
    return readMap(schema, raw, param);
  }
  throw invalidRequest(`Invalid ${schema.type ?? 'string'}`, undefined, param);
}

/** Coerces and checks all parameters of a request. Unset parameters come out as null. */
export function validateParams(schema: RouteSchema, raw: RawMap): JsonObject {
  for (const [name, value] of Object.entries(raw)) {
    const property = schema.params.properties?.[name];
    if (value === '' && property?.type === 'string' && schema.notEmptyable.has(name)) throw emptyNotAllowed(name);
  }
  return readMap(schema.params, raw, '');
}
