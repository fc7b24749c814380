/** Plain JSON, the only thing the simulator stores; objects are replaced on write and never changed in place. */
export type Json = string | number | boolean | null | Json[] | JsonObject;

export interface JsonObject {
  [key: string]: Json;
}

/** A stored Stripe object. Everything apart from its id and kind is read through the helpers below. */
export interface StripeObject extends JsonObject {
  id: string;
  object: string;
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asObject(value: Json | undefined): JsonObject {
  return isObject(value) ? value : {};
}

export function asString(value: Json | undefined): string | null {
  return typeof value === 'string' ? value : null;
}

export function asNumber(value: Json | undefined): number {
  return typeof value === 'number' ? value : 0;
}

export function asArray(value: Json | undefined): Json[] {
  return Array.isArray(value) ? value : [];
}

export function asObjects(value: Json | undefined): JsonObject[] {
  return asArray(value).filter(isObject);
}

/** Copies, so that nothing handed out of the simulator can change what it holds. */
export function cloneJson<T extends Json>(value: T): T {
  return structuredClone(value);
}

export function equalJson(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right) return true;
  if (Array.isArray(left)) {
    return (
      Array.isArray(right) && left.length === right.length && left.every((item, index) => equalJson(item, right[index]))
    );
  }
  if (!isObject(left) || !isObject(right)) return false;
  const keys = Object.keys(left);
  return (
    keys.length === Object.keys(right).length &&
    keys.every((key) => Object.hasOwn(right, key) && equalJson(left[key], right[key]))
  );
}
