/** Parked records by cause: ten thousand of them are usually two mistakes. Pure but for the reading. */
import type { Queryable } from '../store/database.js';
import { parkedReasons, type ParkedReason } from '../store/parked.js';
import { cureOf } from './cures.js';

export interface ParkedCause {
  readonly code: string;
  /** The reason without what differs from record to record: values, ids, numbers. */
  readonly cause: string;
  readonly count: number;
  readonly subscribers: readonly string[];
  readonly oldest: string;
  readonly newest: string;
  readonly example: {
    readonly id: string;
    readonly subscriber: string;
    readonly key: string | null;
    readonly reason: string;
  };
  /** What to do about it. */
  readonly cure: string;
}

/** Most frequent first. */
export async function parkedCauses(
  db: Queryable,
  filter: { readonly subscriber?: string | undefined; readonly code?: string | undefined } = {},
): Promise<ParkedCause[]> {
  return groupByCause(await parkedReasons(db, filter));
}

export function groupByCause(reasons: readonly ParkedReason[]): ParkedCause[] {
  const groups = new Map<string, ParkedCause>();
  for (const one of reasons) {
    const cause = causeOf(one.reason);
    const id = JSON.stringify([one.code, cause]);
    const known = groups.get(id);
    groups.set(id, known === undefined ? begin(one, cause) : join(known, one));
  }
  return [...groups.values()].sort((a, b) => b.count - a.count || (a.code < b.code ? -1 : 1));
}

function begin(one: ParkedReason, cause: string): ParkedCause {
  const { id, subscriber, key, code, reason, count, oldest, newest } = one;
  const cure = cureOf(code, key === null).replaceAll('<subscriber>', subscriber);
  return {
    code,
    cause,
    count,
    subscribers: [subscriber],
    oldest,
    newest,
    example: { id, subscriber, key, reason },
    cure,
  };
}

function join(group: ParkedCause, one: ParkedReason): ParkedCause {
  return {
    ...group,
    count: group.count + one.count,
    subscribers: [...new Set([...group.subscribers, one.subscriber])],
    oldest: one.oldest < group.oldest ? one.oldest : group.oldest,
    newest: one.newest > group.newest ? one.newest : group.newest,
  };
}

const differing: readonly (readonly [RegExp, string])[] = [
  [/\["[^\]]*"\]/g, '<key>'],
  [/"[^"]*"|“[^”]*”|(?<!\w)'[^']*'(?!\w)/g, '"…"'],
  [/[\w.!#$%&*+/=?^`{|}~-]+@[\w-]+(?:\.[\w-]+)+/g, '<email>'],
  [/\b[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}\b/gi, '<id>'],
  // cus_Nq2…, in_1Pz…, and long hexadecimal
  [/\b[a-z]{2,8}_(?=\w*\d)\w{6,}\b|\b(?=[a-f]*\d)[\da-f]{12,}\b/gi, '<id>'],
  [/(?<![\w.])[+-]?\d+(?:\.\d+)*(?![\w])/g, '<n>'],
];

/** HTTP statuses are part of the cause. */
const status = /(?<![\w.])([45]\d\d)(?![\w.]\d)/g;

/** The reason without what differs from record to record. */
export function causeOf(reason: string): string {
  const marked = reason.replace(status, (_, code: string) => `http${code}`);
  return differing
    .reduce((text, [form, mask]) => text.replace(form, mask), marked)
    .replace(/\bhttp([45]\d\d)\b/g, '$1')
    .replace(/\s+/g, ' ')
    .trim();
}
