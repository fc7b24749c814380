import { z } from 'zod';
import { describe, expect, test } from 'vitest';
import { Catalog, type CatalogClass } from '../../src/catalog/catalog.js';

import { bindSubscribers } from '../../src/engine/bind.js';
import { references } from '../../src/catalog/fields.js';
import type { CatalogBinding } from '../../src/engine/binding.js';
import type { RecordKey } from '../../src/catalog/key.js';
import { SubscriberBase } from '../../src/subscriber/base.js';
import { leastCapabilities, type Capabilities } from '../../src/subscriber/capabilities.js';
import { done, gone, type Outcome, type Sight } from '../../src/subscriber/outcome.js';
import type { SubscriberClass } from '../../src/subscriber/registration.js';

interface Remote {
  readonly id: string;
  readonly name: string;
  readonly client: string;
}

/** The five methods that must be there, and nothing else. */
abstract class Bare<C extends CatalogClass> extends SubscriberBase<C, Remote, object> {
  static readonly system: string = 'desk';
  override async create(): Promise<Outcome<Remote>> {
    return done('1');
  }
  override async update(): Promise<Outcome<Remote>> {
    return done('1');
  }
  override async delete(): Promise<Outcome<Remote>> {
    return done('1');
  }
  override async fetch(): Promise<Sight<Remote>> {
    return gone();
  }
}

const clientCatalog = () =>
  class Client extends Catalog({ name: 'client', key: 'id', fields: { id: z.int(), name: z.string() } }) {};
type ClientClass = ReturnType<typeof clientCatalog>;

function bind(catalogs: readonly CatalogClass[]) {
  const bound = new Map(
    catalogs.map((main): [string, CatalogBinding] => [
      main.definition.name,
      { definition: main.definition, main: new main(), rows: undefined as never },
    ]),
  );
  return bindSubscribers(catalogs, bound, { desk: {} }, 'test');
}

function bindOne(subscriber: SubscriberClass) {
  const Client = clientCatalog();
  Client.register(subscriber);
  return bind([Client]);
}

function bareClient(claims: Partial<Capabilities>, match: readonly string[] = []) {
  return class extends Bare<ClientClass> {
    override readonly capabilities = { ...leastCapabilities, ...claims };
    override readonly match = match;
    override readonly mapping = this.map({ name: 'name' });
  };
}

describe('a capability without its method is refused', () => {
  test.each([
    { claims: { marker: true }, match: [], says: /client\/desk: the capability "marker" needs the method "find"/ },
    { claims: { listing: true }, match: [], says: /the capability "listing" needs the method "list"/ },
    { claims: { polling: true }, match: [], says: /the capability "polling" needs the method "changes"/ },
    { claims: { webhooks: true }, match: [], says: /the capability "webhooks" needs the method "receive"/ },
    { claims: {}, match: ['name'], says: /"match" needs the method "find"/ },
  ])('$says', ({ claims, match, says }) => {
    expect(() => bindOne(bareClient(claims, match))).toThrow(
      expect.objectContaining({ code: 'config', message: expect.stringMatching(says) as string }) as Error,
    );
  });

  test('a marker that is written and never recognised', () => {
    class Blind extends bareClient({ marker: true }) {
      override async find(): Promise<readonly Remote[]> {
        return [];
      }
    }
    expect(() => bindOne(Blind)).toThrow(/the capability "marker" needs the method "keyOf"/);
    class Sighted extends Blind {
      override keyOf(): RecordKey | undefined {
        return undefined;
      }
    }
    expect(bindOne(Sighted)).toHaveLength(1);
  });

  test('nothing is claimed, nothing is asked for', () => {
    expect(bindOne(bareClient({}))).toHaveLength(1);
  });
});

describe('a reference that nobody serves', () => {
  const shop = () => {
    const Client = clientCatalog();
    class Order extends Catalog({
      name: 'order',
      key: 'id',
      fields: { id: z.int(), client_id: references(Client) },
    }) {}
    Order.register(
      class extends Bare<typeof Order> {
        override readonly mapping = this.map({ client_id: 'client' });
      },
    );
    return { Client, Order };
  };

  test('its catalog isn’t among the catalogs, although a subscriber is registered', () => {
    const { Client, Order } = shop();
    Client.register(bareClient({}));
    expect(() => bind([Order])).toThrow(
      expect.objectContaining({
        code: 'config',
        message: "order/desk refers to client, but client isn't among the catalogs",
        hint: expect.stringContaining('Add it to `catalogs`') as string,
      }) as Error,
    );
    expect(bind([Client, Order])).toHaveLength(2);
  });

  test('its catalog has no subscriber in the account', () => {
    const { Client, Order } = shop();
    expect(() => bind([Client, Order])).toThrow(/client has no subscriber in the account "desk"/);
  });
});

describe('options of a subscriber and of its registration are checked', () => {
  const wrong: { options: object; says: RegExp; hint: RegExp }[] = [
    { options: { polices: {} }, says: /client\/desk: unknown option "polices"/, hint: /Did you mean "policies"/ },
    { options: { policies: { deleteInwrd: 'park' } }, says: /policies: unknown option/, hint: /"deleteInward"/ },
    { options: { policies: { deleteInward: 'prk' } }, says: /policies: deleteInward can't be "prk"/, hint: /"park"/ },
    { options: { policies: { createInward: 'unlink' } }, says: /createInward can't be "unlink"/, hint: /propagate/ },
    { options: { brake: { share: 20 } }, says: /brake: share can't be 20/, hint: /from 0 to 1/ },
    { options: { brake: { updates: { cont: 5 } } }, says: /brake\.updates: unknown option "cont"/, hint: /"count"/ },
    { options: { verify: true }, says: /verify can't be true/, hint: /everyMs/ },
    { options: { verify: { everyMs: '5' } }, says: /verify: everyMs can't be "5"/, hint: /milliseconds/ },
  ];
  test.each(wrong)('$says', ({ options, says, hint }) => {
    const Client = clientCatalog();
    Client.register(bareClient({}), options);
    expect(() => bind([Client])).toThrow(
      expect.objectContaining({
        code: 'config',
        message: expect.stringMatching(says) as string,
        hint: expect.stringMatching(hint) as string,
      }) as Error,
    );
  });

  test('what a class says of itself', () => {
    class Odd extends bareClient({}) {
      override readonly policies = { leave: 'drop' } as never;
    }
    expect(() => bindOne(Odd)).toThrow(/client\/desk: policies: leave can't be "drop"/);
  });
});
