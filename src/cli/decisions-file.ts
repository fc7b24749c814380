/** The file of `plan --decisions`. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { didYouMean, messageOf, SyncflowError } from '../errors.js';
import type { PlanDecision } from '../first-load/first-load.js';
import { recordKey } from './context.js';

const deeds = ['link', 'new', 'leave'] as const;
const entry = z.strictObject({
  subscriber: z.string().optional(),
  remoteId: z.string().optional(),
  key: z.union([z.string(), z.number()]).optional(),
  do: z.enum(deeds),
});
const fields = Object.keys(entry.shape);
const example = '[{"remoteId": "cus_1", "do": "link", "key": 42}, {"remoteId": "cus_2", "do": "leave"}]';
const form =
  'Each is {"remoteId": "…", "do": "link" | "new" | "leave", "key": …}; a key for link, or for a record alone.';

/** @throws SyncflowError `usage` naming the first entry that doesn't fit, and what was meant */
export function readDecisions(file: string): PlanDecision[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SyncflowError('usage', `the decisions in ${file} can’t be read: ${messageOf(error)}`, {
      hint: `It is JSON: ${example}`,
    });
  }
  if (!Array.isArray(value))
    throw new SyncflowError('usage', `the decisions in ${file} don’t fit: they are a list`, {
      hint: `Write ${example}, with brackets around a single one, too.`,
    });
  return value.map((one: unknown, index) => {
    const parsed = entry.safeParse(one);
    if (!parsed.success)
      throw new SyncflowError(
        'usage',
        `the decisions in ${file} don’t fit: decision ${index + 1}, ${shown(one)}: ${problemOf(one)}`,
        { hint: form },
      );
    const { key, ...rest } = parsed.data;
    return { ...rest, ...(key === undefined ? {} : { key: recordKey(String(key)) }) };
  });
}

function problemOf(one: unknown): string {
  if (typeof one !== 'object' || one === null || Array.isArray(one)) return 'it is no object';
  const given = one as Record<string, unknown>;
  const unknown = Object.keys(given).find((name) => !fields.includes(name));
  if (unknown !== undefined) return `there is no "${unknown}"${meant(unknown, fields)}`;
  const what = given['do'];
  if (what === undefined) return 'it says not what to do: "do" is link, new or leave';
  if (!deeds.some((deed) => deed === what))
    return `"do" can't be ${shown(what)}${meant(typeof what === 'string' ? what : '', deeds)}`;
  for (const name of ['subscriber', 'remoteId'])
    if (given[name] !== undefined && typeof given[name] !== 'string') return `"${name}" is a text`;
  return '"key" is a text or a number';
}

function meant(word: string, candidates: readonly string[]): string {
  const guess = didYouMean(word, candidates);
  return guess === undefined ? `: there are ${candidates.join(', ')}` : `: did you mean "${guess}"?`;
}

const shown = (value: unknown): string => {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 100)}…` : text;
};
