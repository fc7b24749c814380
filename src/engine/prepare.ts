/** Makes a hub ready, or takes it as it is: schema, environment, tables, bindings, triggers. */
import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import type { CatalogClass } from '../catalog/catalog.js';
import { didYouMean, SyncflowError } from '../errors.js';
import { defaultRetry } from '../outward/retry.js';
import type { Database } from '../store/database.js';
import type { Ground } from '../store/ground.js';
import { HubRows } from '../store/rows.js';
import type { RowStatements } from '../store/rows-sql.js';
import { readSetting, writeSetting } from '../store/settings.js';
import type { SyncflowOptions } from '../options.js';
import { refuseImpossible } from '../check/refuse.js';
import { RecordSpans } from '../tracing/records.js';
import { Tracing } from '../tracing/tracing.js';
import { bindSubscribers } from './bind.js';
import type { Binding, CatalogBinding } from './binding.js';
import { Contacts } from './contacts.js';
import { systemClock, type Environment } from './environment.js';
import { groundOf } from './ground.js';

export interface Prepared {
  readonly env: Environment;
  readonly catalogs: ReadonlyMap<string, CatalogBinding>;
  readonly bindings: readonly Binding[];
  readonly applied: readonly string[];
  /** Every table is there, and can be read as its catalog says. */
  readonly whole: boolean;
}

/**
 * How far a hub is made ready. `look`: nothing is made, and one where Syncflow isn't installed is refused. `plan`: Syncflow's own
 * schema is made where there is none; the users' tables stay as they are, without triggers. `work`: all of it.
 */
export type Readiness = 'look' | 'plan' | 'work';

export async function prepare(
  database: Database,
  mains: readonly CatalogClass[],
  environment: string,
  options: SyncflowOptions,
  emit: Environment['emit'],
  readiness: Readiness = 'work',
): Promise<Prepared> {
  const { accounts = {}, clock = systemClock, random = Math.random, newId = randomUUID } = options;
  if (readiness === 'look' && database.exists?.() === false) throw notInstalled(database);
  await database.open();
  const ground = groundOf(database);
  const applied = await makeSchema(database, ground, readiness);
  await checkEnvironment(database, environment, options.adoptEnvironment === true, readiness !== 'look');
  const catalogs = new Map<string, CatalogBinding>();
  let whole = true;
  for (const main of mains) {
    if (catalogs.has(main.definition.name))
      throw new SyncflowError('config', `two catalogs are called "${main.definition.name}"`, {
        hint: 'Is a class listed twice in `catalogs`? Else give one of them another name; its `table` may stay.',
      });
    const { definition } = main;
    let statements: RowStatements;
    if (readiness === 'work') statements = await ground.prepareTables(definition);
    else {
      const read = await ground.readTables(definition);
      statements = read.statements;
      whole &&= read.whole;
    }
    const rows = new HubRows(definition, statements);
    catalogs.set(definition.name, { definition, main: new main(), rows });
  }
  const bindings = bindSubscribers(mains, catalogs, accounts, environment);
  refuseImpossible(bindings);
  if (readiness === 'work') await ground.capture(mains.map((main) => main.definition));
  const tracing = new Tracing(clock);
  const env: Environment = {
    db: database,
    clock,
    random,
    newId,
    worker: `${hostname()}:${process.pid}:${newId().slice(0, 8)}`,
    leaseMs: options.leaseMs ?? 30_000,
    retry: { ...defaultRetry, ...options.retry },
    contacts: new Contacts(),
    tracing,
    spans: new RecordSpans(tracing, clock),
    emit,
  };
  return { env, catalogs, bindings, applied, whole };
}

async function makeSchema(database: Database, ground: Ground, readiness: Readiness): Promise<readonly string[]> {
  if (readiness === 'work') return (await ground.migrate()).applied;
  const standing = await ground.standing();
  if (standing === 'ready') return [];
  if (standing === 'absent' && readiness === 'look') throw notInstalled(database);
  if (standing === 'outdated')
    throw new SyncflowError('schema', `the schema "syncflow" of ${database.description} is of an older version`, {
      hint: 'Bring it up to date: syncflow migrate (a start does it, too).',
    });
  // where a newer version has made it, this refuses
  return (await ground.migrate()).applied;
}

function notInstalled(database: Database): SyncflowError {
  return new SyncflowError('schema', `Syncflow isn't installed in ${database.description}`, {
    hint: 'Install it: syncflow migrate (or `flow.prepare()`; a start does it, too). What a first load would do, before that: syncflow plan.',
  });
}

async function checkEnvironment(
  database: Database,
  environment: string,
  adopt: boolean,
  writes: boolean,
): Promise<void> {
  const known = await readSetting(database, 'environment');
  if (known !== undefined && known !== environment && !adopt) {
    throw new SyncflowError(
      'environment',
      `the hub ${database.description} belongs to the environment "${known}", not "${environment}"`,
      {
        hint: `Is it a copy? Then its links lead to the remotes of "${known}". To take it over all the same: adoptEnvironment: true, or \`syncflow migrate --adopt-environment\`.`,
      },
    );
  }
  if (known !== environment && writes) await writeSetting(database, 'environment', environment);
}

/** @throws SyncflowError `usage` saying which may have been meant */
export function findBinding(bindings: readonly Binding[], id: string): Binding {
  const binding = bindings.find((one) => one.id === id);
  if (binding !== undefined) return binding;
  const ids = bindings.map((one) => one.id);
  // `customer`, or `custmer`: a catalog was named, and one of its subscribers is wanted
  const catalogs = bindings.map((one) => one.catalog.definition.name);
  const catalog = catalogs.find((name) => name === id) ?? (id.includes('/') ? undefined : didYouMean(id, catalogs));
  const own = ids.filter((_, index) => catalogs[index] === catalog);
  const guesses = own.length > 0 ? own : [didYouMean(id, ids)].filter((one) => one !== undefined);
  throw new SyncflowError('usage', `there is no subscriber "${id}"`, {
    hint:
      guesses.length === 0
        ? `There are: ${ids.join(', ')}.`
        : `Did you mean ${guesses.map((one) => `"${one}"`).join(' or ')}?`,
  });
}

/** A subscriber by its id, or all of a catalog by its name. */
export function subscribersOf(bindings: readonly Binding[], target: string): readonly string[] {
  const ofCatalog = bindings.filter((one) => one.catalog.definition.name === target).map((one) => one.id);
  if (ofCatalog.length > 0) return ofCatalog;
  if (target.includes('/')) return [findBinding(bindings, target).id];
  const names = [...new Set(bindings.flatMap((one) => [one.catalog.definition.name, one.id]))];
  const guess = didYouMean(target, names);
  throw new SyncflowError('usage', `there is no subscriber and no catalog with subscribers called "${target}"`, {
    hint: guess === undefined ? `There are: ${names.join(', ')}.` : `Did you mean "${guess}"?`,
  });
}
