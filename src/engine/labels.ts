/** What people know a record or a remote by: its first few texts. Keys and ids alone say nothing to whoever decides. */
import type { AnyRecord } from '../catalog/catalog.js';
import type { RecordKey } from '../catalog/key.js';
import type { Json } from '../catalog/values.js';
import type { Binding } from './binding.js';
import { remoteValue } from '../merge/project.js';
import type { Pairs } from '../merge/shadow.js';
import type { Queryable } from '../store/database.js';

/** Texts that a label has. */
const shownTexts = 3;
const longestText = 60;
const enoughLetters = 9;

/** The texts among these that have words in them. */
export function labelOf(values: Iterable<unknown>): string | null {
  const texts: string[] = [];
  for (const value of values) {
    if (typeof value !== 'string' || !/\p{L}{2}/u.test(value) || texts.includes(value)) continue;
    texts.push(value.length > longestText ? `${value.slice(0, longestText)}…` : value);
    if (texts.length === shownTexts) break;
  }
  return texts.length === 0 ? null : texts.join(' · ');
}

/** What a value is called that names a record: as many of its texts as it takes to tell it from others. */
export function nameOf(label: string | null): string | null {
  const texts = label?.split(' · ') ?? [];
  const enough = texts.findIndex((_, index) => texts.slice(0, index + 1).join('').length >= enoughLetters);
  return label === null ? null : texts.slice(0, enough === -1 ? texts.length : enough + 1).join(' · ');
}

/** Of records of one subscriber's catalog, as they are now. One that isn't there has none. */
export async function recordLabels(
  db: Queryable,
  { catalog }: Pick<Binding, 'catalog'>,
  keys: readonly RecordKey[],
): Promise<ReadonlyMap<RecordKey, string | null>> {
  // what can't be read is listed all the same, without a name
  const rows = await catalog.rows.load(db, [...new Set(keys)], { problems: new Map() });
  return new Map([...rows].map(([key, row]) => [key, labelOfRecord(row)]));
}

export function labelOfRecord(record: AnyRecord): string | null {
  return labelOf(Object.values(record));
}

/** As the remote shows itself, by what the mapping reads of it. */
export function labelOfRemote({ mapping }: Binding, remote: unknown): string | null {
  return labelOf(mapping.units.map((unit) => safely(() => remoteValue(unit, remote))));
}

/** As both sides last knew it, for what is there no more. */
export function labelOfPairs({ mapping }: Binding, pairs: Pairs): string | null {
  return labelOf(mapping.units.map(({ name }) => pairs[name]?.r ?? textOf(pairs[name]?.h)));
}

/** The same list with what people know each record by. */
export async function labelled<T extends { readonly subscriber: string; readonly key: RecordKey | null }>(
  db: Queryable,
  bindings: readonly Binding[],
  rows: readonly T[],
): Promise<(T & { readonly label: string | null })[]> {
  const found = new Map<string, ReadonlyMap<RecordKey, string | null>>();
  for (const subscriber of new Set(rows.map((one) => one.subscriber))) {
    const keys = rows.flatMap((one) => (one.subscriber === subscriber && one.key !== null ? [one.key] : []));
    // one that was taken out of the config has a past all the same
    const binding = bindings.find(({ id }) => id === subscriber);
    if (binding !== undefined) found.set(subscriber, await recordLabels(db, binding, keys));
  }
  return rows.map((row) => ({
    ...row,
    label: row.key === null ? null : (found.get(row.subscriber)?.get(row.key) ?? null),
  }));
}

/** The same list with a name in a few words. */
export async function named<T extends { readonly subscriber: string; readonly key: RecordKey | null }>(
  db: Queryable,
  bindings: readonly Binding[],
  rows: readonly T[],
): Promise<(T & { readonly label: string | null })[]> {
  return (await labelled(db, bindings, rows)).map((row) => ({ ...row, label: nameOf(row.label) }));
}

/** A canonical text may be JSON of several fields; of one text it is that text. */
function textOf(text: string | null | undefined): Json {
  return text ?? null;
}

/** A remote that its mapping can't read has no label, and that is no failure of the list. */
function safely(read: () => unknown): unknown {
  try {
    return read();
  } catch {
    return undefined;
  }
}
