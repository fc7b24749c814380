/** The suite can fail, in what every subscriber must do: each fault that a connector's author may make turns the check red that is there for it, in words. */
import { expect, test } from 'vitest';

import {
  type AnyOperation,
  type ChildWrites,
  type CreateOperation,
  type DeleteOperation,
  type UpdateOperation,
} from '../../src/subscriber/base.js';

import { lens } from '../../src/subscriber/lens.js';
import { done, gone, rejected, type Outcome, type Sight } from '../../src/subscriber/outcome.js';

import { failures, type Fault } from './failures.js';
import { Sound, Store, type Line, type RemoteOrder } from './sound.js';

type Create = CreateOperation<RemoteOrder>;
type Update = UpdateOperation<RemoteOrder>;
type Answer = Promise<Outcome<RemoteOrder>>;

const faults: Record<string, Fault> = {
  'the id in the answer is a number': {
    subscriber: class extends Sound {
      override async create(operation: Create): Answer {
        const outcome = await super.create(operation);
        return outcome.kind === 'done' ? done(outcome.remoteId.length as never) : outcome;
      }
    },
    red: ['a create takes effect, and fetch shows it'],
    says: /create answered done whose remoteId is number, not text/,
  },
  'the answer is none of the closed set': {
    subscriber: class extends Sound {
      override async create(): Answer {
        return { kind: 'ok' } as never;
      }
    },
    red: ['a create takes effect, and fetch shows it'],
    says: /answered "ok", which is none of done/,
  },
  'nothing is returned': {
    subscriber: class extends Sound {
      override async update(operation: Update): Answer {
        await super.update(operation);
        return undefined as never;
      }
    },
    red: ['an update changes what it is given'],
    says: /nothing that is an outcome: return done/,
  },
  'a create is refused': {
    subscriber: class extends Sound {
      override async create(): Answer {
        return rejected('title is required');
      }
    },
    red: ['a create takes effect, and fetch shows it'],
    says: /create answered rejected: title is required, not done/,
  },
  'a value is dropped': {
    subscriber: class extends Sound {
      override async create(operation: Create): Answer {
        const { note: _, ...values } = operation.values as Partial<RemoteOrder>;
        return super.create({ ...operation, values: values });
      }
    },
    red: ['every mapped value comes back as it was sent'],
    says: /note: "note" isn't there/,
  },
  'a lens loses a part': {
    subscriber: class extends Sound {
      override readonly mapping = {
        ...({} as Sound['mapping']),
        ...new Sound({ id: 'order/sound', account: new Store(), environment: 'x' }).mapping,
        note: {
          remote: 'note',
          via: lens(
            (text: string) => text.slice(0, 3),
            (text: string) => text,
          ),
        } as never,
      };
    },
    red: ['every mapped value comes back as it was sent'],
    says: /note: "note" comes back as another value \(string\)/,
  },
  'text is escaped': {
    subscriber: class extends Sound {
      override async create(operation: Create): Answer {
        const values = operation.values as Partial<RemoteOrder>;
        const title = values.title?.replaceAll('&', '&amp;');
        return super.create({ ...operation, values: { ...values, title } as Create['values'] });
      }
    },
    red: ['text with quotes, accents and emoji comes back as it was sent'],
    says: /odd characters don't survive/,
  },
  'the answer shows what was sent': {
    subscriber: class extends Sound {
      override async update(operation: Update): Answer {
        const before = this.account.objects.get(operation.remoteId);
        const outcome = await super.update(operation);
        return outcome.kind === 'done' ? done(operation.remoteId, before) : outcome;
      }
    },
    red: ['the answer to a write shows the remote as fetch does'],
    says: /update answers done\(id, remote\) with another title/,
  },
  'an update does nothing': {
    subscriber: class extends Sound {
      override async update({ remoteId }: Update): Answer {
        return this.account.objects.has(remoteId) ? done(remoteId) : gone();
      }
    },
    red: ['an update changes what it is given'],
    says: /after an update, the remote doesn't show what was sent/,
  },
  'an update replaces everything by what changed': {
    subscriber: class extends Sound {
      override async update(operation: Update): Answer {
        const object = this.account.objects.get(operation.remoteId);
        if (object !== undefined) {
          const { id, key, version, lines } = object;
          this.account.objects.set(id, { id, version, lines, ...(key === undefined ? {} : { key }) });
        }
        return super.update(operation);
      }
    },
    red: ['an update leaves alone what it is not given'],
    says: /an update of "title" alone changed other units/,
  },
  'null is left out': {
    subscriber: class extends Sound {
      override async update(operation: Update): Answer {
        const entries = Object.entries(operation.changed).filter(([, value]) => value !== null);
        return super.update({ ...operation, changed: Object.fromEntries(entries) });
      }
    },
    red: ['an update can empty what may be empty'],
    says: /null doesn't empty a value:\n {2}- note/,
  },
  'removed lines stay': {
    subscriber: class extends Sound {
      protected override linesAfter(lines: readonly Line[], writes: ChildWrites | undefined): readonly Line[] {
        return super.linesAfter(lines, writes === undefined ? undefined : { ...writes, remove: [] });
      }
    },
    red: ['child rows are added, changed and removed'],
    says: /lines: 3 are there, not 2/,
  },
  'every record becomes the same remote': {
    subscriber: class extends Sound {
      override async create(operation: Create): Answer {
        return super.create({ ...operation, idempotencyKey: 'always' });
      }
    },
    red: ['two records make two remotes'],
    says: /both became the remote "o_\d+"/,
  },
  'a batch is answered in another order': {
    subscriber: class extends Sound {
      override async pushMany(operations: readonly AnyOperation<RemoteOrder>[]) {
        return [...(await super.pushMany(operations))].reverse();
      }
    },
    red: ['a batch is answered in the order of its operations'],
    says: /names another operation's remote/,
  },
  'a batch is answered in part': {
    subscriber: class extends Sound {
      override async pushMany(operations: readonly AnyOperation<RemoteOrder>[]) {
        return (await super.pushMany(operations)).slice(0, 1);
      }
    },
    red: ['a batch is answered in the order of its operations'],
    says: /was given 3 operations and didn't answer with as many outcomes/,
  },
  'what isn’t found counts as deleted': {
    subscriber: class extends Sound {
      override async fetch(remoteId: string): Promise<Sight<RemoteOrder>> {
        const sight = await super.fetch(remoteId);
        return sight.kind === 'missing' ? gone() : sight;
      }
    },
    red: ['fetch of an id that never was is missing'],
    says: /answered gone\n {2}Answer missing/,
  },
  'any error counts as not applied… or worse': {
    subscriber: class extends Sound {
      override outcomeOf(): Outcome<RemoteOrder> {
        return gone();
      }
    },
    red: ['an error that nobody knows is not taken for success or deletion'],
    says: /outcomeOf\(Error: socket hang up\) gave gone/,
  },
  'outcomeOf throws': {
    subscriber: class extends Sound {
      override outcomeOf(error: unknown): Outcome<RemoteOrder> {
        throw error;
      }
    },
    red: ['an error that nobody knows is not taken for success or deletion'],
    says: /outcomeOf itself threw/,
  },
  'a delete does nothing': {
    subscriber: class extends Sound {
      override async delete({ remoteId }: DeleteOperation<RemoteOrder>): Answer {
        return done(remoteId);
      }
    },
    red: ['a deleted remote is no longer there', 'deleting twice is gone the second time'],
    says: /fetch still shows a remote that was deleted/,
  },
  'deleting twice is an error': {
    subscriber: class extends Sound {
      override async delete(operation: DeleteOperation<RemoteOrder>): Answer {
        const outcome = await super.delete(operation);
        return outcome.kind === 'gone' ? rejected('no such order') : outcome;
      }
    },
    red: ['deleting twice is gone the second time'],
    says: /second delete of a remote answered rejected: no such order/,
  },
  'an update makes what is deleted anew': {
    subscriber: class extends Sound {
      override async update(operation: Update): Answer {
        const { remoteId } = operation;
        if (!this.account.objects.has(remoteId)) this.account.put({ id: remoteId, version: 1, lines: [] });
        return super.update({ ...operation, version: undefined });
      }
    },
    red: ['an update of a deleted remote brings nothing back'],
    says: /an update of a deleted remote answered done/,
  },
};

test.each(Object.entries(faults))('%s', async (_, { subscriber, red, says }) => {
  const failed = await failures(subscriber);
  expect([...failed.keys()]).toEqual(expect.arrayContaining([...red]));
  expect([...failed.values()].join('\n')).toMatch(says);
});
