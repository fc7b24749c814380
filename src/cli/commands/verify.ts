/** `syncflow verify` */
import type { Command } from 'commander';
import { SyncflowError } from '../../errors.js';
import type { RepairStep } from '../../maintenance/drift.js';
import { driftCauses } from '../../maintenance/drift-words.js';
import type { VerifyReport } from '../../maintenance/verify.js';
import type { Operations } from '../../server/operations.js';
import { exitCodes, showRecordKey, type Cli } from '../context.js';
import { visible, type Output } from '../output.js';

interface Options {
  readonly json?: boolean;
  readonly strict?: boolean;
  readonly repair?: boolean;
  readonly dryRun?: boolean;
}

interface Verdict {
  /** Whether the exit code is 0. */
  readonly agree: boolean;
  readonly drift: number;
  readonly parked: number;
  /** Records that a worker is about to sync: no drift, but not in agreement yet. */
  readonly waiting: number;
  readonly reports: readonly VerifyReport[];
  /** Subscribers whose system can't list what it has: nothing is known of them. */
  readonly notCompared: readonly string[];
  /** Of a repair: what was queued, and the comparison after it. */
  readonly repaired?: { readonly queued: number; readonly after: Omit<Verdict, 'repaired'> };
}

/** Of each subscriber; `--json` has 10,000. */
const shownDifferences = 20;

export function addVerify(program: Command, cli: Cli): void {
  program
    .command('verify')
    .description('compare everything on both sides, field by field; writes nothing without --repair')
    .argument('[subscriber]', 'only this one: invoice/stripe')
    .option('--strict', 'parked records count as drift too')
    .option('--repair', 'merge what differs, by authority, and compare again')
    .option('--dry-run', 'with --repair: only say what it would do, and whose value would stay')
    .option('--json', 'print JSON with the differences (10,000 of each subscriber at most)')
    .addHelpText(
      'after',
      '\nEnds with 0 when all sides agree, 3 on drift (parked records are known, and only count with --strict).',
    )
    .action(async (subscriber: string | undefined, options: Options) => {
      if (options.dryRun === true && options.repair !== true)
        throw new SyncflowError('usage', '--dry-run is of --repair', {
          hint: 'Write: syncflow verify --repair --dry-run. Without --repair, verify writes nothing anyway.',
        });
      const verdict = await cli.operate((operations) => run(cli, operations, subscriber, options));
      cli.output.clearProgress();
      if (options.json === true) cli.output.json(verdict);
      else show(cli.output, verdict, options);
      cli.exitCode = (verdict.repaired?.after ?? verdict).agree ? exitCodes.ok : exitCodes.drift;
    });
}

async function run(
  cli: Cli,
  operations: Operations,
  subscriber: string | undefined,
  { repair, dryRun, strict }: Options,
): Promise<Verdict> {
  const following = {
    signal: cli.signal,
    onProgress: (one: Parameters<Cli['showProgress']>[0]) => cli.showProgress(one),
  };
  const all =
    subscriber === undefined ? (await operations.status()).subscribers.map((one) => one.subscriber) : [subscriber];
  const compare = async (isRepair: boolean): Promise<Omit<Verdict, 'repaired'>> =>
    judge(await operations.verify(subscriber, { ...following, repair: isRepair }), all, strict === true);
  if (repair !== true || dryRun === true) return compare(false);
  const before = await compare(true);
  const queued = before.reports.reduce((sum, report) => sum + report.repairing, 0);
  if (queued === 0) return before;
  await operations.sync(following);
  return { ...before, repaired: { queued, after: await compare(false) } };
}

function judge(
  reports: readonly VerifyReport[],
  subscribers: readonly string[],
  strict: boolean,
): Omit<Verdict, 'repaired'> {
  const counts = reports.flatMap((report) => report.table);
  const count = (wanted: (cause: string) => boolean): number =>
    counts.reduce((sum, one) => sum + (wanted(one.cause) ? one.count : 0), 0);
  const parked = count((cause) => cause === 'parked');
  const waiting = count((cause) => cause === 'waiting');
  const drift = count((cause) => cause !== 'parked' && cause !== 'normalised');
  const compared = new Set(reports.map((report) => report.subscriber));
  const refused = reports.some((report) => report.refused !== undefined);
  return {
    agree: !refused && drift === 0 && (!strict || parked === 0),
    drift,
    parked,
    waiting,
    reports,
    notCompared: subscribers.filter((one) => !compared.has(one)),
  };
}

function show(output: Output, verdict: Verdict, options: Options): void {
  const { green, red, yellow } = output.colors;
  showReports(output, verdict, options.repair === true && options.dryRun === true);
  for (const { held } of verdict.reports) if (held !== undefined) output.line(yellow(`Left alone: ${held}`));
  const last = verdict.repaired?.after ?? verdict;
  if (verdict.repaired !== undefined) {
    const { queued, after } = verdict.repaired;
    output.line();
    output.line(`${queued} ${queued === 1 ? 'record was' : 'records were'} merged; compared again:`);
    showReports(output, after, false);
  }
  for (const one of verdict.notCompared)
    output.line(yellow(`${one} was not compared: its system can't list what it has.`));
  const refused = last.reports.flatMap(({ subscriber: one, refused: why }) => (why === undefined ? [] : [[one, why]]));
  for (const [one = '', why = ''] of refused) output.line(red(visible(`${one} was not compared: ${why}`)));
  if (refused.length > 0) output.note('What to do about it: syncflow doctor');
  const { drift, parked, waiting } = last;
  if (waiting > 0) output.note(`${waiting} of them ${waiting === 1 ? 'is' : 'are'} about to be synced: syncflow sync`);
  if (drift > 0) output.line(red(`${drift} ${drift === 1 ? 'difference' : 'differences'}`));
  else if (refused.length > 0) output.line(yellow('All that was compared agrees.'));
  else if (parked > 0) output.line(yellow(`All sides agree but for ${parked} parked.`));
  else output.line(green('All sides agree.'));
  if (drift > 0 && options.repair !== true)
    output.note('What a repair would do: syncflow verify --repair --dry-run. To do it: syncflow verify --repair');
}

function showReports(output: Output, { reports }: Omit<Verdict, 'repaired'>, withRepairs: boolean): void {
  const { dim, green, red, yellow } = output.colors;
  const coloured = (value: number, colour: (text: string) => string): string =>
    value === 0 ? dim('0') : colour(String(value));
  output.table(
    reports
      .filter((report) => report.refused === undefined)
      .map((report) => {
        const of = (cause: string): number =>
          report.table.reduce((sum, one) => sum + (one.cause === cause ? one.count : 0), 0);
        const known = of('parked');
        const all = report.table.reduce((sum, one) => sum + one.count, 0);
        return [
          report.subscriber,
          report.compared,
          coloured(report.equal, green),
          report.normalised,
          coloured(all - report.normalised - known, red),
          coloured(known, yellow),
        ];
      }),
    { head: ['subscriber', 'compared', 'equal', 'normalised', 'drift', 'parked'], right: [1, 2, 3, 4, 5] },
  );
  const drifting = reports.flatMap(({ subscriber, table }) => table.map((one) => ({ subscriber, ...one })));
  if (drifting.length > 0) {
    output.line();
    output.table(
      drifting.map((one) => [one.subscriber, visible(one.field), driftCauses[one.cause], one.count]),
      { head: ['subscriber', 'field', 'cause', 'count'], right: [3] },
    );
  }
  for (const report of reports) showDifferences(output, report, withRepairs);
}

function showDifferences(output: Output, { differences, moreDifferences }: VerifyReport, withRepairs: boolean): void {
  const { dim } = output.colors;
  for (const one of differences.slice(0, shownDifferences)) {
    const remote = one.remoteId === undefined ? '' : ` ↔ ${one.remoteId}`;
    const what = one.unit === undefined ? driftCauses[one.cause] : `${one.unit}: ${driftCauses[one.cause]}`;
    output.line(visible(`  ${one.subscriber} ${showRecordKey(one.key)}${remote}: ${what}`));
    if (one.cause === 'twin' && one.remoteId !== undefined)
      output.line(dim(visible(`    ${cureOfTwin(one.subscriber, one.remoteId)}`)));
    if (withRepairs) output.line(dim(visible(`    ${repairs[one.repair.action]} (${one.repair.rule})`)));
  }
  const more = differences.length - shownDifferences + moreDifferences;
  if (differences.length > shownDifferences) output.line(dim(`  and ${more} more: --json has them`));
}

const cureOfTwin = (subscriber: string, remoteId: string): string => {
  const [catalog = '', as = ''] = subscriber.split('/');
  return `Merge the two there, or delete one. Is ${remoteId} the right one? syncflow unlink ${catalog} KEY ${as}, then: syncflow link ${catalog} KEY ${as} ${remoteId}`;
};

const repairs: Readonly<Record<RepairStep['action'], string>> = {
  'merge-here': 'the remote’s value would be written here',
  'merge-there': 'the hub’s value would be written there',
  'make-here': 'a record would be made here, or paired',
  'make-there': 'a remote would be made there, or paired',
  ask: 'its remote would be read: without proof that it was deleted nothing is deleted',
  park: 'it would be parked',
  none: 'nothing would be done',
};
