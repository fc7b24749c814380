/** The page of one record: what `explain` tells, with whom its references name, and where each value of its lines came from. */
import type { CatalogDefinition, ChildInfo } from '../../catalog/catalog.js';
import { formatKey, type RecordKey } from '../../catalog/key.js';
import type { Binding } from '../../engine/binding.js';
import { SyncflowError } from '../../errors.js';
import { originOf } from '../../explain/timeline.js';
import { linksNamed, linkSubject } from '../../store/dashboard.js';
import type { Queryable } from '../../store/database.js';
import type { Syncflow } from '../../syncflow.js';
import type {
  Explanation,
  LineCell,
  LinesView,
  RecordView,
  Reference,
  TimelineEntry,
  ValueOrigin,
} from './contract.js';
import { nameOf, recordLabels } from '../../engine/labels.js';

/** Of one catalog: an order of ten thousand lines shows its first articles by name. */
const mostNamed = 1_000;

/** @throws SyncflowError `usage` for a link that isn't there any more, or of a remote without a record */
export async function recordView(flow: Syncflow, link: string, fetch: boolean): Promise<RecordView> {
  const { db, bindings } = await flow.inside();
  const subject = await linkSubject(db, link);
  if (subject === undefined)
    throw new SyncflowError('usage', 'this record is no longer known here', { hint: 'Search for it.' });
  const { subscriber, key } = subject;
  if (key === null)
    throw new SyncflowError('usage', `${subscriber} has this remote, but no record stands for it yet`, {
      hint: 'It is listed under its subscriber, with what it waits for.',
    });
  const catalog = subscriber.split('/')[0] ?? '';
  const explanation = await flow.explain(catalog, key, { fetch });
  const own = bindings.filter((one) => one.catalog.definition.name === catalog);
  const links = await linksNamed(
    db,
    own.map(({ id }) => id),
    { remoteIds: [], keys: [key] },
    own.length,
  );
  return {
    link,
    subscriber,
    explanation,
    links: Object.fromEntries(links.map((one) => [one.subscriber, one.id])),
    ...(await named(db, bindings, own, explanation)),
  };
}

/** A value that refers to a record of another catalog. */
interface Referring {
  readonly catalog: string;
  readonly value: string;
}

async function named(
  db: Queryable,
  bindings: readonly Binding[],
  own: readonly Binding[],
  { record, ...rest }: Explanation,
): Promise<Pick<RecordView, 'references' | 'lines'>> {
  const definition = own[0]?.catalog.definition;
  if (record === null || definition === undefined) return { references: {}, lines: [] };
  const targets = targetsOf(definition);
  const referring = (columns: ReadonlyMap<string, string>, row: Readonly<Record<string, string | null>>): Referring[] =>
    [...columns].flatMap(([name, catalog]) => (row[name] == null ? [] : [{ catalog, value: row[name] }]));
  const names = await namesOf(db, bindings, own, [
    ...referring(targets, record.fields),
    ...definition.children.flatMap((child) =>
      (record.children[child.name] ?? []).flatMap((row) => referring(targetsOf(child), row)),
    ),
  ]);
  const find = (columns: ReadonlyMap<string, string>, column: string, value: string | null): Reference | undefined => {
    const catalog = columns.get(column);
    return catalog === undefined || value === null ? undefined : names.get(idOf({ catalog, value }));
  };
  return {
    references: Object.fromEntries(
      Object.entries(record.fields).flatMap(([field, value]) => {
        const reference = find(targets, field, value);
        return reference === undefined ? [] : [[field, reference]];
      }),
    ),
    lines: definition.children.map((child) => {
      const columns = targetsOf(child);
      return linesView(own, child, { record, ...rest }, (column, value) => find(columns, column, value));
    }),
  };
}

/** Which catalog a column refers to. */
const targetsOf = ({ columns }: Pick<CatalogDefinition | ChildInfo, 'columns'>): ReadonlyMap<string, string> =>
  new Map(
    columns.flatMap(({ name, references }) =>
      references === undefined ? [] : [[name, references().definition.name] as const],
    ),
  );

const idOf = ({ catalog, value }: Referring): string => JSON.stringify([catalog, value]);

/** With the page of each, in the same system rather than in another. */
async function namesOf(
  db: Queryable,
  bindings: readonly Binding[],
  own: readonly Binding[],
  referring: readonly Referring[],
): Promise<ReadonlyMap<string, Reference>> {
  const names = new Map<string, Reference>();
  const systems = own.map(({ id }) => id.split('/')[1]);
  for (const catalog of new Set(referring.map((one) => one.catalog))) {
    const there = bindings.filter((one) => one.catalog.definition.name === catalog);
    const [first] = there;
    if (first === undefined) continue;
    const values = [...new Set(referring.flatMap((one) => (one.catalog === catalog ? [one.value] : [])))];
    const keys = values.slice(0, mostNamed).map((value): RecordKey => formatKey([value]));
    const labels = await recordLabels(db, first, keys);
    const ids = there
      .map(({ id }) => id)
      .sort((a, b) => Number(systems.includes(b.split('/')[1])) - Number(systems.includes(a.split('/')[1])));
    const links = await linksNamed(db, ids, { remoteIds: [], keys }, keys.length * ids.length);
    for (const [index, key] of keys.entries()) {
      const value = values[index] ?? '';
      const pages = links.filter((one) => one.key === key);
      const page = ids.flatMap((id) => pages.find(({ subscriber }) => subscriber === id) ?? [])[0];
      names.set(idOf({ catalog, value }), { catalog, label: nameOf(labels.get(key) ?? null), link: page?.id ?? null });
    }
  }
  return names;
}

function linesView(
  own: readonly Binding[],
  child: ChildInfo,
  { record, subscribers, timeline }: Pick<Explanation, 'record' | 'subscribers' | 'timeline'>,
  find: (column: string, value: string | null) => Reference | undefined,
): LinesView {
  const units = own.flatMap(
    ({ mapping }) => mapping.children.find(({ name }) => name === child.name)?.units.map((unit) => unit) ?? [],
  );
  const rows = (record?.children[child.name] ?? []).map((row) => {
    const key = formatKey(child.key.map((name) => row[name] ?? ''));
    const cells = Object.entries(row).map(([column, value]): [string, LineCell] => {
      const unit = units.find(({ fields }) => fields.length === 1 && fields[0]?.name === column)?.name;
      const agreedWith = subscribers.flatMap(({ subscriber, children }) =>
        unit !== undefined && children[child.name]?.[key]?.units[unit]?.h === value ? [subscriber] : [],
      );
      const known =
        unit === undefined
          ? undefined
          : originOf(`${child.name}${key}.${unit}`, value, timeline, { edit: undefined, agreedWith });
      const origin = known?.at === null ? (asWritten(child.name, value, timeline) ?? known) : known;
      const reference = find(column, value);
      return [
        column,
        { value, ...(reference === undefined ? {} : { reference }), ...(origin === undefined ? {} : { origin }) },
      ];
    });
    return { key, cells: Object.fromEntries(cells) };
  });
  const columns = child.columns.map(({ name }) => name).filter((name) => name !== child.parent);
  return { name: child.name, columns, key: child.key, rows };
}

/** A history that tells nothing of a single line tells at least of the last write of all of them. */
function asWritten(
  collection: string,
  value: string | null,
  timeline: readonly TimelineEntry[],
): ValueOrigin | undefined {
  const last = timeline.findLast(
    ({ event, units }) => event === 'created' || event === 'record-created' || units.includes(collection),
  );
  if (last === undefined) return undefined;
  const { subscriber, direction, by, editedAt, at, event } = last;
  const isInward = direction === 'inward';
  const isNew = event === 'created' || event === 'record-created';
  const rule = isNew
    ? `it had these ${collection} when ${isInward ? 'it came from there' : 'its remote was made'}`
    : `the ${collection} as they were then`;
  return {
    value,
    by: isInward ? { kind: 'subscriber', subscriber } : (by ?? { kind: 'hub', role: null }),
    editedAt,
    at,
    rule,
    events: [],
  };
}
