/** Makes a hub ready: schema, environment, tables, bindings, triggers. */
import { hostname } from 'node:os';
import { randomUUID } from 'node:crypto';
import type { CatalogClass } from '../catalog/catalog.js';
import { didYouMean, SyncflowError } from '../errors.js';
import { defaultRetry } from '../outward/retry.js';
import type { Database } from '../store/database.js';
import { HubRows } from '../store/rows.js';
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
}

export async function prepare(
  database: Database,
  mains: readonly CatalogClass[],
  environment: string,
  options: SyncflowOptions,
  emit: Environment['emit'],
): Promise<Prepared> {
  const { accounts = {}, clock = systemClock, random = Math.random, newId = randomUUID } = options;
  await database.open();
  const ground = groundOf(database);
  const { applied } = await ground.migrate();
  await checkEnvironment(database, environment, options.adoptEnvironment === true);
  const catalogs = new Map<string, CatalogBinding>();
  for (const main of mains) {
    if (catalogs.has(main.definition.name))
      throw new SyncflowError('config', `two catalogs are called "${main.definition.name}"`, {
        hint: 'Is a class listed twice in `catalogs`? Else give one of them another name; its `table` may stay.',
      });
    const { definition } = main;
    const rows = new HubRows(definition, await ground.prepareTables(definition));
    catalogs.set(definition.name, { definition, main: new main(), rows });
  }
  const bindings = bindSubscribers(mains, catalogs, accounts, environment);
  refuseImpossible(bindings);
  await ground.capture(mains.map((main) => main.definition));
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
  return { env, catalogs, bindings, applied };
}

async function checkEnvironment(database: Database, environment: string, adopt: boolean): Promise<void> {
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
  if (known !== environment) await writeSetting(database, 'environment', environment);
}

/** @throws SyncflowError `usage` saying which may have been meant */
export function findBinding(bindings: readonly Binding[], id: string): Binding {
  const binding = bindings.find((one) => one.id === id);
  if (binding !== undefined) return binding;
  const ids = bindings.map((one) => one.id);
  const guess = didYouMean(id, ids);
  throw new SyncflowError('usage', `there is no subscriber "${id}"`, {
    hint: guess === undefined ? `There are: ${ids.join(', ')}.` : `Did you mean "${guess}"?`,
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
