/** Stripe objects as plain JSON. */
import type Stripe from 'stripe';
import type { Json } from '../../catalog/values.js';

type Scalar = string | number | boolean | bigint | symbol | null | undefined;

/** `T` with the SDK's Decimal objects as decimal text: what a webhook shows, and what can be stored and compared. */
export type Plain<T> = T extends Scalar
  ? T
  : T extends Stripe.Decimal
    ? string
    : T extends readonly (infer E)[]
      ? Plain<E>[]
      : T extends object
        ? { [N in keyof T]: Plain<T[N]> }
        : T;

/**
 * Turns an answer of the SDK into plain JSON. The SDK parses `unit_amount_decimal` and its like into Decimal objects, whose
 * internals would otherwise end up in shadows and differ from the text in a webhook.
 *
 * @typeParam Result what the caller knows it to be: `Plain<…>` of the answer, or the same where it holds no decimals
 */
export function plain<Result>(value: unknown): Result {
  return JSON.parse(JSON.stringify(value)) as Result;
}

export type JsonObject = Readonly<Record<string, Json | undefined>>;

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asObject(value: unknown): JsonObject {
  return isObject(value) ? value : {};
}

export function asText(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

/** Unix seconds as ISO text. */
export function isoOfSeconds(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}
