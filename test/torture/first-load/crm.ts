/** A CRM in the parent process, and the subscriber with which child processes talk to it over HTTP: it outlives every kill. */
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { z } from 'zod';
import { Catalog } from '../../../src/catalog/catalog.js';
import {
  SubscriberBase,
  type CreateOperation,
  type ListPage,
  type Query,
  type UpdateOperation,
} from '../../../src/subscriber/base.js';
import { leastCapabilities } from '../../../src/subscriber/capabilities.js';
import { done, found, missing, rejected, type Outcome, type Sight } from '../../../src/subscriber/outcome.js';

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly city: string | null;
  readonly marker?: string;
}

const pageSize = 500;

/** Holds the people, and counts what is written. */
export class Crm {
  readonly people: Person[] = [];
  readonly #index = new Map<string, number>();
  readonly #byMarker = new Map<string, string[]>();
  readonly #byEmail = new Map<string, string[]>();
  writes = 0;
  #server: Server | undefined;

  async listen(): Promise<string> {
    const server = createServer((request, response) => {
      void answer(this, request).then(
        (value) => response.end(JSON.stringify(value ?? null)),
        () => response.writeHead(500).end(),
      );
    });
    this.#server = server;
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `http://127.0.0.1:${address.port}`;
  }

  async close(): Promise<void> {
    this.#server?.closeAllConnections();
    await new Promise((resolve) => this.#server?.close(resolve));
  }

  put(person: Person): void {
    const at = this.#index.get(person.id);
    if (at === undefined) this.#index.set(person.id, this.people.push(person) - 1);
    else this.people[at] = person;
    if (at !== undefined) return;
    this.#byEmail.set(person.email, [...(this.#byEmail.get(person.email) ?? []), person.id]);
    if (person.marker !== undefined)
      this.#byMarker.set(person.marker, [...(this.#byMarker.get(person.marker) ?? []), person.id]);
  }

  get(id: string): Person | undefined {
    const at = this.#index.get(id);
    return at === undefined ? undefined : this.people[at];
  }

  find(by: 'marker' | 'email', value: string): Person[] {
    const ids = (by === 'marker' ? this.#byMarker : this.#byEmail).get(value) ?? [];
    return ids.flatMap((id) => this.get(id) ?? []);
  }
}

async function answer(crm: Crm, request: IncomingMessage): Promise<unknown> {
  const url = new URL(request.url ?? '/', 'http://crm');
  const of = (name: string): string => url.searchParams.get(name) ?? '';
  switch (url.pathname) {
    case '/list': {
      const from = Number(of('from'));
      return crm.people.slice(from, from + pageSize);
    }
    case '/get':
      return crm.get(of('id'));
    case '/find':
      return crm.find(of('by') === 'marker' ? 'marker' : 'email', of('value'));
    default: {
      let body = '';
      for await (const chunk of request) body += String(chunk);
      const person = JSON.parse(body) as Person;
      crm.writes += 1;
      crm.put({ ...crm.get(person.id), ...person });
      return crm.get(person.id);
    }
  }
}

export class Contact extends Catalog({
  name: 'contact',
  key: 'id',
  fields: { id: z.int(), email: z.string(), name: z.string().min(1), city: z.string().nullable() },
}) {}

export class CrmAccount {
  constructor(readonly url: string) {}

  async call<T>(path: string, body?: object): Promise<T> {
    const response = await fetch(
      `${this.url}${path}`,
      body === undefined ? {} : { method: 'POST', body: JSON.stringify(body) },
    );
    return (await response.json()) as T;
  }
}

export class CrmContact extends SubscriberBase<typeof Contact, Person, CrmAccount> {
  static readonly system = 'crm';
  override readonly capabilities = { ...leastCapabilities, marker: true, listing: true, concurrency: 8 };
  override readonly match = ['email'];
  override readonly mapping = this.map({ email: 'email', name: 'name', city: 'city' });

  override async create({ key, values }: CreateOperation<Person>): Promise<Outcome<Person>> {
    const id = `c${Date.now().toString(36)}${Math.random().toString(36).slice(2)}`;
    return done(id, await this.account.call<Person>('/write', { ...values, id, marker: this.markerOf(key) }));
  }
  override async update({ remoteId, changed }: UpdateOperation<Person>): Promise<Outcome<Person>> {
    return done(remoteId, await this.account.call<Person>('/write', { ...changed, id: remoteId }));
  }
  override async delete(): Promise<Outcome<Person>> {
    return rejected('nothing is deleted here');
  }
  override async fetch(id: string): Promise<Sight<Person>> {
    const person = await this.account.call<Person | null>(`/get?id=${encodeURIComponent(id)}`);
    return person === null ? missing('404') : found(person);
  }
  override async find(query: Query<Person>): Promise<readonly Person[]> {
    const [by, value] = query.by === 'key' ? ['marker', this.markerOf(query.key)] : ['email', query.values.email ?? ''];
    return this.account.call<Person[]>(`/find?by=${by}&value=${encodeURIComponent(value)}`);
  }
  override async list(cursor: string | undefined): Promise<ListPage<Person>> {
    const from = Number(cursor ?? 0);
    const remotes = await this.account.call<Person[]>(`/list?from=${from}`);
    return remotes.length < pageSize ? { remotes } : { remotes, cursor: String(from + pageSize) };
  }
  override keyOf({ marker }: Person): string | undefined {
    return this.keyFromMarker(marker);
  }
}

Contact.register(CrmContact);
