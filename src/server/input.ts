/** Reads what a caller sends as JSON or in the query, and holds it against a schema. */
import type { Context } from 'hono';
import { z } from 'zod';
import { readBody } from './body.js';
import { HttpError } from './respond.js';

const maxBodyBytes = 64 * 1024;

/** @throws HttpError 400 · 408 · 413 · 415 */
export async function readJson<T>(context: Context, schema: z.ZodType<T>, timeoutMs: number): Promise<T> {
  const bytes = await readBody(context.req.raw, { maxBytes: maxBodyBytes, timeoutMs });
  if (bytes.byteLength === 0) return checked(schema, {});
  const type = context.req.header('content-type') ?? '';
  if (!/^application\/json\b/i.test(type)) throw new HttpError(415, 'type', 'the body must be application/json');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw new HttpError(400, 'usage', "the body isn't JSON");
  }
  return checked(schema, value);
}

export function readQuery<T>(context: Context, schema: z.ZodType<T>): T {
  return checked(schema, context.req.query());
}

function checked<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'it'}: ${issue.message}`);
  throw new HttpError(400, 'usage', `the request doesn't fit: ${problems.join('; ')}`);
}
