/** The hub's side: server, rights, schema, environment, triggers, what waits. */
import type { CatalogDefinition, TableInfo } from '../catalog/catalog.js';
import { compareTables } from '../catalog/table.js';
import { uncaptured } from '../capture/triggers.js';
import type { Clock } from '../engine/environment.js';
import { lostTables, lostWords } from '../engine/lost.js';
import { messageOf } from '../errors.js';
import type { Database } from '../store/database.js';
import { backlog, longTransactions, serverReport, tableRights } from '../store/health.js';
import { pendingMigrations } from '../store/migrate.js';
import { readSetting } from '../store/settings.js';
import { broken, duration, ok, warning, type Finding } from './finding.js';

/** Clocks that differ by more are worth a word; `latest` compares times of both sides. */
export const toleratedSkewMs = 5_000;
const longTransactionMs = 300_000;
const slowMs = 300_000;

/** Undefined: it can't be reached, and nothing else of the hub can be asked. */
export async function examineServer(db: Database, clock: Clock): Promise<readonly [Finding[], reached: boolean]> {
  if (db.exists?.() === false)
    return [
      [broken('database', `there is no ${db.description} yet`, 'syncflow migrate makes it (a start does it, too)')],
      false,
    ];
  try {
    await db.open();
    const before = clock.now().getTime();
    const server = await serverReport(db);
    const after = clock.now().getTime();
    if (server === undefined)
      return [[broken('database', 'it answers, but doesn’t know its own role', 'Check the hub’s URL.')], false];
    const skew = Date.parse(server.now) - (before + after) / 2;
    const findings = [ok('database', `${db.description} answers: Postgres ${server.version}, as ${server.role}`)];
    if (server.otherOwner !== null)
      findings.push(
        broken(
          'rights',
          `${server.role} doesn’t own ${server.ownsSchema === true ? 'every table of ' : ''}the schema "syncflow": "${server.otherOwner}" does`,
          `Name "${server.otherOwner}" in the hub’s URL, or let "${server.role}" act for it: grant "${server.otherOwner}" to "${server.role}"`,
        ),
      );
    else if (server.ownsSchema === null && !server.mayCreateSchema)
      findings.push(
        broken(
          'rights',
          `${server.role} can’t create the schema "syncflow"`,
          `Give "${server.role}" the right to make schemas in this database (CREATE), then: syncflow migrate`,
        ),
      );
    findings.push(skewFinding('clock of the database', skew));
    return [findings, true];
  } catch (error) {
    const hint = (error as { hint?: unknown }).hint;
    const cure =
      typeof hint === 'string'
        ? hint
        : 'Is the server up, and the URL right? For an embedded hub: does another process hold it?';
    return [[broken('database', `${db.description} can’t be used: ${messageOf(error)}`, cure)], false];
  }
}

export function skewFinding(check: string, skewMs: number): Finding {
  const off = Math.abs(skewMs);
  const direction = skewMs > 0 ? 'ahead of' : 'behind';
  if (off <= toleratedSkewMs) return ok(check, 'agrees with this process');
  return warning(
    check,
    `is ${duration(off)} ${direction} this process`,
    'Set both by NTP: `latest` compares times of both sides, and signatures of webhooks grow old.',
  );
}

export async function examineSchema(db: Database, environment: string): Promise<Finding[]> {
  const pending = await pendingMigrations(db);
  if (pending.newer)
    return [broken('migrations', 'a newer Syncflow has migrated this hub', 'Upgrade the package here too.')];
  if (pending.names.length > 0)
    return [broken('migrations', `not applied: ${pending.names.join(', ')}`, 'syncflow migrate')];
  const known = await readSetting(db, 'environment');
  const whose =
    known === undefined || known === environment
      ? ok('environment', environment)
      : broken(
          'environment',
          `the hub belongs to "${known}", this is "${environment}"`,
          'Is it a copy? Then leave it alone, or take it over: syncflow migrate --adopt-environment',
        );
  return [ok('migrations', 'up to date'), whose];
}

export async function examineTables(db: Database, definitions: readonly CatalogDefinition[]): Promise<Finding[]> {
  const findings: Finding[] = [];
  for (const definition of definitions) {
    const { missing, problems } = await compareTables(db, definition);
    const check = `table of ${definition.name}`;
    findings.push(...(await examineRights(db, definition)));
    if (problems.length > 0)
      findings.push(
        broken(
          check,
          `it isn’t as the catalog says: ${problems.join('; ')}`,
          'Was something renamed or dropped? Change the fields of the catalog, or the table by a migration of your own.',
        ),
      );
    if (missing.length > 0) findings.push(...(await examineMissing(db, definition, missing)));
    else findings.push(await examineTriggers(db, definition));
  }
  return findings;
}

async function examineMissing(
  db: Database,
  definition: CatalogDefinition,
  missing: readonly TableInfo[],
): Promise<Finding[]> {
  const check = `table of ${definition.name}`;
  const lost = await lostTables(db, definition);
  const others = missing.filter((table) => !lost.some((one) => one.table === table));
  return [
    ...lost.map((one) => {
      const { problem, cure } = lostWords(definition, one);
      return broken(check, problem, cure);
    }),
    ...(others.length === 0
      ? []
      : [
          broken(
            check,
            `not there: ${others.map(nameOf).join(', ')}`,
            'Is the name right? Then: syncflow migrate (it creates them)',
          ),
        ]),
  ];
}

async function examineRights(db: Database, definition: CatalogDefinition): Promise<Finding[]> {
  const tables = [definition, ...definition.children].map(({ schema, table }) => ({ schema, table }));
  return (await tableRights(db, tables))
    .filter((one) => one.exists && one.lacking !== '')
    .map((one) =>
      broken(
        `table of ${definition.name}`,
        `${one.role} lacks ${one.lacking} on ${nameOf(one)}`,
        `grant ${one.lacking.toLowerCase()} on ${nameOf(one)} to ${one.role}`,
      ),
    );
}

async function examineTriggers(db: Database, definition: CatalogDefinition): Promise<Finding> {
  const check = `triggers of ${definition.name}`;
  const cure =
    'syncflow migrate (or start) puts them back. Changes meanwhile left no mark: syncflow verify shows what differs.';
  const { missing, disabled, outdated } = await uncaptured(db, definition);
  if (missing.length > 0) return broken(check, `missing: ${missing.join(', ')}`, cure);
  if (disabled.length > 0) return broken(check, `disabled: ${disabled.join(', ')}`, cure);
  return outdated ? warning(check, 'made by another version', 'syncflow migrate') : ok(check, 'there, and enabled');
}

const nameOf = ({ schema, table }: { readonly schema: string; readonly table: string }): string => `${schema}.${table}`;

export async function examineBacklog(db: Database): Promise<Finding[]> {
  const findings: Finding[] = [];
  const waiting = await backlog(db);
  if (waiting !== undefined) {
    findings.push(
      late('changes of the hub', waiting.marks, waiting.oldestMarkMs),
      late('events from outside', waiting.events, waiting.oldestEventMs),
      waiting.oldIntents === 0
        ? ok('open writes', 'none is older than an hour')
        : warning(
            'open writes',
            `${waiting.oldIntents} without an answer for more than an hour`,
            'syncflow status names the last error of each subscriber; syncflow explain <catalog> <key> shows the write.',
          ),
      waiting.parked === 0
        ? ok('parked', 'nothing')
        : warning('parked', `${waiting.parked} ${waiting.parked === 1 ? 'record' : 'records'}`, 'syncflow parked'),
    );
  }
  for (const { pid, application, state, ageMs } of await longTransactions(db, longTransactionMs))
    findings.push(
      warning(
        'long transactions',
        `process ${pid} of the database (${application || 'unnamed'}, ${state}) has been writing for ${duration(ageMs)}: nobody sees its changes before it commits`,
        `Let it end, or: select pg_terminate_backend(${pid})`,
      ),
    );
  return findings;
}

function late(check: string, count: number, oldestMs: number): Finding {
  if (count === 0) return ok(check, 'none waits');
  const message = `${count} wait, the oldest for ${duration(oldestMs)}`;
  return oldestMs < slowMs
    ? ok(check, message)
    : broken(
        check,
        message,
        'Does a worker run? syncflow start. A catalog or subscriber that was taken out of the config leaves its hints behind.',
      );
}
