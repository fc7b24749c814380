/** The SQL of the capture triggers: pure text, made from a catalog's definition and the real types of its columns. */
import { createHash } from 'node:crypto';
import type { CatalogDefinition, ChildInfo, TableInfo } from '../catalog/catalog.js';
import { castType, fieldOf, keyExpression, keyPartExpression, type TableShape } from '../catalog/column-sql.js';
import { quoteIdentifier, quoteLiteral } from '../store/database.js';
import { asleepSeconds, bulkIds } from '../store/marks.js';

export type CaptureEvent = 'insert' | 'update' | 'delete' | 'truncate' | 'rekey';

/** A trigger and the function of its own that it calls. */
export interface CaptureTrigger {
  readonly event: CaptureEvent;
  readonly table: TableInfo;
  /** Without the schema, which is `syncflow`. */
  readonly functionName: string;
  readonly triggerName: string;
  readonly functionSql: string;
}

/** What the text of a catalog's triggers depends on besides its definition. */
export interface CaptureShapes {
  readonly table?: TableShape;
  readonly children?: Readonly<Record<string, TableShape>>;
  /** An UPDATE may move rows between partitions; then the change of a key isn't seen by the row trigger. */
  readonly partitioned?: boolean;
}

/** The functions of a catalog's capture triggers, for review and for tests. */
export function triggerFunctionsSql(definition: CatalogDefinition, shapes: CaptureShapes = {}): string {
  return captureTriggers(definition, shapes)
    .map((trigger) => `${trigger.functionSql};\n`)
    .join('\n');
}

export function captureTriggers(definition: CatalogDefinition, shapes: CaptureShapes): CaptureTrigger[] {
  return [
    ...tableTriggers(definition, shapes),
    ...definition.children.flatMap((child) => childTriggers(definition, child, shapes)),
  ];
}

/** `create or replace trigger …` on a table, or on one of its partitions. */
export function createTriggerSql(trigger: CaptureTrigger, relation: string, shape: TableShape | undefined): string {
  const head = `create or replace trigger ${quoteIdentifier(trigger.triggerName)} after`;
  const call = `execute function syncflow.${quoteIdentifier(trigger.functionName)}()`;
  switch (trigger.event) {
    case 'insert':
      return `${head} insert on ${relation} referencing new table as new_rows for each statement ${call}`;
    case 'update':
      return `${head} update on ${relation} referencing old table as old_rows new table as new_rows for each statement ${call}`;
    case 'delete':
      return `${head} delete on ${relation} referencing old table as old_rows for each statement ${call}`;
    case 'truncate':
      return `${head} truncate on ${relation} for each statement ${call}`;
    case 'rekey':
      return `${head} update on ${relation} for each row when (${keyChanged(trigger.table, shape)}) ${call}`;
  }
}

function tableTriggers(definition: CatalogDefinition, shapes: CaptureShapes): CaptureTrigger[] {
  const shape = shapes.table;
  const name = definition.name;
  const key = (alias: string): string => keyExpression(definition, shape, alias);
  const statement = statementVariable(definition);
  const gone = `(select ${key('o')} as key from old_rows o except select ${key('n')} from new_rows n) as gone`;
  return [
    trigger('insert', definition, name, marks(name, key('n'), 'I', 'new_rows n')),
    trigger('update', definition, name, [
      ...updateMarks(name, key('n'), 'new_rows n'),
      ...(shapes.partitioned === true ? [...marks(name, 'gone.key', 'D', gone)] : []),
      // the rows of the statement are through: the next one that changes keys is another
      `if current_setting('${statement}', true) <> '' then perform set_config('${statement}', '', true); end if;`,
    ]),
    trigger('delete', definition, name, marks(name, key('o'), 'D', 'old_rows o')),
    trigger('truncate', definition, name, marks(name, 'null::text', 'T')),
    trigger('rekey', definition, name, [
      `if coalesce(current_setting('${statement}', true), '') = '' then perform set_config('${statement}', gen_random_uuid()::text, true); end if;`,
      `insert into syncflow.mark (catalog, key, op, old_key, statement, origin, except_subscribers, at)`,
      `values (${quoteLiteral(name)}, ${key('new')}, 'K', ${key('old')}, current_setting('${statement}'), origin_name, ${exceptSettled(key('old'))}, edited_at);`,
    ]),
  ];
}

/** Of one catalog: a foreign key may carry a change of key on to the rows of another in the midst of its statement. */
function statementVariable({ name }: CatalogDefinition): string {
  return `syncflow.statement_${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
}

/** A change of a child row is a change of its parent: of the old one and of the new one. */
function childTriggers(definition: CatalogDefinition, child: ChildInfo, shapes: CaptureShapes): CaptureTrigger[] {
  const suffix = `${definition.name}.${child.name}`;
  const parentKey = fieldOf(definition, definition.key[0] ?? '');
  const column = quoteIdentifier(child.parent);
  const actual = castType(fieldOf(child, child.parent), shapes.children?.[child.name]);
  const parents = (alias: string, rows: string): string =>
    `select json_build_array(${keyPartExpression(parentKey.column, actual, `${alias}.${column}`)})::text as key from ${rows} ${alias} where ${alias}.${column} is not null`;
  const changed = (from: string): string[] => updateMarks(definition.name, 'parent.key', `(${from}) as parent`);
  const once = (alias: string, rows: string): string => parents(alias, rows).replace('select ', 'select distinct ');
  return [
    trigger('insert', child, suffix, changed(once('n', 'new_rows'))),
    trigger('update', child, suffix, changed(`${parents('o', 'old_rows')} union ${parents('n', 'new_rows')}`)),
    trigger('delete', child, suffix, changed(once('o', 'old_rows'))),
    // No row is named by a TRUNCATE: a mark without a key says that every record may have changed.
    trigger('truncate', child, suffix, marks(definition.name, 'null::text', 'U')),
  ];
}

/** Rows of one statement from which on its updates wait behind other people's edits. */
const bulkRows = 1_000;

/**
 * Marks of updates. Those of a mass UPDATE get ids above all others, so that the edits that come after it needn't wait until all of it
 * is routed: an update says nothing but "look again", and so may be told late. (Not an insert or a deletion, which must keep their order.)
 */
function updateMarks(catalog: string, key: string, from: string): string[] {
  return [
    'insert into syncflow.mark (id, catalog, key, op, origin, except_subscribers, at)',
    `select nextval('syncflow.mark_id_seq') + case when exists (select from ${from} offset ${bulkRows - 1}) then ${bulkIds} else 0 end,`,
    `  ${quoteLiteral(catalog)}, ${key}, 'U', origin_name, ${exceptSettled(key, "settled_rows in ('updates', 'updates and inserts')")}, edited_at from ${from};`,
    'marked := marked or found;',
  ];
}

/** Of the rows that whoever writes has named: a foreign key that cascades may change others at the same depth. */
function exceptSettled(key: string, when = 'true'): string {
  const named = `${key} in (select value from json_array_elements_text(current_setting('syncflow.settled_keys')::json))`;
  return `coalesce(except_names, case when settling is not null and ${when} then case when ${named} then settling end end)`;
}

function marks(catalog: string, key: string, op: string, from?: string): string[] {
  return [
    'insert into syncflow.mark (catalog, key, op, origin, except_subscribers, at)',
    `select ${quoteLiteral(catalog)}, ${key}, '${op}', origin_name, ${op === 'I' ? `coalesce(except_names, case when settled_rows = 'updates and inserts' then settling end)` : 'except_names'}, edited_at${from === undefined ? '' : ` from ${from}`};`,
    'marked := marked or found;',
  ];
}

function trigger(event: CaptureEvent, table: TableInfo, suffix: string, body: readonly string[]): CaptureTrigger {
  const functionName = identifier(`capture_${event}_${suffix}`);
  const isRow = event === 'rekey'; // the statement's own trigger follows and rings
  return {
    event,
    table,
    functionName,
    triggerName: identifier(`syncflow_${event}_${suffix}`),
    functionSql: [
      `create or replace function syncflow.${quoteIdentifier(functionName)}() returns trigger`,
      'language plpgsql security definer set search_path = pg_catalog, pg_temp as $capture$',
      '#variable_conflict use_variable', // a user's column may have the name of one of ours; columns are always qualified
      'declare',
      // the session's role: inside of this function the current one is its owner
      "  origin_name constant text := coalesce(nullif(current_setting('syncflow.origin', true), ''),",
      "    '@' || session_user || coalesce(' (' || nullif(current_setting('application_name', true), '') || ')', ''));",
      "  except_names constant text := nullif(current_setting('syncflow.except', true), '');",
      // what a trigger of the user's writes within the statement is nobody's to settle
      "  settled_rows constant text := coalesce(current_setting('syncflow.settled_rows', true), '');",
      "  settling constant text := case when pg_trigger_depth() = 1 then nullif(current_setting('syncflow.settles', true), '') end;",
      "  edited_at constant timestamptz := coalesce(nullif(current_setting('syncflow.edited_at', true), '')::timestamptz, clock_timestamp());",
      ...(isRow ? [] : ['  marked boolean := false;']),
      'begin',
      ...body.map((line) => `  ${line}`),
      ...(isRow
        ? []
        : [
            `  if marked and exists (select 1 from syncflow.sleeper where since > clock_timestamp() - interval '${asleepSeconds} s')`,
            "  then perform pg_notify('syncflow', ''); end if;",
          ]),
      '  return null;',
      'end $capture$',
    ].join('\n'),
  };
}

/** Compares texts byte by byte: a case-insensitive collation or type must not hide a change of key. */
function keyChanged(table: TableInfo, shape: TableShape | undefined): string {
  return table.key
    .map((name) => {
      const field = fieldOf(table, name);
      const column = quoteIdentifier(name);
      if (field.column.kind === 'text')
        return `old.${column}::text collate "C" is distinct from new.${column}::text collate "C"`;
      if (field.column.kind !== 'decimal') return `old.${column} is distinct from new.${column}`;
      const text = (alias: string): string =>
        keyPartExpression(field.column, castType(field, shape), `${alias}.${column}`);
      return `${text('old')} is distinct from ${text('new')}`;
    })
    .join(' or ');
}

const longestIdentifierBytes = 63;

function identifier(name: string): string {
  if (Buffer.byteLength(name) <= longestIdentifierBytes) return name;
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 12);
  // Cut by bytes, then drop a character that was cut in half.
  const head = Buffer.from(name)
    .subarray(0, longestIdentifierBytes - hash.length - 1)
    .toString()
    .replace(/\ufffd+$/, '');
  return `${head}_${hash}`;
}
