/** Both sides of one record, for each of its subscribers, and how they came to be so. Reads only. */
import type { AnyRecord, TableInfo } from '../catalog/catalog.js';
import { givenKey } from '../catalog/given-key.js';
import type { RecordKey } from '../catalog/key.js';
import { toCanonical } from '../catalog/values.js';
import { extractRecord, type Binding, type CatalogBinding } from '../engine/binding.js';
import type { Environment } from '../engine/environment.js';
import { messageOf, SyncflowError } from '../errors.js';
import { hubText } from '../merge/project.js';
import {
  conflictsOfRecord,
  eventsAbout,
  historyOfRecord,
  keyOfRemote,
  linksOfRecord,
  openIntentsOf,
  unroutedMarks,
  type LinkReport,
  type MarkReport,
} from '../store/audit.js';
import { sqlState } from '../store/database.js';
import { intentKeyOf, intentsByCause } from '../store/intents.js';
import type { Explanation, RecordReport, SubscriberReport, TimelineEntry, ValueOrigin } from './explanation.js';
import { fetchRemote, reportOf } from './sides.js';
import { catalogNamed, checkField, isAbout, nothingKnown } from './subject.js';
import { aboutField, originOf, timelineOf, writerOf, type LastEdit } from './timeline.js';

export interface ExplainRequest {
  readonly catalog: string;
  /** Its text (`["42"]`), its value, or an object with every key field. */
  readonly key: unknown;
  /** Only what concerns this field, unit or collection. */
  readonly field?: string | undefined;
  /** Also reads the remotes as they are now. */
  readonly fetch?: boolean | undefined;
}

/** Newest entries of each kind that are read. */
const limit = 500;

/** The column may be narrower than the field: a text for a uuid, say. */
async function loadGiven(env: Environment, { definition, rows }: CatalogBinding, key: RecordKey) {
  try {
    return await rows.load(env.db, [key]);
  } catch (error) {
    if (sqlState(error)?.startsWith('22') !== true) throw error;
    throw new SyncflowError('usage', `that can't be a key of ${definition.name}: ${messageOf(error)}`, {
      hint: `Its key is ${definition.key.join(', ')}, as the table has it.`,
      cause: error,
    });
  }
}

/** @throws SyncflowError `usage` for a catalog, key or field that isn't there, saying what may have been meant */
export async function explain(
  env: Environment,
  catalogs: ReadonlyMap<string, CatalogBinding>,
  bindings: readonly Binding[],
  request: ExplainRequest,
): Promise<Explanation> {
  const catalog = catalogNamed(catalogs, request.catalog);
  const own = bindings.filter((binding) => binding.catalog === catalog);
  const key = givenKey(catalog.definition, request.key);
  if (request.field !== undefined) checkField(catalog, own, request.field);
  const row = (await loadGiven(env, catalog, key)).get(key);
  const { record, softDeleted } = extractRecord(catalog, row);
  const ids = own.map((binding) => binding.id);
  const links = await linksOfRecord(env.db, ids, key);
  const traces = await tracesOf(env, ids, key, links);
  if (row === undefined && links.length === 0 && traces.entries.length === 0)
    throw nothingKnown(catalog.definition, key, await ownerOf(env, ids, key));
  const marks = await unroutedMarks(env.db, catalog.definition.name, key);
  const intents = await openIntentsOf(
    env.db,
    links.map((link) => link.id),
  );
  const subscribers = own.map((binding) =>
    reportOf(binding, {
      links: links.filter((link) => link.subscriber === binding.id),
      intents: intents.filter((intent) => intent.subscriber === binding.id),
      key,
      record,
      field: request.field,
    }),
  );
  return {
    catalog: catalog.definition.name,
    key,
    field: request.field ?? null,
    record: row === undefined ? null : recordReport(catalog, row),
    softDeleted,
    unrouted: marks.map(({ at, origin }) => ({ at, by: writerOf(origin) })),
    origins:
      record === undefined
        ? {}
        : originsOf(own, record, traces.entries, { edit: lastEdit(links, marks), subscribers }, request.field),
    subscribers:
      request.fetch === true
        ? await Promise.all(subscribers.map((one, index) => fetchRemote(env, own[index] as Binding, one, record)))
        : subscribers,
    timeline: request.field === undefined ? traces.entries : ofField(own, traces.entries, request.field),
    truncated: traces.truncated,
  };
}

async function tracesOf(
  env: Environment,
  ids: readonly string[],
  key: RecordKey,
  links: readonly LinkReport[],
): Promise<{ readonly entries: TimelineEntry[]; readonly truncated: boolean }> {
  // a record whose key was changed has a past under the old one, which may be another record's by now
  const moved = links.filter((link) => link.key === key && link.formerKey !== null);
  const keys = [key, ...moved.flatMap((link) => link.formerKey ?? [])];
  const history = await historyOfRecord(env.db, ids, keys, limit);
  const conflicts = await conflictsOfRecord(env.db, ids, keys, limit);
  const remotes = links.flatMap(({ subscriber, remoteId }) => (remoteId === null ? [] : [{ subscriber, remoteId }]));
  const events = await eventsAbout(env.db, remotes, limit);
  const causes = events.flatMap((event) => event.cause ?? []);
  const known = await intentsByCause(env.db, causes);
  const entries = timelineOf({
    history: history.filter(
      (one) =>
        one.key === key || moved.some((link) => link.subscriber === one.subscriber && link.remoteId === one.remoteId),
    ),
    conflicts: conflicts.filter((one) => one.key === key || moved.some((link) => link.id === one.linkId)),
    events,
    ours: new Set(causes.filter((cause) => known.has(intentKeyOf(cause)))),
  });
  return { entries, truncated: [history, conflicts, events].some((rows) => rows.length === limit) };
}

/** Perhaps the key is the id of a remote. */
function ownerOf(env: Environment, ids: readonly string[], key: RecordKey) {
  const [only, ...more] = JSON.parse(key) as string[];
  return only === undefined || more.length > 0 ? Promise.resolve(undefined) : keyOfRemote(env.db, ids, only);
}

function lastEdit(links: readonly LinkReport[], marks: readonly MarkReport[]): LastEdit | undefined {
  const edits = [
    ...links.flatMap(({ editedAt, editedBy }) => (editedAt === null ? [] : [{ at: editedAt, by: writerOf(editedBy) }])),
    ...marks.map(({ at, origin }) => ({ at, by: writerOf(origin) })),
  ];
  return edits.sort((a, b) => (a.at < b.at ? -1 : 1)).at(-1);
}

function originsOf(
  bindings: readonly Binding[],
  record: AnyRecord,
  entries: readonly TimelineEntry[],
  known: { readonly edit: LastEdit | undefined; readonly subscribers: readonly SubscriberReport[] },
  field: string | undefined,
): Record<string, ValueOrigin> {
  const origins: Record<string, ValueOrigin> = {};
  const agreed = (name: string): { subscriber: string; isInward: boolean }[] =>
    known.subscribers.flatMap(({ subscriber, units }) => {
      const unit = units.find((one) => one.unit === name && one.state === 'agreed');
      return unit === undefined ? [] : [{ subscriber, isInward: unit.direction === 'inward' }];
    });
  for (const { mapping } of bindings) {
    const wanted = field === undefined ? () => true : isAbout(mapping, field);
    for (const unit of mapping.units) {
      if (!wanted(unit.name) || Object.hasOwn(origins, unit.name)) continue;
      const origin = originOf(unit.name, hubText(unit, record), entries, {
        ...known,
        agreedWith: agreed(unit.name).map(({ subscriber }) => subscriber),
        decidedBy: agreed(unit.name).find(({ isInward }) => isInward)?.subscriber,
      });
      if (origin !== undefined) origins[unit.name] = origin;
    }
  }
  return origins;
}

function ofField(bindings: readonly Binding[], entries: readonly TimelineEntry[], field: string): TimelineEntry[] {
  const about = new Map(bindings.map((binding) => [binding.id, isAbout(binding.mapping, field)]));
  return entries.flatMap((entry) => aboutField([entry], about.get(entry.subscriber) ?? isAbout(undefined, field)));
}

function recordReport({ definition }: CatalogBinding, row: AnyRecord): RecordReport {
  return {
    fields: texts(definition, row),
    children: Object.fromEntries(
      definition.children.map((child) => [
        child.name,
        ((row[child.name] ?? []) as readonly AnyRecord[]).map((one) => texts(child, one)),
      ]),
    ),
  };
}

function texts(table: TableInfo, row: AnyRecord): Record<string, string | null> {
  return Object.fromEntries(table.columns.map((column) => [column.name, toCanonical(column.column, row[column.name])]));
}
