/** Type tests: what the compiler says of a mapping that doesn't fit. Each message is the type of a text, so that `tsc` compares it. */
import { z } from 'zod';
import { expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.js';
import { references } from '../../src/catalog/fields.js';
import { integerId } from '../../src/subscriber/lens.js';
import type { CheckedMapping, MappingSpec } from '../../src/subscriber/mapping.js';

class Client extends Catalog({ name: 'client', key: 'id', fields: { id: z.int(), vip: z.boolean() } }) {}
export class Order extends Catalog({
  name: 'order',
  key: 'id',
  fields: { id: z.int(), client_id: references(Client), agent_id: references(Client).nullable(), note: z.string() },
  children: {
    lines: {
      table: 'line',
      key: 'id',
      parent: 'order_id',
      fields: { id: z.int(), order_id: z.int(), client_id: references(Client), text: z.string() },
    },
  },
}) {}

interface RemoteOrder {
  readonly client: number;
  readonly agent?: number | null;
  readonly paid: boolean;
  readonly note: string;
  readonly lines: readonly {
    readonly id: number;
    readonly client: number;
    readonly text: string;
    readonly metadata: Readonly<Record<string, string>>;
  }[];
}

type Checked<M extends MappingSpec> = CheckedMapping<typeof Order, RemoteOrder, M>;
/** What is said of one entry. */
type Said<M extends MappingSpec, N extends keyof M & string> = Checked<M>[N] extends { readonly __wrong: infer Message }
  ? Message
  : 'nothing';

/** Compiles only where both are the same text. */
function says<Message extends string>(message: Message): Message {
  return message;
}

test('a reference by a number', () => {
  const all = [
    says<Said<{ client_id: 'client' }, 'client_id'>>(
      '"client_id" is a reference, by the remote id as text, and "client" is a number: give a lens with via: integerId',
    ),
    says<Said<{ agent_id: { remote: 'agent' } }, 'agent_id'>>(
      '"agent_id" is a reference, by the remote id as text, and "agent" is a number: give a lens with via: integerId',
    ),
    says<Said<{ client_id: 'paid' }, 'client_id'>>(
      '"client_id" is a reference, by the remote id as text, and "paid" is none: give a lens with via',
    ),
    says<Said<{ client_id: { remote: 'client'; via: typeof integerId } }, 'client_id'>>('nothing'),
    says<Said<{ agent_id: { remote: 'agent'; via: typeof integerId } }, 'agent_id'>>('nothing'),
  ];
  expect(all).toHaveLength(5);
});

test('a lens that can’t take null, on a reference that may be', () => {
  interface Bare {
    put(id: string): number;
    get(remote: number): string;
  }
  says<Said<{ client_id: { remote: 'client'; via: Bare } }, 'client_id'>>('nothing');
  // @ts-expect-error null would be handed to it
  expect(says<Said<{ agent_id: { remote: 'agent'; via: Bare } }, 'agent_id'>>('nothing')).toBeDefined();
});

test('a lens that fits one side only', () => {
  interface Text {
    put(hub: string): string;
    get(remote: string): string;
  }
  interface FromNumber {
    put(hub: number): string;
    get(remote: string): number;
  }
  interface Back {
    put(hub: string): string;
    get(remote: string): number;
  }
  const all = [
    says<Said<{ note: { remote: 'paid'; via: Text } }, 'note'>>(
      'the lens of "note" doesn\'t fit the remote\'s side: its put gives another type than stands there',
    ),
    says<Said<{ note: { remote: 'note'; via: FromNumber } }, 'note'>>(
      "the lens of \"note\" doesn't fit the hub's side: its put takes another type than the field's",
    ),
    says<Said<{ note: { remote: 'note'; via: Back } }, 'note'>>(
      "the lens of \"note\" doesn't fit the hub's side: its get gives another type than the field's",
    ),
    says<Said<{ agent_id: { remote: 'note'; via: Text } }, 'agent_id'>>(
      "the lens of \"agent_id\" doesn't fit the hub's side: its put doesn't take null (make it with lens(put, get))",
    ),
  ];
  expect(all).toHaveLength(4);
});

test('a misspelt option', () => {
  interface Units {
    text: 'text';
  }
  const all = [
    says<Said<{ note: { remote: 'note'; authorty: 'latest' } }, 'note'>>('unknown option "authorty"'),
    says<Said<{ lines: { remote: 'lines'; id: 'id'; markr: 'text'; units: Units } }, 'lines'>>(
      'unknown option "markr"',
    ),
  ];
  expect(all).toHaveLength(2);
});

test('a child’s id and marker', () => {
  interface Units {
    text: 'text';
  }
  const all = [
    says<Said<{ lines: { remote: 'lines'; id: 'idd'; units: Units } }, 'lines'>>(
      'a child in the remote has no "idd", its id',
    ),
    says<Said<{ lines: { remote: 'lines'; id: 'id'; marker: 'reff'; units: Units } }, 'lines'>>(
      'a child in the remote has no "reff", its marker',
    ),
    says<Said<{ lines: { remote: 'lines'; id: 'id'; marker: 'metadata.x'; units: Units } }, 'lines'>>('nothing'),
    says<Said<{ lines: { remote: 'lines'; id: 'id'; units: { client_id: 'client' } } }, 'lines'>>('nothing'),
  ];
  expect(all).toHaveLength(4);
});
