/** `syncflow apply`, `syncflow link`, `syncflow unlink` */
import type { Command } from 'commander';
import { recordKey, targetOf, type Cli } from '../context.js';

interface Options {
  readonly acceptMoved?: boolean;
  readonly json?: boolean;
}

interface UnlinkOptions {
  readonly separate?: boolean;
  readonly json?: boolean;
}

export function addApply(program: Command, cli: Cli): void {
  program
    .command('apply')
    .description('carry out a plan; goes on where it was broken off')
    .argument('[catalog]', 'only this one: customer, or customer/stripe')
    .argument('[subscriber]', 'only this one of its subscribers: stripe')
    .option('--accept-moved', 'carry out what holds now, although it is no longer what the plan said')
    .option('--json', 'print JSON')
    .addHelpText(
      'after',
      '\nBoth sides are judged anew first: where they say something else than the plan, nothing is written.',
    )
    .action(async (catalog: string | undefined, subscriber: string | undefined, { acceptMoved, json }: Options) => {
      const reports = await cli.operate((operations) =>
        operations.apply({
          target: targetOf(catalog, subscriber),
          acceptMoved,
          signal: cli.signal,
          onProgress: (progress) => cli.showProgress(progress),
        }),
      );
      cli.output.clearProgress();
      if (json === true) {
        cli.output.json({ applied: reports });
        return;
      }
      for (const { subscriber: id, before, items, parked } of reports)
        cli.output.line(
          `${id}: ${before ? 'was applied before' : `${items} applied`}${parked === 0 ? '' : `; ${parked} parked: see syncflow parked list`}`,
        );
    });
}

export function addLink(program: Command, cli: Cli): void {
  program
    .command('link')
    .description('say that a record and a remote belong together: decides what is ambiguous')
    .argument('<catalog>', 'customer')
    .argument('<key>', 'the record: 42, or \'["acme", "7"]\' for a key of several fields')
    .argument('<subscriber>', 'stripe, or customer/stripe')
    .argument('<remote>', 'the id of the remote')
    .option('--json', 'print JSON')
    .action(
      async (catalog: string, key: string, subscriber: string, remoteId: string, { json }: { json?: boolean }) => {
        const id = targetOf(catalog, subscriber) ?? catalog;
        await cli.operate((operations) => operations.link({ subscriber: id, key: recordKey(key), remoteId }));
        if (json === true) {
          cli.output.json({ linked: { subscriber: id, key: recordKey(key), remoteId } });
          return;
        }
        cli.output.line(
          `${catalog} ${key} and ${remoteId} belong together: they are merged next (syncflow sync does it now)`,
        );
      },
    );
  program
    .command('unlink')
    .description('part a record from its remote; both stay')
    .argument('<catalog>', 'customer')
    .argument('<key>', 'the record: 42, or \'["acme", "7"]\' for a key of several fields')
    .argument('<subscriber>', 'stripe, or customer/stripe')
    .option('--separate', 'each gets a partner of its own; else both are left alone')
    .option('--json', 'print JSON')
    .action(async (catalog: string, key: string, subscriber: string, { separate, json }: UnlinkOptions) => {
      const id = targetOf(catalog, subscriber) ?? catalog;
      const { remoteId } = await cli.operate((operations) =>
        operations.unlink({ subscriber: id, key: recordKey(key), separate: separate === true }),
      );
      if (json === true) {
        cli.output.json({ unlinked: { subscriber: id, key: recordKey(key), separate: separate === true } });
        return;
      }
      cli.output.line(
        `${catalog} ${key} is parted from ${remoteId} in ${id}${separate === true ? '; each gets a partner of its own' : ''}`,
      );
    });
}
