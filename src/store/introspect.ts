/** Reads what tables a database has, as far as a catalog needs to know. */
import type { Queryable } from './database.js';

export interface FoundColumn {
  readonly name: string;
  /** `pg_type.typname` of the base type: a domain's is resolved. */
  readonly type: string;
  /** The declared type for people: `numeric(10,2)`, `integer[]`. */
  readonly typeName: string;
  /** `b` base, `e` enum, `c` composite, `r` range, `m` multirange. */
  readonly typeKind: string;
  readonly required: boolean;
  /** Its default as SQL; undefined where it has none. An identity column has one that isn't shown. */
  readonly defaultSql: string | undefined;
  readonly hasDefault: boolean;
  /** Computed from other columns. */
  readonly generated: boolean;
  readonly precision: number | undefined;
  readonly scale: number | undefined;
  readonly length: number | undefined;
  /** Of an enum, in their order. */
  readonly labels: readonly string[];
}

export interface FoundReference {
  readonly columns: readonly string[];
  readonly schema: string;
  readonly table: string;
  readonly targetColumns: readonly string[];
  readonly cascades: boolean;
}

export interface FoundTable {
  readonly schema: string;
  readonly table: string;
  readonly columns: readonly FoundColumn[];
  /** The primary key, else a unique index over columns that are never NULL; undefined where there is none. */
  readonly key: readonly string[] | undefined;
  readonly references: readonly FoundReference[];
  /** A trigger runs before each row is inserted, and may fill columns. */
  readonly fillsOnInsert: boolean;
}

const tablesStatement = `
with recursive base as (
  select a.attrelid, a.attnum, t.oid, t.typtype, t.typbasetype, a.atttypmod as typmod, a.attnotnull as required,
         d.adbin is not null or a.attidentity <> '' as has_default
    from pg_catalog.pg_attribute a
    join pg_catalog.pg_type t on t.oid = a.atttypid
    left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
   where a.attnum > 0 and not a.attisdropped
  union all
  select b.attrelid, b.attnum, t.oid, t.typtype, t.typbasetype,
         case when b.typmod = -1 then d.typtypmod else b.typmod end, b.required or d.typnotnull,
         b.has_default or d.typdefault is not null
    from base b
    join pg_catalog.pg_type d on d.oid = b.oid and b.typtype = 'd'
    join pg_catalog.pg_type t on t.oid = d.typbasetype
)
select n.nspname as schema, c.relname as "table",
  (select coalesce(json_agg(json_build_object(
            'name', a.attname, 'type', t.typname, 'typeName', pg_catalog.format_type(a.atttypid, a.atttypmod),
            'typeKind', t.typtype, 'required', b.required, 'hasDefault', b.has_default,
            'defaultSql', case when a.attgenerated = '' then pg_catalog.pg_get_expr(d.adbin, d.adrelid) end,
            'generated', a.attgenerated <> '',
            'precision', case when t.typname = 'numeric' and b.typmod >= 4 then ((b.typmod - 4) >> 16) & 65535 end,
            'scale', case when t.typname = 'numeric' and b.typmod >= 4 then ((((b.typmod - 4) & 2047) # 1024) - 1024) end,
            'length', case when t.typname in ('varchar', 'bpchar') and b.typmod >= 4 then b.typmod - 4 end,
            'labels', (select coalesce(json_agg(e.enumlabel order by e.enumsortorder), '[]')
                         from pg_catalog.pg_enum e where e.enumtypid = t.oid)
          ) order by a.attnum), '[]')::text
     from pg_catalog.pg_attribute a
     join base b on b.attrelid = a.attrelid and b.attnum = a.attnum and b.typtype <> 'd'
     join pg_catalog.pg_type t on t.oid = b.oid
     left join pg_catalog.pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
    where a.attrelid = c.oid) as columns,
  (select json_agg(k.name order by k.position)::text
     from (select i.indexrelid from pg_catalog.pg_index i
            where i.indrelid = c.oid and i.indisunique and i.indisvalid and i.indpred is null and i.indexprs is null
              and not exists (select 1 from pg_catalog.pg_attribute a
                               where a.attrelid = c.oid and a.attnum = any ((i.indkey::int2[])[0:i.indnkeyatts - 1])
                                 and not a.attnotnull)
            order by i.indisprimary desc, i.indnkeyatts, i.indexrelid limit 1) best
     join pg_catalog.pg_index i on i.indexrelid = best.indexrelid
     cross join lateral (
       select a.attname as name, p.position
         from unnest((i.indkey::int2[])[0:i.indnkeyatts - 1]) with ordinality as p (attnum, position)
         join pg_catalog.pg_attribute a on a.attrelid = c.oid and a.attnum = p.attnum) k) as key,
  (select coalesce(json_agg(json_build_object(
            'columns', (select json_agg(a.attname order by p.position) from unnest(f.conkey) with ordinality as p (attnum, position)
                          join pg_catalog.pg_attribute a on a.attrelid = f.conrelid and a.attnum = p.attnum),
            'schema', tn.nspname, 'table', tc.relname,
            'targetColumns', (select json_agg(a.attname order by p.position) from unnest(f.confkey) with ordinality as p (attnum, position)
                                join pg_catalog.pg_attribute a on a.attrelid = f.confrelid and a.attnum = p.attnum),
            'cascades', f.confdeltype = 'c') order by f.conname), '[]')::text
     from pg_catalog.pg_constraint f
     join pg_catalog.pg_class tc on tc.oid = f.confrelid
     join pg_catalog.pg_namespace tn on tn.oid = tc.relnamespace
    where f.conrelid = c.oid and f.contype = 'f') as "references",
  exists (select 1 from pg_catalog.pg_trigger g
           where g.tgrelid = c.oid and not g.tgisinternal and g.tgenabled <> 'D' and g.tgtype & 7 = 7) as fills_on_insert
  from pg_catalog.pg_class c
  join pg_catalog.pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p') and not c.relispartition
   and n.nspname not in ('pg_catalog', 'information_schema', 'syncflow') and n.nspname !~ '^pg_(toast|temp)'
   and not exists (select 1 from pg_catalog.pg_depend x where x.classid = 'pg_catalog.pg_class'::regclass and x.objid = c.oid and x.deptype = 'e')
 order by n.nspname <> 'public', n.nspname, c.relname`;

interface TableRow {
  readonly schema: string;
  readonly table: string;
  readonly columns: string;
  readonly key: string | null;
  readonly references: string;
  readonly fills_on_insert: boolean;
}

type Nulls<T> = { [N in keyof T]: undefined extends T[N] ? Exclude<T[N], undefined> | null : T[N] };

/** The tables of a database, its own first; neither Syncflow's nor those of extensions. */
export async function findTables(db: Queryable): Promise<FoundTable[]> {
  const rows = await db.query<TableRow>({ text: tablesStatement });
  return rows.map((row) => ({
    schema: row.schema,
    table: row.table,
    columns: (JSON.parse(row.columns) as Nulls<FoundColumn>[]).map(
      ({ defaultSql, precision, scale, length, ...rest }) => ({
        ...rest,
        defaultSql: defaultSql ?? undefined,
        precision: precision ?? undefined,
        scale: scale ?? undefined,
        length: length ?? undefined,
      }),
    ),
    key: row.key === null ? undefined : (JSON.parse(row.key) as string[]),
    references: JSON.parse(row.references) as FoundReference[],
    fillsOnInsert: row.fills_on_insert,
  }));
}

/** What looks like a table and is none: views, materialized views, foreign tables. */
export interface FoundRelation {
  readonly schema: string;
  readonly table: string;
  readonly what: 'a view' | 'a materialized view' | 'a foreign table';
}

export async function findRelations(db: Queryable): Promise<FoundRelation[]> {
  return db.query({
    text: `select n.nspname as schema, c.relname as table,
        case c.relkind when 'v' then 'a view' when 'm' then 'a materialized view' else 'a foreign table' end as what
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('v', 'm', 'f') and n.nspname not in ('pg_catalog', 'information_schema', 'syncflow')
      order by n.nspname, c.relname`,
  });
}
