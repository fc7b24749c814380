/** `syncflow doctor` */
import type { Command } from 'commander';
import type { DoctorReport, Finding } from '../../doctor/finding.js';
import { exitCodes, type Cli } from '../context.js';
import { visible, type Output } from '../output.js';

export function addDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('examine hub, triggers, clocks, accounts and what waits; each problem with its cure')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nIt changes nothing, and ends with 1 when something is broken.')
    .action(async ({ json }: { json?: boolean }) => {
      const report = await cli.operate((operations) => operations.doctor());
      if (json === true) cli.output.json(report);
      else show(cli.output, report);
      cli.exitCode = report.healthy ? exitCodes.ok : exitCodes.failure;
    });
}

function show(output: Output, { findings }: DoctorReport): void {
  const { bold, green, red, yellow } = output.colors;
  const width = Math.max(0, ...findings.map((one) => one.check.length));
  for (const one of findings) showFinding(output, one, width);
  output.line();
  const count = (status: Finding['status']): number => findings.filter((one) => one.status === status).length;
  const [broken, warnings] = [count('broken'), count('warning')];
  const tail = warnings === 0 ? '' : `, ${warnings} ${warnings === 1 ? 'warning' : 'warnings'}`;
  if (broken > 0) output.line(bold(red(`${broken} broken${tail}`)));
  else output.line(bold(warnings === 0 ? green('All is well.') : yellow(`Nothing is broken${tail}`)));
}

function showFinding(output: Output, { check, status, message, cure }: Finding, width: number): void {
  const { dim, green, red, yellow } = output.colors;
  const sign = { ok: green('ok     '), warning: yellow('warning'), broken: red('broken ') }[status];
  output.line(`${sign}  ${visible(check).padEnd(width)}  ${visible(message)}`);
  if (cure !== undefined) output.line(`${' '.repeat(width + 11)}${dim('cure')} ${visible(cure)}`);
}
