import { invalidRequest } from '../errors.js';
import { asString, isObject, type Json, type JsonObject } from '../json.js';

const ADDRESS_FIELDS = ['city', 'country', 'line1', 'line2', 'postal_code', 'state'] as const;

/** The passed hash stands for the whole address: what it does not name becomes null. */
export function addressOf(value: Json | undefined): JsonObject | null {
  if (!isObject(value)) return null;
  const entries = ADDRESS_FIELDS.map((field): [string, Json] => [field, value[field] ?? null]);
  return Object.fromEntries(entries);
}

export function shippingOf(value: Json | undefined): JsonObject | null {
  if (!isObject(value)) return null;
  return { address: addressOf(value.address), name: value.name ?? null, phone: value.phone ?? null };
}

/** Copies the passed ones of the named parameters; unset ones (null) are copied as null. */
export function pick(params: JsonObject, names: readonly string[]): JsonObject {
  const out: JsonObject = {};
  for (const name of names) {
    const value = params[name];
    if (value !== undefined) out[name] = value;
  }
  return out;
}

/** E-mail addresses are stored as given, but must look like one. */
export function checkEmail(value: Json | undefined): void {
  const email = asString(value);
  if (email !== null && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) {
    throw invalidRequest(`Invalid email address: ${email}`, 'email_invalid', 'email');
  }
}

/** At most one of the named parameters may be passed. */
export function exclusive(params: JsonObject, names: readonly string[], prefix = ''): void {
  const passed = names.filter((name) => params[name] !== undefined);
  if (passed.length < 2) return;
  const param = `${prefix}${passed[0] ?? ''}`;
  throw invalidRequest(
    `You may only specify one of these parameters: ${passed.join(', ')}.`,
    'parameters_exclusive',
    param,
  );
}
