/** `syncflow plan` */
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { SyncflowError } from '../../errors.js';
import type { PlanReport } from '../../first-load/first-load.js';
import type { ItemKind } from '../../first-load/item.js';
import type { Operations } from '../../server/operations.js';
import type { DescribedItem } from '../../first-load/sides.js';
import { count } from '../arguments.js';
import { readDecisions } from '../decisions-file.js';
import { showRecordKey, targetOf, type Cli } from '../context.js';
import { visible, type Output } from '../output.js';
import { countsOf, planPage, reportFormat, valuesText, type ReportFormat } from '../plan-report.js';

interface Options {
  readonly samples?: number;
  readonly json?: boolean;
  readonly report?: string;
  readonly decisions?: string;
  readonly discard?: boolean;
}

interface Planned extends PlanReport {
  readonly samples: Partial<Record<ItemKind, readonly Sample[]>>;
}

type Sample = Omit<DescribedItem, 'sight' | 'claims'>;

/** Items of each kind that are shown unless told otherwise. */
const shownSamples = 5;
const pageSize = 500;
/** What is to be decided stands first. */
const kindOrder: readonly ItemKind[] = ['ambiguous', 'marker', 'match', 'here', 'there', 'left', 'linked'];

export function addPlan(program: Command, cli: Cli): void {
  program
    .command('plan')
    .description('what switching on would do, before anything is written on either side')
    .argument('[catalog]', 'only this one: customer, or customer/stripe')
    .argument('[subscriber]', 'only this one of its subscribers: stripe')
    .option(
      '--samples <number>',
      `show so many of each kind; ${shownSamples} unless given, with --json all that are ambiguous`,
      count,
    )
    .option('--decisions <file>', 'JSON: [{"remoteId": "…", "do": "link", "key": 42}]; do is link, new or leave')
    .option('--report <file>', 'write all of it to a file: .html or .csv')
    .option('--discard', 'throw the plan away')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nThen: syncflow apply. A decision without remoteId, with a key, is about a record.')
    .action(async (catalog: string | undefined, subscriber: string | undefined, options: Options) => {
      const target = targetOf(catalog, subscriber);
      const format = options.report === undefined ? undefined : reportFormat(options.report);
      if (options.report !== undefined) requireFolder(resolve(cli.io.cwd, options.report));
      if (options.discard === true) {
        const discarded = await cli.operate((operations) => operations.discardPlan(target));
        cli.output.line(
          discarded === 0 ? 'There was no plan.' : `Discarded ${discarded === 1 ? 'the plan' : `${discarded} plans`}.`,
        );
        return;
      }
      const decisions = options.decisions === undefined ? [] : readDecisions(resolve(cli.io.cwd, options.decisions));
      await cli.operate(async (operations) => {
        const reports = await operations.plan({
          target,
          decisions,
          signal: cli.signal,
          onProgress: (progress) => cli.showProgress(progress),
        });
        const planned: Planned[] = [];
        for (const report of reports)
          planned.push({ ...report, samples: await samplesOf(operations, report, options) });
        cli.output.clearProgress();
        if (options.report !== undefined && format !== undefined)
          writeFileSync(resolve(cli.io.cwd, options.report), await reportText(operations, reports, format));
        if (options.json === true) cli.output.json({ plans: planned });
        else for (const one of planned) show(cli.output, one);
        if (options.report !== undefined && options.json !== true) cli.output.note(`All of it: ${options.report}`);
      });
    });
}

/** Before both sides are read. */
function requireFolder(file: string): void {
  if (existsSync(dirname(file))) return;
  throw new SyncflowError('usage', `the report can't be written: there is no folder ${dirname(file)}`, {
    hint: 'Make it, or give another file.',
  });
}

async function samplesOf(
  operations: Operations,
  { subscriber, kinds: counted }: PlanReport,
  { samples: given, json = false }: Options,
): Promise<Planned['samples']> {
  const samples: Partial<Record<ItemKind, readonly Sample[]>> = {};
  for (const { kind } of counted) {
    // a program that decides needs all that there is to decide about
    const limit = given ?? (json && kind === 'ambiguous' ? Infinity : shownSamples);
    const some: Sample[] = [];
    if (limit > 0)
      await everyItem(operations, { subscriber, kind, limit }, (items) => {
        // without what was listed: whole objects of the other system
        some.push(...items.map(({ sight: _sight, claims: _claims, ...item }) => item));
      });
    if (limit > 0) samples[kind] = some;
  }
  return samples;
}

/** All of a plan, what is to be decided first. */
async function reportText(
  operations: Operations,
  reports: readonly PlanReport[],
  format: ReportFormat,
): Promise<string> {
  const parts = [format.head];
  for (const report of reports) {
    parts.push(format.begin(report));
    for (const counted of [...report.kinds].sort((a, b) => urgency(a.kind) - urgency(b.kind))) {
      parts.push(format.beginKind(counted));
      await everyItem(operations, { subscriber: report.subscriber, kind: counted.kind, limit: Infinity }, (items) =>
        parts.push(planPage(format, report.subscriber, items)),
      );
      parts.push(format.endKind);
    }
  }
  return parts.join('') + format.tail;
}

const urgency = (kind: ItemKind): number => kindOrder.indexOf(kind);

async function everyItem(
  operations: Operations,
  { subscriber, kind, limit }: { readonly subscriber: string; readonly kind: ItemKind; readonly limit: number },
  each: (items: readonly DescribedItem[]) => void,
): Promise<void> {
  let left = limit;
  for (let after = '0'; left > 0;) {
    const items = await operations.planItems({ subscriber, kind, after, limit: Math.min(left, pageSize) });
    const last = items.at(-1);
    if (last === undefined) return;
    each(items);
    after = last.id;
    left -= items.length;
  }
}

function show(output: Output, report: Planned): void {
  const { bold, dim, yellow } = output.colors;
  output.line(bold(report.subscriber));
  if (report.kinds.length === 0) output.line('  Nothing on either side.');
  for (const counted of report.kinds) {
    const { kind } = counted;
    for (const { count: number, text, isUrgent } of countsOf(counted)) {
      const line = `  ${String(number).padStart(8)}  ${text}`;
      output.line(isUrgent ? yellow(line) : line);
    }
    for (const item of report.samples[kind] ?? [])
      for (const line of sample(item, report.match)) output.line(dim(visible(`            ${line}`)));
  }
  if (report.differences.length > 0) {
    output.line('  Fields that differ, and whose value would stay:');
    output.table(
      report.differences.map(({ unit, count: number, winner, rule }) => [`  ${unit}`, number, winner, rule]),
      { head: ['  field', 'pairs', 'stays', 'because'], right: [1] },
    );
  }
  const open = report.kinds.find(({ kind, count: all, decided }) => kind === 'ambiguous' && decided < all);
  if (open !== undefined)
    output.line(
      dim('  Decide about the ambiguous: --decisions <file>. Or later: syncflow link CATALOG KEY SUBSCRIBER REMOTE_ID'),
    );
  if (report.shares.length > 0)
    output.line(
      yellow(
        `  ${report.shares.join(', ')} takes the same remotes, and nothing says which are whose: each makes records of the other’s. Say it with accepts(remote) in both, and plan again.`,
      ),
    );
  if (isBlind(report))
    output.line(
      yellow(
        `  No match units are declared: what stands on both sides is not recognised, and made twice. Is somebody in both? Give ${report.subscriber} its match, ['email'] say, and plan again.`,
      ),
    );
  output.line(dim(`  Apply it with: syncflow apply ${report.subscriber}`));
}

/** Both sides have what the other lacks, and nothing says how to tell whether some of it is the same. */
function isBlind({ match, kinds: found }: Planned): boolean {
  const has = (kind: ItemKind): boolean => found.some((one) => one.kind === kind && one.count > 0);
  return match.length === 0 && has('here') && has('there');
}

/** An item on a line; of an ambiguous one what each of those in question holds, to decide by. */
function sample(
  { kind, remoteId, key, records, remotes, detail, decision }: Sample,
  match: readonly string[],
): string[] {
  const sides = [
    ...records.filter(({ id }) => id === key).map(({ id, label }) => `record ${showRecordKey(id)}${inWords(label)}`),
    ...remotes.filter(({ id }) => id === remoteId).map(({ id, label }) => `${id}${inWords(label)}`),
  ].join(' = ');
  const differ = (detail.differ ?? []).map(
    ({ unit, hub, remote, winner }) => `${unit}: ${text(hub)} | ${text(remote)} → ${winner}`,
  );
  const told = [
    ...(decision === null ? [] : [`decided: ${decision.do}`]),
    ...(detail.note === undefined ? [] : [withKeys(detail.note)]),
    ...differ,
  ];
  const line = `${sides}${told.length === 0 ? '' : ` · ${told.join(' · ')}`}`;
  if (kind !== 'ambiguous') return [line];
  return [
    line,
    ...records.map((one) => `  record ${showRecordKey(one.id)}: ${valuesText(one, match)}`),
    ...remotes.map((one) => `  remote ${one.id}: ${valuesText(one, match)}`),
  ];
}

const inWords = (label: string | null): string => (label === null ? '' : ` (${label})`);

/** Keys of one field as people write them. */
const withKeys = (note: string): string => note.replaceAll(/\["(?:[^"\\]|\\.)*"\]/g, (key) => showRecordKey(key));

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
