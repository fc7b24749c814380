/** The suite can fail, in what a capability claims: each fault that a connector's author may make turns the check red that is there for it, in words. */
import { expect, test } from 'vitest';
import { SyncflowError } from '../../src/errors.js';
import {
  SubscriberBase,
  type ChangePage,
  type CreateOperation,
  type ListPage,
  type Query,
  type RemoteEvent,
  type UpdateOperation,
} from '../../src/subscriber/base.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import { done, exists, found, missing, rejected, type Outcome, type Sight } from '../../src/subscriber/outcome.js';
import { conformance } from '../../src/testing/index.js';
import { failures, type Fault } from './failures.js';
import { Order, Sound, Store, type RemoteOrder } from './sound.js';

type Create = CreateOperation<RemoteOrder>;
type Update = UpdateOperation<RemoteOrder>;
type Answer = Promise<Outcome<RemoteOrder>>;

test('a sound subscriber passes everything, and takes away what it made', async () => {
  const account = new Store();
  const checks = conformance({ catalog: Order, subscriber: Sound, account, references: { company: 'c_1' } });
  expect(checks.filter(({ skip }) => skip !== undefined).map(({ name }) => name)).toEqual([
    'a remote that exists already is said to exist',
  ]);
  for (const { skip, run } of checks) if (skip === undefined) await run();
  expect(account.objects.size).toBe(0);
  expect(account.count).toBeGreaterThan(20);
});

const faults: Record<string, Fault> = {
  'the idempotency key isn’t sent': {
    subscriber: class extends Sound {
      override async create(operation: Create): Answer {
        return super.create({ ...operation, idempotencyKey: String(Math.random()) });
      }
    },
    red: ['a create that is sent again takes effect once'],
    says: /made a second remote \("o_\d+", then "o_\d+"\)/,
  },
  'a chosen id is overwritten': {
    subscriber: class extends Sound {
      override readonly capabilities = {
        ...new Sound({ id: 'a/b', account: new Store(), environment: '' }).capabilities,
        chosenId: true,
      };
    },
    red: ['a remote that exists already is said to exist'],
    says: /a second create under a chosen id answered done/,
  },
  'the marker is looked for in an index that lags': {
    subscriber: class extends Sound {
      override async find(query: Query<RemoteOrder>): Promise<readonly RemoteOrder[]> {
        return query.by === 'key' ? [] : super.find(query);
      }
    },
    red: ['our marker is found at once, and only where it is'],
    says: /doesn’t show a remote that was just created/,
  },
  'find shows everything': {
    subscriber: class extends Sound {
      override async find(): Promise<readonly RemoteOrder[]> {
        return [...this.account.objects.values()];
      }
    },
    red: ['our marker is found at once, and only where it is', 'a remote is found by its match values'],
    says: /shows 2 remotes of one record/,
  },
  'keyOf reads another place': {
    subscriber: class extends Sound {
      override keyOf(remote: RemoteOrder): string {
        return remote.id;
      }
    },
    red: ['our marker is found at once, and only where it is', 'the marker survives an update'],
    says: /keyOf gives o_\d+ for the remote of \["\d+"\]/,
  },
  'an update wipes the marker': {
    subscriber: class extends Sound {
      override async update(operation: Update): Answer {
        const outcome = await super.update(operation);
        if (outcome.kind !== 'done' || outcome.remote === undefined) return outcome;
        const { key: _, ...rest } = outcome.remote;
        return done(outcome.remoteId, this.account.put(rest));
      }
    },
    red: ['the marker survives an update'],
    says: /no longer names the record/,
  },
  'match is looked up by part of a value': {
    subscriber: class extends Sound {
      override async find(query: Query<RemoteOrder>): Promise<readonly RemoteOrder[]> {
        if (query.by === 'key') return super.find(query);
        return [...this.account.objects.values()].filter(({ email }) => email?.startsWith('sample') === true);
      }
    },
    red: ['a remote is found by its match values'],
    says: /shows 2 remotes, one of which has these values/,
  },
  'only the first page is listed': {
    subscriber: class extends Sound {
      override async list(): Promise<ListPage<RemoteOrder>> {
        return { remotes: (await super.list(undefined)).remotes };
      }
    },
    red: ['the listing shows each remote once, and ends'],
    says: /list doesn’t show a remote that was just created/,
  },
  'pages overlap': {
    subscriber: class extends Sound {
      override async list(cursor: string | undefined): Promise<ListPage<RemoteOrder>> {
        const page = await super.list(cursor);
        return page.cursor === undefined ? page : { ...page, cursor: String(Number(page.cursor) - 1) };
      }
    },
    red: ['the listing shows each remote once, and ends'],
    says: /list shows one remote 2 times/,
  },
  'the listing goes in a circle': {
    subscriber: class extends Sound {
      override async list(): Promise<ListPage<RemoteOrder>> {
        return { ...(await super.list(undefined)), cursor: 'next' };
      }
    },
    red: ['the listing shows each remote once, and ends', 'the listing leaves out what was deleted'],
    says: /goes in a circle/,
  },
  'the listing shows what was deleted': {
    subscriber: class extends Sound {
      override async list(cursor: string | undefined): Promise<ListPage<RemoteOrder>> {
        const page = await super.list(cursor);
        const deleted = [...this.account.deleted].map((id) => ({ id, version: 0, lines: [] }));
        return page.cursor === undefined ? { remotes: [...page.remotes, ...deleted] } : page;
      }
    },
    red: ['the listing leaves out what was deleted'],
    says: /list still shows a remote that was deleted/,
  },
  'the cursor passes changes': {
    subscriber: class extends Sound {
      override async changes(cursor: string | undefined): Promise<ChangePage<RemoteOrder>> {
        return { ...(await super.changes(cursor)), events: [] };
      }
    },
    red: [
      'changes tells of what was created, changed and deleted since the cursor',
      'changes can be asked again from the same cursor',
    ],
    says: /changes doesn’t tell within 0 ms that a remote was created/,
  },
  'deletions aren’t told': {
    subscriber: class extends Sound {
      override async changes(cursor: string | undefined): Promise<ChangePage<RemoteOrder>> {
        const page = await super.changes(cursor);
        return { ...page, events: page.events.filter(({ kind }) => kind !== 'deleted') };
      }
    },
    red: ['changes tells of what was created, changed and deleted since the cursor'],
    says: /that a remote was deleted/,
  },
  'history is told as news': {
    subscriber: class extends Sound {
      override async changes(cursor: string | undefined): Promise<ChangePage<RemoteOrder>> {
        return super.changes(cursor ?? '0');
      }
    },
    red: ['changes tells of what was created, changed and deleted since the cursor'],
    says: /without a cursor gave events/,
  },
  'an event is told only once': {
    subscriber: class extends Sound {
      override async changes(cursor: string | undefined): Promise<ChangePage<RemoteOrder>> {
        const page = await super.changes(cursor);
        if (cursor !== undefined)
          for (const [index, event] of this.account.events.entries())
            this.account.events[index] = { ...event, remoteId: 'taken' };
        return page;
      }
    },
    red: ['changes can be asked again from the same cursor'],
    says: /tells an event only once/,
  },
  'the version isn’t sent': {
    subscriber: class extends Sound {
      override async update(operation: Update): Answer {
        return super.update({ ...operation, version: undefined });
      }
    },
    red: ['a write against an old version is refused as stale'],
    says: /update against a version that is no longer there answered done, not stale/,
  },
  'the version never changes': {
    subscriber: class extends Sound {
      override versionOf(): string {
        return '1';
      }
    },
    red: ['a write against an old version is refused as stale'],
    says: /versionOf gives the same after a change/,
  },
  'any delivery is taken': {
    subscriber: class extends Sound {
      override async receive(): Promise<readonly RemoteEvent<RemoteOrder>[]> {
        return [];
      }
    },
    red: ['a delivery without a signature is refused'],
    says: /took a delivery without a signature/,
  },
  'a forged delivery crashes': {
    subscriber: class extends Sound {
      override async receive(): Promise<readonly RemoteEvent<RemoteOrder>[]> {
        throw new TypeError('no signature');
      }
    },
    red: ['a delivery without a signature is refused'],
    says: /refused a delivery with no signature\n.*new SyncflowError\('webhook'/,
  },
  'accepts refuses its own': {
    subscriber: class extends Sound {
      override accepts(): boolean {
        return false;
      }
    },
    red: ['a create takes effect, and fetch shows it'],
    says: /accepts refuses a remote that was just created/,
  },
  'it says that everything exists': {
    subscriber: class extends Sound {
      override async create(operation: Create): Answer {
        const outcome = await super.create(operation);
        return outcome.kind === 'done' ? exists(outcome.remoteId, outcome.remote) : outcome;
      }
    },
    red: ['a create takes effect, and fetch shows it'],
    says: /create answered exists, not done/,
  },
  'fetch reads a replica that lags': {
    subscriber: class extends Sound {
      override async fetch(remoteId: string): Promise<Sight<RemoteOrder>> {
        const object = this.account.objects.get(remoteId);
        return object !== undefined && object.version > 1 ? found(object) : missing('not there yet');
      }
    },
    red: ['a create takes effect, and fetch shows it'],
    says: /which was just written, answered missing: not there yet/,
  },
};

test.each(Object.entries(faults))('%s', async (_, { subscriber, red, says }) => {
  const failed = await failures(subscriber);
  expect([...failed.keys()]).toEqual(expect.arrayContaining([...red]));
  expect([...failed.values()].join('\n')).toMatch(says);
});

test('a capability without its method, and a mapping that doesn’t fit, are said before anything is sent', async () => {
  class Claims extends SubscriberBase<typeof Order, RemoteOrder, Store> {
    static readonly system = 'claims';
    override readonly capabilities = { ...leastCapabilities, listing: true };
    override readonly mapping = { title: 'title' } as const;
    override create = () => Promise.resolve(rejected('-'));
    override update = () => Promise.resolve(rejected('-'));
    override delete = () => Promise.resolve(rejected('-'));
    override fetch = () => Promise.resolve(missing('-'));
  }
  class Misspelt extends Sound {
    override readonly mapping = { titel: 'title' } as never;
  }
  expect([...(await failures(Claims)).values()]).toEqual([
    'order/claims: the capability "listing" needs the method "list", which isn\'t there\n  Override list, or leave the capability "listing" out.',
  ]);
  expect([...(await failures(Misspelt)).values()]).toEqual([
    'order/sound: titel: the catalog has no field "titel"\n  Did you mean "title"?',
  ]);
});

test('methods that a template left open are named, with what they must do', async () => {
  const open = (name: string): never => {
    throw new SyncflowError('subscriber', `${name} is not filled in yet`, {
      hint: `do ${name}`,
      context: { unfilled: name },
    });
  };
  class Open extends Sound {
    override create = async () => open('create');
    override update = async () => open('update');
    override delete = async () => open('delete');
    override fetch = async () => open('fetch');
  }
  const failed = await failures(Open);
  expect(failed.get('create, update, delete and fetch are filled in')).toBe(
    'not filled in yet:\n  - create: do create\n  - update: do update\n  - delete: do delete\n  - fetch: do fetch',
  );
});

test('what is missing for the samples is said', async () => {
  const [, ...checks] = conformance({ catalog: Order, subscriber: Sound, account: new Store() });
  await expect(checks[2]?.run()).rejects.toThrow(
    /the mapping refers to the catalog "company", and no remote of it is known\n.*references: \{ company: '…' \}/,
  );
  const invalid = (n: number) => ({ id: n, title: '', email: 'none', company_id: 1, note: null, lines: [] }) as never;
  expect((await failures(Sound, invalid)).get('the samples are valid records')).toMatch(/title: .*\n.*email/);
});
