import { describe, expect, it } from 'vitest';
import { contextOf, CouchCustomer, create, docOf, kinds, remove, update, world, type Doc } from './harness.js';

const writes = (request: { writes: boolean }): boolean => request.writes;

/** Its third new document gets a field with a reserved name, for which CouchDB refuses the whole request. */
class ThirdIsMalformed extends CouchCustomer {
  override readonly defaults = (() => {
    let copies = 0;
    return new Proxy<Record<string, never>>(
      {},
      {
        ownKeys: () => ((copies += 1) === 3 ? ['_foo'] : []),
        get: () => 1,
        getOwnPropertyDescriptor: () => ({ value: 1, enumerable: true, configurable: true }),
      },
    );
  })();
}

describe('a batch', () => {
  it('is one read and one write, whatever it holds', async () => {
    const { server, subscriber, db } = await world();
    const made = await subscriber.pushMany(Array.from({ length: 100 }, (_, id) => create(id, { firstName: `n${id}` })));
    expect(server.requests.map((request) => request.operation)).toEqual(['all-docs', 'bulk']);
    expect(made.map((outcome) => docOf(outcome).firstName)).toEqual(Array.from({ length: 100 }, (_, id) => `n${id}`));
    const [a, b, c] = made.map(docOf) as [Doc, Doc, Doc];
    const outcomes = await subscriber.pushMany([
      create(200, { firstName: 'new' }),
      remove(a),
      update(b, { firstName: 'B' }),
      update({ ...c, _rev: '1-old' }, {}),
    ]);
    expect(kinds(outcomes)).toEqual(['done', 'done', 'done', 'stale']);
    expect(await db.get('customer:1')).toMatchObject({ firstName: 'B' });
  });

  it('answers each operation for itself when some rows are refused', async () => {
    const { server, subscriber } = await world();
    server.faults.inject({ kind: 'conflict', ids: ['customer:2', 'customer:4'] });
    const outcomes = await subscriber.pushMany([1, 2, 3, 4, 5].map((id) => create(id, { firstName: `n${id}` })));
    expect(kinds(outcomes)).toEqual(['done', 'retry', 'done', 'retry', 'done']);
    expect(docOf(outcomes[4])).toMatchObject({ _id: 'customer:5', firstName: 'n5' });
  });

  it('keeps an id that CouchDB would refuse out of the request', async () => {
    class Bad extends CouchCustomer {
      override documentId(key: string): string {
        return key === '["3"]' ? '_bad' : super.documentId(key);
      }
    }
    const { subscriber, db } = await world(Bad);
    const current = await db.insert({ firstName: 'x' }, 'plain');
    const outcomes = await subscriber.pushMany([
      ...[1, 2, 3, 4].map((id) => create(id, { firstName: `n${id}` })),
      update({ _id: 'plain', _rev: current.rev }, { firstName: 'y' }),
    ]);
    expect(kinds(outcomes)).toEqual(['done', 'done', 'rejected', 'done', 'done']);
  });

  it('is halved until the malformed document stands alone', async () => {
    const { server, subscriber } = await world(ThirdIsMalformed);
    const outcomes = await subscriber.pushMany([1, 2, 3, 4].map((id) => create(id, { firstName: 'n' })));
    expect(kinds(outcomes)).toEqual(['done', 'done', 'rejected', 'done']);
    expect(server.requests.filter(writes).map((request) => request.status)).toEqual([400, 201, 400, 400, 201]);
  });

  it('that loses its answer is unknown as a whole, and converges', async () => {
    const { server, subscriber, db } = await world();
    const operations = [1, 2, 3].map((id) => create(id, { firstName: `n${id}` }));
    for (const kind of ['drop-after', 'cut-answer'] as const) {
      server.faults.inject({ kind, when: (request) => request.operation === 'bulk' });
      const made = await subscriber.pushMany(
        operations.map((operation) => ({ ...operation, resumed: kind === 'cut-answer' })),
      );
      expect(kinds(made)).toEqual(kind === 'drop-after' ? ['unknown', 'unknown', 'unknown'] : ['done', 'done', 'done']);
    }
    expect((await db.list()).rows).toHaveLength(3);
  });

  it('never writes one document twice', async () => {
    const { subscriber } = await world();
    expect(
      kinds(await subscriber.pushMany([create(1, { firstName: 'a' }), create(1, { firstName: 'b' }), create(2, {})])),
    ).toEqual(['done', 'retry', 'done']);
  });

  it('survives a create and update that break the contract of the mapping', async () => {
    class Wrong extends CouchCustomer {
      override readonly mapping = this.map({
        first_name: 'firstName',
        email: 'email',
        city: '_id',
      }) as unknown as CouchCustomer['mapping'];
    }
    const { account } = await world();
    const subscriber = new Wrong(contextOf(account));
    expect(await subscriber.push(create(1, { _id: 'x' }))).toMatchObject({
      kind: 'blocked',
      reason: expect.stringContaining('"_id"') as string,
    });
  });
});
