/** `syncflow verify` */
import type { Command } from 'commander';
import type { Difference, VerifyReport } from '../../maintenance/verify.js';
import { exitCodes, showRecordKey, type Cli } from '../context.js';
import { visible, type Output } from '../output.js';

interface Options {
  readonly json?: boolean;
  readonly strict?: boolean;
}

interface Verdict {
  /** Whether the exit code is 0. */
  readonly agree: boolean;
  readonly drift: number;
  readonly parked: number;
  readonly reports: readonly VerifyReport[];
  /** Subscribers whose system can't list what it has: nothing is known of them. */
  readonly notCompared: readonly string[];
}

/** Of each subscriber; `--json` has them all. */
const shownDifferences = 20;

export function addVerify(program: Command, cli: Cli): void {
  program
    .command('verify')
    .description('compare everything on both sides, field by field; writes nothing')
    .argument('[subscriber]', 'only this one: invoice/stripe')
    .option('--strict', 'parked records count as drift too')
    .option('--json', 'print JSON with every difference')
    .addHelpText(
      'after',
      '\nEnds with 0 when all sides agree, 3 on drift (parked records are known, and only count with --strict).',
    )
    .action(async (subscriber: string | undefined, options: Options) => {
      const verdict = await cli.operate(async (operations) => {
        const reports = await operations.verify(subscriber, {
          signal: cli.signal,
          onProgress: (progress) => cli.showProgress(progress),
        });
        const all =
          subscriber === undefined
            ? (await operations.status()).subscribers.map((one) => one.subscriber)
            : [subscriber];
        return judge(reports, all, options.strict === true);
      });
      cli.output.clearProgress();
      if (options.json === true) cli.output.json(verdict);
      else show(cli.output, verdict);
      cli.exitCode = verdict.agree ? exitCodes.ok : exitCodes.drift;
    });
}

function judge(reports: readonly VerifyReport[], subscribers: readonly string[], strict: boolean): Verdict {
  const differences = reports.flatMap((report) => report.differences);
  const parked = differences.filter((one) => one.parked).length;
  const drift = differences.length - parked;
  const compared = new Set(reports.map((report) => report.subscriber));
  return {
    agree: drift === 0 && (!strict || parked === 0),
    drift,
    parked,
    reports,
    notCompared: subscribers.filter((one) => !compared.has(one)),
  };
}

function show(output: Output, { drift, notCompared, parked, reports }: Verdict): void {
  const { dim, green, red, yellow } = output.colors;
  const count = (value: number, colour: (text: string) => string): string =>
    value === 0 ? dim('0') : colour(String(value));
  output.table(
    reports.map((report) => {
      const known = report.differences.filter((one) => one.parked).length;
      return [
        report.subscriber,
        report.compared,
        count(report.equal, green),
        report.normalised,
        count(report.differences.length - known, red),
        count(known, yellow),
      ];
    }),
    { head: ['subscriber', 'compared', 'equal', 'normalised', 'drift', 'parked'], right: [1, 2, 3, 4, 5] },
  );
  for (const report of reports) showDifferences(output, report.differences);
  for (const one of notCompared) output.line(yellow(`${one} was not compared: its system can't list what it has.`));
  if (drift > 0) output.line(red(`${drift} ${drift === 1 ? 'difference' : 'differences'}`));
  else if (parked > 0) output.line(yellow(`All sides agree but for ${parked} parked.`));
  else output.line(green('All sides agree.'));
}

function showDifferences(output: Output, differences: readonly Difference[]): void {
  const { dim } = output.colors;
  for (const one of differences.slice(0, shownDifferences)) {
    const remote = one.remoteId === undefined ? '' : ` ↔ ${one.remoteId}`;
    output.line(
      visible(`  ${one.subscriber} ${showRecordKey(one.key)}${remote}: ${describe(one)}`) +
        (one.parked ? dim(' (parked)') : ''),
    );
  }
  const more = differences.length - shownDifferences;
  if (more > 0) output.line(dim(`  and ${more} more: --json has all`));
}

function describe({ kind, unit }: Difference): string {
  switch (kind) {
    case 'field':
      return `${unit ?? 'a field'} differs`;
    case 'only-here':
      return 'only in the hub';
    case 'only-there':
      return 'only in the remote system';
    case 'twin':
      return 'a second remote of this record';
  }
}
