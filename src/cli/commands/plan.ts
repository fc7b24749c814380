/** `syncflow plan` */
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { z } from 'zod';
import { messageOf, SyncflowError } from '../../errors.js';
import type { PlanDecision, PlanReport } from '../../first-load/first-load.js';
import type { ItemKind } from '../../first-load/item.js';
import type { Operations } from '../../server/operations.js';
import type { PlanItem } from '../../store/plans.js';
import { count } from '../arguments.js';
import { recordKey, showRecordKey, targetOf, type Cli } from '../context.js';
import { visible, type Output } from '../output.js';
import { planPage, reportFormat } from '../plan-report.js';

interface Options {
  readonly samples: number;
  readonly json?: boolean;
  readonly report?: string;
  readonly decisions?: string;
  readonly discard?: boolean;
}

interface Planned extends PlanReport {
  readonly samples: Partial<Record<ItemKind, readonly Sample[]>>;
}

type Sample = Omit<PlanItem, 'sight' | 'claims'>;

const kinds: Readonly<Record<ItemKind, string>> = {
  linked: 'linked already',
  marker: 'linked by our marker',
  match: 'one here and one there match: linked',
  ambiguous: 'ambiguous: parked until decided',
  here: 'only here: a remote is made',
  there: 'only there: a record is made',
  left: 'left alone',
};

export function addPlan(program: Command, cli: Cli): void {
  program
    .command('plan')
    .description('what switching on would do, before anything is written on either side')
    .argument('[catalog]', 'only this one: customer, or customer/stripe')
    .argument('[subscriber]', 'only this one of its subscribers: stripe')
    .option('--samples <number>', 'show so many of each kind', count, 5)
    .option('--decisions <file>', 'JSON: [{"remoteId": "…", "do": "link", "key": 42}]; do is link, new or leave')
    .option('--report <file>', 'write all of it to a file: .html or .csv')
    .option('--discard', 'throw the plan away')
    .option('--json', 'print JSON')
    .addHelpText('after', '\nThen: syncflow apply. A decision without remoteId, with a key, is about a record.')
    .action(async (catalog: string | undefined, subscriber: string | undefined, options: Options) => {
      const target = targetOf(catalog, subscriber);
      const format = options.report === undefined ? undefined : reportFormat(options.report);
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
          planned.push({ ...report, samples: await samplesOf(operations, report, options.samples) });
        cli.output.clearProgress();
        if (options.report !== undefined && format !== undefined) {
          const parts = [format.head];
          for (const report of reports)
            await everyItem(operations, report.subscriber, (items) =>
              parts.push(planPage(format, report.subscriber, items)),
            );
          writeFileSync(resolve(cli.io.cwd, options.report), parts.join('') + format.tail);
        }
        if (options.json === true) cli.output.json({ plans: planned });
        else for (const one of planned) show(cli.output, one);
        if (options.report !== undefined && options.json !== true) cli.output.note(`All of it: ${options.report}`);
      });
    });
}

async function samplesOf(operations: Operations, report: PlanReport, limit: number): Promise<Planned['samples']> {
  if (limit === 0) return {};
  const samples: Partial<Record<ItemKind, readonly Sample[]>> = {};
  for (const { kind } of report.kinds)
    samples[kind] = (await operations.planItems({ subscriber: report.subscriber, kind, limit })).map(
      // what was listed: whole objects of the other system
      ({ sight: _sight, claims: _claims, ...item }) => item,
    );
  return samples;
}

async function everyItem(
  operations: Operations,
  subscriber: string,
  each: (items: readonly PlanItem[]) => void,
): Promise<void> {
  for (let after = '0'; ;) {
    const items = await operations.planItems({ subscriber, after, limit: 500 });
    const last = items.at(-1);
    if (last === undefined) return;
    each(items);
    after = last.id;
  }
}

const decisionFile = z.array(
  z.strictObject({
    subscriber: z.string().optional(),
    remoteId: z.string().optional(),
    key: z.union([z.string(), z.number()]).optional(),
    do: z.enum(['link', 'new', 'leave']),
  }),
);

function readDecisions(file: string): PlanDecision[] {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw new SyncflowError('usage', `the decisions in ${file} can’t be read: ${messageOf(error)}`, {
      hint: 'It is JSON: [{"remoteId": "cus_1", "do": "link", "key": 42}, {"remoteId": "cus_2", "do": "leave"}]',
    });
  }
  const parsed = decisionFile.safeParse(value);
  if (!parsed.success)
    throw new SyncflowError(
      'usage',
      `the decisions in ${file} don’t fit: ${parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')}`,
      {
        hint: 'Each is {"remoteId": "…", "do": "link" | "new" | "leave", "key": …}; a key for link, or for a record alone.',
      },
    );
  return parsed.data.map(({ key, ...one }) => ({
    ...one,
    ...(key === undefined ? {} : { key: recordKey(String(key)) }),
  }));
}

function show(output: Output, report: Planned): void {
  const { bold, dim, yellow } = output.colors;
  output.line(bold(report.subscriber));
  if (report.kinds.length === 0) output.line('  Nothing on either side.');
  for (const { kind, count: number, decided, differing } of report.kinds) {
    const more = [
      ...(differing > 0 ? [`${differing} differ in a field`] : []),
      ...(decided > 0 ? [`${decided} decided`] : []),
    ];
    const text = `  ${String(number).padStart(8)}  ${kinds[kind]}${more.length > 0 ? ` (${more.join(', ')})` : ''}`;
    output.line(kind === 'ambiguous' && decided < number ? yellow(text) : text);
    for (const item of report.samples[kind] ?? []) output.line(dim(visible(`            ${sample(item)}`)));
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

function sample({ remoteId, key, detail, decision }: Sample): string {
  const sides = [
    ...(key === null ? [] : [`record ${showRecordKey(key)}`]),
    ...(remoteId === null ? [] : [remoteId]),
  ].join(' = ');
  const differ = (detail.differ ?? []).map(
    ({ unit, hub, remote, winner }) => `${unit}: ${text(hub)} | ${text(remote)} → ${winner}`,
  );
  const told = [
    ...(decision === null ? [] : [`decided: ${decision.do}`]),
    ...(detail.note === undefined ? [] : [withKeys(detail.note)]),
    ...differ,
  ];
  return `${sides}${told.length === 0 ? '' : ` · ${told.join(' · ')}`}`;
}

/** Keys of one field as people write them. */
const withKeys = (note: string): string => note.replaceAll(/\["(?:[^"\\]|\\.)*"\]/g, (key) => showRecordKey(key));

function text(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
