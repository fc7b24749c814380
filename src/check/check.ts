/** Compares every mapping with its catalog, its remote and real values. Reads only: it makes no table, no trigger, no schema. */
import type { CatalogClass } from '../catalog/catalog.js';
import { bindSubscribers, type Accounts } from '../engine/bind.js';
import type { Binding, CatalogBinding } from '../engine/binding.js';
import { messageOf, SyncflowError } from '../errors.js';
import type { Database } from '../store/database.js';
import { HubRows } from '../store/rows.js';
import type { RowStatements } from '../store/rows-sql.js';
import type { Finding } from './finding.js';
import { checkSchema } from './schema.js';
import { checkShared } from './shared.js';
import { checkTable, unasked, type TableCheck, type TableProblem } from './table.js';
import { tryRemotes, tryRows } from './trial.js';

export interface CheckOptions {
  readonly catalogs: readonly CatalogClass[];
  readonly accounts: Accounts;
  readonly environment: string;
  /** The hub, opened; undefined where its rows can't be read now. */
  readonly database: Database | undefined;
  /** Rows of each catalog that are tried. */
  readonly rows: number;
  /** Remotes of each subscriber that are tried. */
  readonly remotes: number;
}

export interface Checked {
  readonly subscriber: string;
  /** Units that are mapped. */
  readonly units: number;
  readonly rows: number | undefined;
  readonly remotes: number | undefined;
  /** Whether the system publishes a schema. */
  readonly schema: boolean;
  readonly findings: readonly Finding[];
}

/** @throws SyncflowError `config` for a mapping that can't work at all */
export async function checkAll(options: CheckOptions): Promise<Checked[]> {
  const tables = new Map<string, TableCheck>();
  const bound = new Map<string, CatalogBinding>();
  for (const main of options.catalogs) {
    const { definition } = main;
    const table = options.database === undefined ? unasked : await checkTable(options.database, definition);
    tables.set(definition.name, table);
    const rows = new HubRows(definition, table.statements ?? nowhere);
    bound.set(definition.name, { definition, main: new main(), rows });
  }
  const bindings = bindSubscribers(options.catalogs, bound, options.accounts, options.environment);
  const shared = checkShared(bindings);
  const result: Checked[] = [];
  for (const binding of bindings) {
    const one = await checkOne(binding, options, tables.get(binding.catalog.definition.name) ?? unasked);
    const own = shared.filter(({ subscriber }) => subscriber === binding.id);
    result.push({ ...one, findings: [...one.findings, ...own] });
  }
  return result;
}

async function checkOne(binding: Binding, options: CheckOptions, table: TableCheck): Promise<Checked> {
  const { database, rows, remotes } = options;
  const findings = [...checkSchema(binding), ...table.problems.map((one) => ofTable(binding.id, one))];
  const isReadable = table.statements !== undefined;
  const tried = database !== undefined && isReadable && rows > 0 ? await tryRows(database, binding, rows) : undefined;
  const listed = remotes > 0 && binding.subscriber.capabilities.listing ? await listedOf(binding, remotes) : undefined;
  return {
    subscriber: binding.id,
    units: binding.mapping.units.length + binding.mapping.children.reduce((sum, child) => sum + child.units.length, 0),
    rows: tried?.count,
    remotes: listed?.count,
    schema: binding.subscriber.remoteSchema !== undefined,
    findings: [...findings, ...(tried?.findings ?? []), ...(listed?.findings ?? [])],
  };
}

const ofTable = (subscriber: string, { level, problem, cure }: TableProblem): Finding => ({
  subscriber,
  unit: undefined,
  remote: undefined,
  level,
  problem,
  cure,
  fatal: false,
});

async function listedOf(binding: Binding, limit: number) {
  try {
    return await tryRemotes(binding, limit);
  } catch (error) {
    throw new SyncflowError('subscriber', `${binding.id}: its remotes can't be listed: ${messageOf(error)}`, {
      hint: 'Are address and credentials right? Without --remote nothing is asked there.',
      cause: error,
    });
  }
}

/** Statements of a table that isn't there: none is ever asked for. */
const nowhere = new Proxy({} as RowStatements, {
  get: () => {
    throw new SyncflowError('table', 'the table is not there yet');
  },
});
