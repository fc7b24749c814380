/** Examines everything that syncing needs, and says what to do about what isn't right. Changes nothing. */
import type { CatalogClass } from '../catalog/catalog.js';
import { bindSubscribers } from '../engine/bind.js';
import type { Binding, CatalogBinding } from '../engine/binding.js';
import { systemClock, type Clock } from '../engine/environment.js';
import { messageOf, SyncflowError } from '../errors.js';
import { HubRows } from '../store/rows.js';
import { RowsSql } from '../store/rows-sql.js';
import type { Database } from '../store/database.js';
import { broken, type DoctorReport, type Finding } from './finding.js';
import { examineBacklog, examineSchema, examineServer, examineTables } from './hub.js';
import { examineRemotes } from './remotes.js';

export interface Patient {
  readonly database: Database;
  readonly catalogs: readonly CatalogClass[];
  readonly environment: string;
  readonly accounts?: Readonly<Record<string, unknown>>;
  readonly clock?: Clock;
}

/** Doesn't make the hub ready first, as everything else does: that would mend what it is to find. */
export async function examine(patient: Patient): Promise<DoctorReport> {
  const { database, catalogs, environment, accounts = {}, clock = systemClock } = patient;
  const [server, reached] = await examineServer(database, clock);
  const findings = [...server];
  let isMigrated = false;
  if (reached) {
    const schema = await guarded('migrations', () => examineSchema(database, environment));
    findings.push(...schema);
    isMigrated = schema.every((one) => one.check !== 'migrations' || one.status === 'ok');
  }
  if (isMigrated) {
    const definitions = catalogs.map((main) => main.definition);
    findings.push(...(await guarded('tables', () => examineTables(database, definitions))));
    findings.push(...(await guarded('backlog', () => examineBacklog(database))));
  }
  const { bindings, problem } = bind(catalogs, accounts, environment);
  if (problem !== undefined) findings.push(problem);
  findings.push(
    ...(await guarded('accounts', () => examineRemotes(isMigrated ? database : undefined, bindings, accounts, clock))),
  );
  return { healthy: findings.every((one) => one.status !== 'broken'), findings };
}

function bind(
  catalogs: readonly CatalogClass[],
  accounts: Readonly<Record<string, unknown>>,
  environment: string,
): { readonly bindings: readonly Binding[]; readonly problem?: Finding } {
  const bound = new Map(
    catalogs.map((main): [string, CatalogBinding] => {
      const { definition } = main;
      // no row is read
      const rows = new HubRows(definition, new RowsSql(definition, { table: { columns: {} }, children: {} }));
      return [definition.name, { definition, main: new main(), rows }];
    }),
  );
  try {
    return { bindings: bindSubscribers(catalogs, bound, accounts, environment) };
  } catch (error) {
    const cure = error instanceof SyncflowError ? error.hint : undefined;
    return { bindings: [], problem: broken('config', messageOf(error), cure ?? 'Correct the config.') };
  }
}

async function guarded(check: string, work: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await work();
  } catch (error) {
    const cure = error instanceof SyncflowError ? error.hint : undefined;
    return [broken(check, messageOf(error), cure ?? 'Mend what it says, and ask again.')];
  }
}
