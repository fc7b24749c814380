import { equalJson, isObject, type JsonObject } from './json.js';

/**
 * Stripe's `previous_attributes`: only what changed, with the old values; hashes minimal, arrays whole, a key that
 * was added shows as null.
 */
export function previousAttributes(before: JsonObject, after: JsonObject): JsonObject {
  const out: JsonObject = {};
  for (const key of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const old = before[key];
    const current = after[key];
    if (equalJson(old, current)) continue;
    if (isObject(old) && isObject(current)) out[key] = previousAttributes(old, current);
    else out[key] = old ?? null;
  }
  return out;
}
