/** `syncflow parked [causes] | list | show | retry` */
import type { Command } from 'commander';
import { didYouMean, SyncflowError } from '../../errors.js';
import type { ParkedCause } from '../../explain/causes.js';
import { cureOf } from '../../explain/cures.js';
import type { ParkedFilter } from '../../server/operations.js';
import type { ParkedRecord } from '../../store/overview.js';
import { parkedId } from '../arguments.js';
import { showRecordKey, type Cli } from '../context.js';
import { short, visible, type Output } from '../output.js';

interface ListOptions extends ParkedFilter {
  readonly json?: boolean;
}

interface RetryOptions extends ParkedFilter {
  readonly release?: boolean;
  readonly create?: boolean;
}

export function addParked(program: Command, cli: Cli): void {
  const parked = program.command('parked').description('records that were set aside, and why');
  const filtered = (command: Command): Command =>
    command
      .option('--code <code>', 'only those parked with this code')
      .option('--subscriber <subscriber>', 'only those of a subscriber: invoice/stripe');
  filtered(
    parked
      .command('causes', { isDefault: true })
      .description('group them by cause, with an example and a cure (default)'),
  )
    .option('--json', 'print JSON')
    .argument('[none]', undefined)
    .usage('[options]')
    .action(async (misspelt: string | undefined, { json, ...filter }: ListOptions) => {
      // what is no command lands here, with the default one
      if (misspelt !== undefined) throw unknownAction(misspelt, parked);
      const causes = await cli.operate((operations) => operations.parkedCauses(filter));
      if (json === true) cli.output.json(causes);
      else showCauses(cli.output, causes);
    });
  filtered(parked.command('list').description('list them, newest first'))
    .option('--json', 'print JSON')
    .action(async ({ json, ...filter }: ListOptions) => {
      const records = await cli.operate((operations) => operations.parked(filter));
      if (json === true) cli.output.json(records);
      else list(cli.output, records);
    });
  parked
    .command('show')
    .description('show one with its whole reason')
    .argument('<id>', 'number from the list', parkedId)
    .option('--json', 'print JSON')
    .action(async (id: string, { json }: { json?: boolean }) => {
      const [record] = await cli.operate((operations) => operations.parked({ id }));
      if (record === undefined) throw nothingParked(id);
      if (json === true) cli.output.json(record);
      else show(cli.output, record);
    });
  filtered(parked.command('retry').description('try them again, all or a choice'))
    .argument('[id]', 'only this one', parkedId)
    .option(
      '--release',
      'also let the changes go that the brake or a TRUNCATE holds (needs --subscriber); see syncflow release',
    )
    .option('--create', 'make a new remote for one parked as unknown-create or delete-conflict (needs the id)')
    .action((id: string | undefined, options: RetryOptions) => retry(cli, id, options));
}

async function retry(cli: Cli, id: string | undefined, { release, create, ...filter }: RetryOptions): Promise<void> {
  if (create === true) {
    if (id === undefined)
      throw new SyncflowError('usage', '--create needs the number of one record', {
        hint: 'See: syncflow parked list. Then: syncflow parked retry <id> --create',
      });
    const made = await cli.operate((operations) => operations.retry({ id, as: 'create' }));
    if (made === 0)
      throw new SyncflowError('usage', `${id} isn't parked as unknown-create or delete-conflict: nothing was made`, {
        hint: `What it is parked as: syncflow parked show ${id}`,
      });
    cli.output.line('1 record gets a new remote');
    return;
  }
  if (release === true && filter.subscriber === undefined) {
    throw new SyncflowError('usage', '--release needs --subscriber', {
      hint: 'Held deletes are released one subscriber at a time: --subscriber invoice/stripe --release',
    });
  }
  const { count, held } = await cli.operate(async (operations) => {
    const released =
      release === true && filter.subscriber !== undefined
        ? await operations.release({ subscriber: filter.subscriber })
        : 0;
    const retried =
      release === true && id === undefined && filter.code === undefined ? 0 : await operations.retry({ ...filter, id });
    const rest = await operations.parked({ ...filter, id });
    return {
      count: released + retried,
      held: rest.filter((one) => one.code.startsWith('brake') || one.code === 'truncate').length,
    };
  });
  if (id !== undefined && count === 0 && held === 0) throw nothingParked(id);
  cli.output.line(`${count} ${count === 1 ? 'record is' : 'records are'} tried again`);
  if (held > 0)
    cli.output.note(
      `${held} held by the brake or a TRUNCATE stay. See: syncflow held. Then: syncflow release <subscriber>, or syncflow discard <subscriber>`,
    );
}

function unknownAction(given: string, parked: Command): SyncflowError {
  const names = parked.commands.map((command) => command.name());
  const guess = didYouMean(given, names);
  return new SyncflowError('usage', `unknown command '${given}'`, {
    hint: guess === undefined ? `There are: ${names.join(', ')}.` : `(Did you mean ${guess}?)`,
  });
}

function nothingParked(id: string): SyncflowError {
  return new SyncflowError('usage', `nothing is parked under ${id}`, {
    hint: 'It may have healed. See: syncflow parked list',
  });
}

function showCauses(output: Output, causes: readonly ParkedCause[]): void {
  const { bold, dim, green, red } = output.colors;
  if (causes.length === 0) {
    output.line(green('Nothing is parked.'));
    return;
  }
  const total = causes.reduce((sum, one) => sum + one.count, 0);
  output.line(`${total} parked, of ${causes.length} ${causes.length === 1 ? 'cause' : 'causes'}`);
  for (const { code, cause, count, subscribers, oldest, example, cure } of causes) {
    output.line();
    output.line(`${bold(String(count))} × ${red(code)}  ${visible(subscribers.join(', '))}  ${dim(`since ${oldest}`)}`);
    output.line(`  ${short(cause, Math.max(60, output.width - 4))}`);
    const whose = example.key === null ? 'a remote without a record' : `record ${visible(showRecordKey(example.key))}`;
    output.line(dim(`  for example ${whose}: syncflow parked show ${example.id}`));
    output.line(`  ${green('cure')} ${cure}`);
  }
}

function list(output: Output, records: readonly ParkedRecord[]): void {
  if (records.length === 0) {
    output.line(output.colors.green('Nothing is parked.'));
    return;
  }
  output.table(
    records.map((one) => [
      one.id,
      one.subscriber,
      visible(one.key === null ? (one.remoteId ?? '-') : showRecordKey(one.key)),
      output.colors.red(one.code),
      one.since,
      short(one.reason, Math.max(30, output.width - 75)),
    ]),
    { head: ['id', 'subscriber', 'key or remote', 'code', 'since', 'reason'], right: [0] },
  );
  if (records.length >= 1_000) output.note('The newest 1,000 are shown: choose with --code and --subscriber.');
}

function show(output: Output, one: ParkedRecord): void {
  const { dim, red } = output.colors;
  const fields: readonly (readonly [string, string])[] = [
    ['id', one.id],
    ['subscriber', one.subscriber],
    ['key', showRecordKey(one.key)],
    ['remote', one.remoteId ?? '-'],
    ['code', red(one.code)],
    ['since', one.since],
  ];
  for (const [name, value] of fields) output.line(`${dim(name.padEnd(11))}${name === 'code' ? value : visible(value)}`);
  output.line();
  output.line(visible(one.reason));
  output.line();
  output.line(
    cureOf(one.code, one.key === null)
      .replaceAll('<id>', one.id)
      .replaceAll('<subscriber>', one.subscriber),
  );
  output.note(`When the cause is gone: syncflow parked retry ${one.id}`);
}
