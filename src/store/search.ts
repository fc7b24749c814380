/** Rows of a user's own table that show a text: for a person who searches. Bounded in rows and in time. */
import type { CatalogDefinition } from '../catalog/catalog.js';
import { keyExpression, tableName } from '../catalog/column-sql.js';
import type { RecordKey } from '../catalog/key.js';
import { quoteIdentifier, type Database } from './database.js';

export interface ShownRow {
  readonly key: RecordKey;
  /** The field that shows it, and all of its text. */
  readonly field: string;
  readonly value: string;
}

const longestMs = 2_000;

/** Rows of which a text field begins with these words, whatever the case; those whose e-mail does come first. */
export async function rowsThatShow(
  db: Database,
  definition: CatalogDefinition,
  text: string,
  limit: number,
): Promise<ShownRow[]> {
  const fields = definition.columns
    .filter(({ column, name }) => column.kind === 'text' && !definition.key.includes(name))
    .map(({ name }) => name)
    .sort((a, b) => Number(isMail(b)) - Number(isMail(a)));
  if (fields.length === 0 || text.length < 2) return [];
  const columns = fields.map((name) => `t.${quoteIdentifier(name)}::text`);
  const pattern = `${text.replace(/[\\%_]/g, (sign) => `\\${sign}`)}%`;
  const rows = await db.transaction(async (tx) => {
    await tx.query(`set local statement_timeout = ${longestMs}`);
    return tx.query<{ key: RecordKey; texts: string }>(
      `select ${keyExpression(definition, undefined, 't')} as key, json_build_array(${columns.join(', ')})::text as texts
       from ${tableName(definition)} t where ${columns.map((column) => `${column} ilike $1`).join(' or ')} limit ${limit}`,
      [pattern],
    );
  });
  return rows
    .flatMap(({ key, texts }) => shownIn(key, JSON.parse(texts) as (string | null)[], fields, text))
    .sort((a, b) => fields.indexOf(a.field) - fields.indexOf(b.field));
}

function shownIn(
  key: RecordKey,
  texts: readonly (string | null)[],
  fields: readonly string[],
  text: string,
): ShownRow[] {
  const wanted = text.toLowerCase();
  // the database may fold letters that we don't: then the first field stands for it
  const index = Math.max(
    0,
    texts.findIndex((one) => one?.toLowerCase().startsWith(wanted) === true),
  );
  return [{ key, field: fields[index] ?? '', value: texts[index] ?? '' }];
}

const isMail = (name: string): boolean => /mail/i.test(name);
