/** Each capability, taken at its word. */
import { setTimeout as pause } from 'node:timers/promises';
import { messageOf, SyncflowError } from '../../errors.js';
import type { RemoteEvent } from '../../subscriber/base.js';
import type { Bench, Made } from './bench.js';
import { unless, type Check } from './check.js';
import { edited } from './edits.js';
import { differences } from './compare.js';
import { fail } from './failure.js';
import { listedTimes } from './listed.js';
import { matchValues } from './match-values.js';

const askAgainMs = 100;

export const claimChecks: readonly Check[] = [
  {
    name: 'a create that is sent again takes effect once',
    skip: ({ subscriber: { capabilities } }) =>
      capabilities.idempotencyHours !== undefined || capabilities.chosenId
        ? undefined
        : 'neither "idempotencyHours" nor "chosenId" is claimed',
    run: async (bench) => {
      const operation = bench.createOf(bench.record());
      const first = await bench.push(operation);
      const again = await bench.push({ ...operation, resumed: true });
      if (first.kind !== 'done') fail(`create answered ${bench.described(first)}`);
      if (again.kind !== 'done' && again.kind !== 'exists')
        fail(
          `the same create, sent again, answered ${bench.described(again)}`,
          'Answer done or exists with the same id.',
        );
      if (again.remoteId !== first.remoteId)
        fail(
          `the same create, sent again, made a second remote ("${first.remoteId}", then "${again.remoteId}")`,
          'Send operation.idempotencyKey with the request, or leave idempotencyHours and chosenId out.',
        );
    },
  },
  {
    name: 'a remote that exists already is said to exist',
    skip: (bench) => unless(bench.subscriber.capabilities.chosenId, 'chosenId'),
    run: async (bench) => {
      const record = bench.record();
      await bench.make(record);
      const again = await bench.push(bench.createOf(record));
      if (again.kind !== 'exists')
        fail(`a second create under a chosen id answered ${bench.described(again)}`, 'Answer exists(id, remote).');
    },
  },
  {
    name: 'our marker is found at once, and only where it is',
    skip: (bench) => unless(bench.subscriber.capabilities.marker, 'marker'),
    run: async (bench) => {
      const [made, other] = [await bench.make(), await bench.make()];
      const found = await bench.subscriber.find({ by: 'key', key: made.key });
      const ids = found.map((remote) => bench.subscriber.identify(remote));
      if (!ids.includes(made.remoteId))
        fail(
          'find({ by: "key" }) doesn’t show a remote that was just created',
          'Write the marker in create, and look in a source that doesn’t lag (a search index does). Else leave the capability out.',
        );
      if (ids.length > 1) fail(`find({ by: "key" }) shows ${ids.length} remotes of one record`);
      for (const { key, remote } of [made, other])
        if (bench.subscriber.keyOf(remote) !== key)
          fail(
            `keyOf gives ${String(bench.subscriber.keyOf(remote))} for the remote of ${key}`,
            'Read back what create wrote.',
          );
      const absent = await bench.subscriber.find({ by: 'key', key: bench.keyOf(bench.record()) });
      if (absent.length > 0) fail('find({ by: "key" }) shows a remote for a record that has none');
    },
  },
  {
    name: 'the marker survives an update',
    skip: (bench) => unless(bench.subscriber.capabilities.marker, 'marker'),
    run: async (bench) => {
      const made = await bench.make();
      const after = await bench.edit(made, edited(bench, made.record));
      if (bench.subscriber.keyOf(after.remote) !== made.key) fail('after an update, keyOf no longer names the record');
    },
  },
  {
    name: 'a remote is found by its match values',
    skip: (bench) => (bench.subscriber.match.length > 0 ? undefined : 'no unit is named in match'),
    run: async (bench) => {
      const [made] = [await bench.make(), await bench.make()];
      const found = await bench.subscriber.find({ by: 'match', values: matchValues(bench, made) });
      const ids = found.map((remote) => bench.subscriber.identify(remote));
      if (!ids.includes(made.remoteId))
        fail(`find({ by: "match" }) doesn’t show a remote with these values (${bench.subscriber.match.join(', ')})`);
      if (ids.length > 1)
        fail(
          `find({ by: "match" }) shows ${ids.length} remotes, one of which has these values`,
          'Compare all of them, exactly.',
        );
    },
  },
  {
    name: 'the listing shows each remote once, and ends',
    skip: (bench) => unless(bench.subscriber.capabilities.listing, 'listing'),
    run: async (bench) => {
      const made = [await bench.make(), await bench.make(), await bench.make()];
      const times = await listedTimes(bench);
      for (const { remoteId } of made) {
        const count = times.get(remoteId) ?? 0;
        if (count === 0) fail('list doesn’t show a remote that was just created', 'Follow the pages to the last one.');
        if (count > 1)
          fail(`list shows one remote ${count} times`, 'Let each page begin after the last remote of the one before.');
      }
    },
  },
  {
    name: 'the listing leaves out what was deleted',
    skip: ({ subscriber: { capabilities } }) =>
      unless(capabilities.listing, 'listing') ??
      (capabilities.deletes === 'none' ? 'the system can’t delete' : undefined),
    run: async (bench) => {
      const made = await bench.make();
      await bench.push(bench.deleteOf(made));
      if (((await listedTimes(bench)).get(made.remoteId) ?? 0) > 0)
        fail('list still shows a remote that was deleted', 'Leave it out, or let accepts(remote) be false for it.');
    },
  },
  {
    name: 'changes tells of what was created, changed and deleted since the cursor',
    skip: (bench) => unless(bench.subscriber.capabilities.polling, 'polling'),
    run: async (bench) => {
      const start = await bench.subscriber.changes(undefined);
      if (start.events.length > 0)
        fail('changes without a cursor gave events: it must only give a cursor that stands for "now"');
      const made = await bench.make();
      const afterCreate = await told(bench, start.cursor, made, 'created', () => true);
      const after = await bench.edit(made, edited(bench, made.record));
      const afterUpdate = await told(bench, afterCreate, made, 'changed', () => true);
      if (bench.subscriber.capabilities.deletes !== 'hard') return;
      await bench.push(bench.deleteOf(after));
      await told(bench, afterUpdate, made, 'deleted', ({ kind }) => kind === 'deleted');
    },
  },
  {
    name: 'changes can be asked again from the same cursor',
    skip: (bench) => unless(bench.subscriber.capabilities.polling, 'polling'),
    run: async (bench) => {
      const { cursor } = await bench.subscriber.changes(undefined);
      const made = await bench.make();
      await told(bench, cursor, made, 'created', () => true);
      const again = (await allSince(bench, cursor)).events;
      if (!again.some((event) => event.remoteId === made.remoteId))
        fail(
          'changes tells an event only once: asked again from the same cursor, it is gone',
          'A cursor must stay good.',
        );
      if (again.some(({ id }) => typeof id !== 'string' || id === '')) fail('an event has no id');
    },
  },
  {
    name: 'a write against an old version is refused as stale',
    skip: (bench) => unless(bench.subscriber.capabilities.conditional, 'conditional'),
    run: async (bench) => {
      const made = await bench.make();
      const version = bench.subscriber.versionOf(made.remote);
      if (version === undefined) fail('versionOf gives undefined for a remote that was just created');
      const after = await bench.edit(made, edited(bench, made.record));
      if (bench.subscriber.versionOf(after.remote) === version) fail('versionOf gives the same after a change');
      const update = bench.updateOf(made, edited(bench, made.record));
      const writes = [...(update === undefined ? [] : [update]), bench.deleteOf(made)];
      for (const write of writes) {
        const outcome = await bench.push(write);
        if (outcome.kind !== 'stale')
          fail(
            `${write.kind} against a version that is no longer there answered ${bench.described(outcome)}, not stale`,
            'Send operation.version with the write, and answer stale() where it is refused.',
          );
      }
      const sight = await bench.look(made.remoteId);
      if (sight.kind !== 'found' || differences(bench, { ...after, remote: sight.remote }).length > 0)
        fail('a write that was refused as stale took effect all the same');
    },
  },
  {
    name: 'a delivery without a signature is refused',
    skip: (bench) => unless(bench.subscriber.capabilities.webhooks, 'webhooks'),
    run: async (bench) => {
      const body = new TextEncoder().encode('{"id":"forged","type":"forged"}');
      const delivery = {
        headers: new Headers(),
        body,
        url: new URL('http://localhost/webhooks/forged'),
        receivedAt: new Date(),
      };
      const error = await bench.subscriber.receive(delivery).then(
        () => undefined,
        (thrown: unknown) => ({ thrown }),
      );
      if (error === undefined) fail('receive took a delivery without a signature', 'Check it over delivery.body, raw.');
      if (!(error.thrown instanceof SyncflowError) || error.thrown.code !== 'webhook')
        fail(
          `receive refused a delivery with ${messageOf(error.thrown)}`,
          "Throw new SyncflowError('webhook', 'why', { context: { status: 400 } }).",
        );
    },
  },
];

/** Asks until the change is told; the cursor after it. */
async function told(
  bench: Bench,
  cursor: string,
  { remoteId }: Made,
  what: string,
  wanted: (event: RemoteEvent) => boolean,
): Promise<string> {
  const patience = bench.options.patienceMs ?? 10_000;
  for (let waited = 0; ; waited += askAgainMs) {
    const page = await allSince(bench, cursor);
    const own = page.events.filter((event) => event.remoteId === remoteId);
    if (own.some(wanted)) return page.cursor;
    // proof of deletion may come by a look, as long as something is told
    if (what === 'deleted' && own.length > 0 && !bench.isThere(await bench.look(remoteId))) return page.cursor;
    if (waited >= patience)
      fail(
        `changes doesn’t tell within ${patience} ms that a remote was ${what}`,
        'The new cursor must not pass a change that isn’t among the events.',
      );
    await pause(askAgainMs);
  }
}

async function allSince(bench: Bench, from: string): Promise<{ events: RemoteEvent[]; cursor: string }> {
  const events: RemoteEvent[] = [];
  let cursor = from;
  for (let pages = 0; pages < 100; pages++) {
    const page = await bench.subscriber.changes(cursor);
    events.push(...page.events);
    cursor = page.cursor;
    if (!page.more) return { events, cursor };
  }
  return fail('changes says "more" without an end');
}
