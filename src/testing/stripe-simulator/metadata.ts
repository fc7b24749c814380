import { invalidRequest } from './errors.js';
import { asObject, isObject, type Json, type JsonObject } from './json.js';

const MAX_KEYS = 50;
const MAX_KEY_LENGTH = 40;
const MAX_VALUE_LENGTH = 500;

function check(key: string, value: string, param: string): void {
  if (key.length > MAX_KEY_LENGTH) {
    throw invalidRequest(
      `Metadata keys can have up to ${MAX_KEY_LENGTH} characters, but you passed in a key that is ${key.length} characters. Invalid key: ${key}`,
      undefined,
      param,
    );
  }
  if (/[[\]]/.test(key)) {
    throw invalidRequest('Metadata keys cannot contain square brackets.', undefined, param);
  }
  if (value.length > MAX_VALUE_LENGTH) {
    throw invalidRequest(
      `Metadata values can have up to ${MAX_VALUE_LENGTH} characters, but you passed in a value that is ${value.length} characters. Invalid value: ${value}`,
      undefined,
      `${param}[${key}]`,
    );
  }
}

/** Stripe merges: a key passed empty is removed, `metadata` passed empty removes them all, the rest stays. */
export function mergeMetadata(current: Json | undefined, change: Json | undefined, param = 'metadata'): JsonObject {
  const before = asObject(current);
  if (change === undefined) return before;
  if (!isObject(change)) return {};
  const merged: JsonObject = { ...before };
  for (const [key, value] of Object.entries(change)) {
    const text = typeof value === 'string' ? value : '';
    check(key, text, param);
    if (text === '') Reflect.deleteProperty(merged, key);
    else merged[key] = text;
  }
  if (Object.keys(merged).length > MAX_KEYS) {
    throw invalidRequest(
      `You can only have up to ${MAX_KEYS} metadata keys, but this request would result in ${Object.keys(merged).length}.`,
      undefined,
      param,
    );
  }
  return merged;
}
