/** Puts the capture triggers on the tables of catalogs: from then on every committed change leaves a mark. */
import { createHash } from 'node:crypto';
import type { CatalogDefinition, TableInfo } from '../catalog/catalog.js';
import { tableName, type TableShape } from '../catalog/column-sql.js';
import { readShape } from '../catalog/table.js';
import { SyncflowError } from '../errors.js';
import { quoteIdentifier, quoteLiteral, sqlState, type Database, type Queryable } from '../store/database.js';
import { captureTriggers, createTriggerSql, type CaptureShapes, type CaptureTrigger } from './triggers-sql.js';

export { triggerFunctionsSql } from './triggers-sql.js';

/** CREATE TRIGGER waits for open writes, and new writes wait behind it: so wait briefly, a few times. */
const lockTimeoutMs = 2_000;
const lockAttempts = 5;
const lock = "select pg_advisory_xact_lock(hashtext('syncflow.triggers'))";

interface Relation {
  /** Quoted, with its schema. */
  readonly name: string;
  readonly isPartition: boolean;
}

/** A trigger that should exist on a relation. */
interface Placement {
  readonly trigger: CaptureTrigger;
  readonly relation: Relation;
  readonly sql: string;
}

/**
 * Makes the triggers of all catalogs as they should be. Doubling it is harmless, and cheap where nothing has changed: the tables
 * are then not locked. On a partitioned table every partition gets triggers too (a write may name it), so run it again after
 * partitions were added; an UPDATE that moves a row to another partition under a new key counts as a delete and a change.
 *
 * @throws SyncflowError `table` for a view, a foreign table, a partition, or a table with inheritance.
 */
export async function installTriggers(db: Database, definitions: readonly CatalogDefinition[]): Promise<void> {
  for (const definition of definitions) await installCatalog(db, definition);
}

async function installCatalog(db: Database, definition: CatalogDefinition): Promise<void> {
  const placements = await plan(db, definition);
  const print = fingerprint(placements);
  if (await isInstalled(db, placements, print)) return;
  for (let attempt = 1; ; attempt++) {
    try {
      await db.transaction((tx) => install(tx, placements, print), { lockTimeoutMs });
      return;
    } catch (error) {
      if (sqlState(error) === '55P03' && attempt < lockAttempts) continue;
      throw explain(definition, error);
    }
  }
}

async function plan(db: Database, definition: CatalogDefinition): Promise<Placement[]> {
  const relations = new Map<TableInfo, readonly Relation[]>();
  const shapes = new Map<TableInfo, TableShape>();
  for (const table of [definition, ...definition.children]) {
    relations.set(table, await findRelations(db, definition, table));
    const shape = await readShape(db, table);
    if (shape !== undefined) shapes.set(table, shape);
  }
  const shape = shapes.get(definition);
  const captureShapes: CaptureShapes = {
    ...(shape === undefined ? {} : { table: shape }),
    children: Object.fromEntries(
      definition.children.flatMap((child) => {
        const childShape = shapes.get(child);
        return childShape === undefined ? [] : [[child.name, childShape]];
      }),
    ),
    partitioned: (relations.get(definition) ?? []).length > 1,
  };
  return captureTriggers(definition, captureShapes).flatMap((trigger) =>
    (relations.get(trigger.table) ?? [])
      // Postgres itself copies row triggers to partitions.
      .filter((relation) => !(relation.isPartition && trigger.event === 'rekey'))
      .map((relation) => ({
        trigger,
        relation,
        sql: createTriggerSql(trigger, relation.name, shapes.get(trigger.table)),
      })),
  );
}

const relationStatement = {
  name: 'syncflow_capture_relation',
  text: `
select c.oid::text as oid, c.relkind::text as relkind, c.relispartition as is_partition,
       exists (select 1 from pg_catalog.pg_inherits i where c.oid in (i.inhparent, i.inhrelid)) as inherits
  from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where n.nspname = $1 and c.relname = $2 and c.relkind in ('r', 'p', 'v', 'm', 'f')`,
};

const partitionsStatement = {
  name: 'syncflow_capture_partitions',
  text: `
select n.nspname::text as schema, c.relname::text as table, c.relkind::text as relkind
  from pg_catalog.pg_partition_tree($1::oid::regclass) p
  join pg_catalog.pg_class c on c.oid = p.relid
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where p.level > 0 order by 1, 2`,
};

async function findRelations(db: Queryable, definition: CatalogDefinition, table: TableInfo): Promise<Relation[]> {
  const refuse = (why: string, hint: string): never => {
    throw new SyncflowError(
      'table',
      `the catalog "${definition.name}" can't capture changes of ${tableName(table)}: ${why}`,
      {
        hint,
        context: { catalog: definition.name, table: table.table },
      },
    );
  };
  const [row] = await db.query<{ oid: string; relkind: string; is_partition: boolean; inherits: boolean }>(
    relationStatement,
    [table.schema, table.table],
  );
  if (row === undefined) return refuse('there is no such table', 'Create it, or let Syncflow do so (ensureTable).');
  if (row.relkind === 'v' || row.relkind === 'm')
    return refuse('it is a view', 'Declare the catalog on the table beneath the view.');
  if (row.relkind === 'f')
    return refuse('it is a foreign table', 'Its changes happen elsewhere. Declare that database as a subscriber.');
  if (row.is_partition) return refuse('it is a partition', 'Declare the catalog on the partitioned table.');
  const self = { name: tableName(table), isPartition: false };
  if (row.relkind === 'r') {
    if (row.inherits)
      return refuse(
        'it takes part in inheritance',
        'Triggers of a parent miss the rows of its children. Use declarative partitions, or one table.',
      );
    return [self];
  }
  const partitions = await db.query<{ schema: string; table: string; relkind: string }>(partitionsStatement, [row.oid]);
  const foreign = partitions.find((one) => one.relkind === 'f');
  if (foreign !== undefined)
    return refuse(`its partition ${tableName(foreign)} is a foreign table`, 'Detach that partition.');
  return [self, ...partitions.map((one) => ({ name: tableName(one), isPartition: true }))];
}

/** Changes whenever any function or trigger would be made differently. It is kept as the comment of one of the functions. */
function fingerprint(placements: readonly Placement[]): string {
  const hash = createHash('sha256');
  for (const { trigger, sql } of placements) hash.update(trigger.functionSql).update('\0').update(sql).update('\0');
  return `syncflow ${hash.digest('hex').slice(0, 32)}`;
}

function placementName({ trigger, relation }: Placement): string {
  return JSON.stringify([trigger.functionName, trigger.triggerName, relation.name]);
}

interface FoundTrigger {
  readonly function: string;
  readonly trigger: string;
  readonly schema: string;
  readonly table: string;
  readonly enabled: string;
  readonly comment: string | null;
}

async function findTriggers(db: Queryable, placements: readonly Placement[]): Promise<FoundTrigger[]> {
  const functions = JSON.stringify([...new Set(placements.map((one) => one.trigger.functionName))]);
  return db.query<FoundTrigger>(
    {
      name: 'syncflow_capture_triggers',
      text: `
select p.proname::text as function, t.tgname::text as trigger, tn.nspname::text as schema, c.relname::text as table,
       t.tgenabled::text as enabled, pg_catalog.obj_description(p.oid, 'pg_proc') as comment
  from pg_catalog.pg_proc p
  join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace and pn.nspname = 'syncflow'
  join pg_catalog.pg_trigger t on t.tgfoid = p.oid and t.tgparentid = 0
  join pg_catalog.pg_class c on c.oid = t.tgrelid
  join pg_catalog.pg_namespace tn on tn.oid = c.relnamespace
 where p.proname in (select json_array_elements_text($1::json))`,
    },
    [functions],
  );
}

async function isInstalled(db: Queryable, placements: readonly Placement[], print: string): Promise<boolean> {
  const found = await findTriggers(db, placements);
  const enabled = new Set(
    found
      .filter((one) => one.enabled === 'O' || one.enabled === 'A')
      .map((one) => JSON.stringify([one.function, one.trigger, tableName(one)])),
  );
  return (
    found.length === placements.length &&
    placements.every((one) => enabled.has(placementName(one))) &&
    found.some((one) => one.comment === print)
  );
}

/** What of a catalog's capture isn't as it should be: names of triggers, with their tables. Changes nothing. */
export async function uncaptured(
  db: Database,
  definition: CatalogDefinition,
): Promise<{ readonly missing: readonly string[]; readonly disabled: readonly string[]; readonly outdated: boolean }> {
  const placements = await plan(db, definition);
  const found = await findTriggers(db, placements);
  const states = new Map(
    found.map((one) => [JSON.stringify([one.function, one.trigger, tableName(one)]), one.enabled]),
  );
  const shown = ({ trigger, relation }: Placement): string => `${trigger.triggerName} on ${relation.name}`;
  return {
    missing: placements.filter((one) => !states.has(placementName(one))).map(shown),
    disabled: placements.filter((one) => ['D', 'R'].includes(states.get(placementName(one)) ?? '')).map(shown),
    outdated: !found.some((one) => one.comment === fingerprint(placements)),
  };
}

/**
 * Tables of a catalog that were captured once, and where the triggers are that call the functions of each: with a table that was
 * renamed they went along; nowhere, if it was dropped.
 */
export async function capturedBefore(
  db: Queryable,
  definition: CatalogDefinition,
): Promise<ReadonlyMap<TableInfo, readonly string[]>> {
  const tables = new Map(captureTriggers(definition, {}).map((one) => [one.functionName, one.table]));
  const rows = await db.query<{ function: string; schema: string | null; table: string | null }>(
    `select distinct p.proname::text as function, tn.nspname::text as schema, c.relname::text as table
       from pg_catalog.pg_proc p
       join pg_catalog.pg_namespace pn on pn.oid = p.pronamespace and pn.nspname = 'syncflow'
       left join pg_catalog.pg_trigger t on t.tgfoid = p.oid and t.tgparentid = 0
       left join pg_catalog.pg_class c on c.oid = t.tgrelid
       left join pg_catalog.pg_namespace tn on tn.oid = c.relnamespace
      where p.proname in (select json_array_elements_text($1::json))`,
    [JSON.stringify([...tables.keys()])],
  );
  const found = new Map<TableInfo, Set<string>>();
  for (const row of rows) {
    const table = tables.get(row.function);
    if (table === undefined) continue;
    const places = found.get(table) ?? new Set();
    if (row.schema !== null && row.table !== null) places.add(`${row.schema}.${row.table}`);
    found.set(table, places);
  }
  return new Map([...found].map(([table, places]) => [table, [...places]]));
}

async function install(tx: Queryable, placements: readonly Placement[], print: string): Promise<void> {
  await tx.query(lock);
  const wanted = new Set(placements.map(placementName));
  for (const found of await findTriggers(tx, placements)) {
    // A catalog that was moved to another table: its functions no longer fit the old one, and would break writes there.
    if (wanted.has(JSON.stringify([found.function, found.trigger, tableName(found)]))) continue;
    await tx.query(`drop trigger ${quoteIdentifier(found.trigger)} on ${tableName(found)}`);
  }
  const functions = new Map(placements.map((one) => [one.trigger.functionName, one.trigger.functionSql]));
  for (const sql of functions.values()) await tx.query(sql);
  for (const { sql } of placements) await tx.query(sql); // replacing a trigger also enables it again
  const first = placements[0];
  if (first !== undefined) {
    await tx.query(
      `comment on function syncflow.${quoteIdentifier(first.trigger.functionName)}() is ${quoteLiteral(print)}`,
    );
  }
}

function explain(definition: CatalogDefinition, error: unknown): unknown {
  const what = `the triggers of the catalog "${definition.name}" can't be installed`;
  const options = { context: { catalog: definition.name }, cause: error };
  switch (sqlState(error)) {
    case '55P03':
      return new SyncflowError('table', `${what}: ${tableName(definition)} is locked by a long transaction`, {
        ...options,
        hint: 'Try again when it has ended; pg_stat_activity shows it. Or install them at a quiet time.',
      });
    case '42501':
      return new SyncflowError('table', `${what}: permission denied`, {
        ...options,
        hint: `Run: grant trigger on ${tableName(definition)} to <the role of the hub URL>; that role must own the schema "syncflow".`,
      });
    case '3F000':
      return new SyncflowError('schema', `${what}: the schema "syncflow" is missing`, {
        ...options,
        hint: 'Run migrate first.',
      });
    default:
      return error;
  }
}
