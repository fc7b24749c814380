/** Rows that can't be read, and references to what can't be a key, are one record's matter. */
import { z } from 'zod';
import { expect, test } from 'vitest';
import { Catalog } from '../../src/catalog/catalog.js';
import { decimal, references } from '../../src/catalog/fields.js';
import { MemorySubscriber } from '../../src/testing/memory-system/index.js';
import { remoteValues, settle } from './hub-scenario.js';
import { parkedOf, useStage } from './stage.js';
import { MemorySystem } from './world.js';

const stage = useStage();

function prices() {
  class Price extends Catalog({
    name: 'price',
    key: 'id',
    fields: { id: z.int(), amount: decimal(10, 2).nullable() },
  }) {}
  class MemoryPrice extends MemorySubscriber<typeof Price> {
    override readonly mapping = this.map({ amount: 'values.amount' });
  }
  Price.register(MemoryPrice);
  return Price;
}

test('a comparison goes on past a row that can’t be read, and names it', async () => {
  const system = new MemorySystem();
  const world = await stage.start([prices()], { memory: system });
  await stage.db.execute(`insert into price (id, amount) values (1, 1), (2, 2), (3, 3)`);
  await settle(world);
  await stage.db.execute(`update price set amount = 'NaN' where id = 2`);
  await settle(world);
  const [report] = await world.flow.verify();
  expect(report).toMatchObject({ compared: 2, equal: 2 });
  expect(report?.differences).toMatchObject([{ key: '["2"]', cause: 'parked', parked: true }]);
  // nor does one without a remote
  await stage.db.execute(`insert into price (id, amount) values (4, 'NaN')`);
  await settle(world);
  expect((await world.flow.verify())[0]?.differences.map(({ key, cause }) => [key, cause])).toEqual([
    ['["2"]', 'parked'],
    ['["4"]', 'parked'],
  ]);
});

test('a reference to what can’t be a key parks its record alone', async () => {
  class Party extends Catalog({ name: 'party', key: 'id', fields: { id: z.int(), name: z.string() } }) {}
  const Rows = Catalog({
    name: 'bill',
    key: 'id',
    fields: { id: z.int(), party_id: references(Party).nullable(), note: z.string() },
  });
  class Bill extends Rows {
    override extract(row: Parameters<InstanceType<typeof Rows>['extract']>[0]) {
      return row.note === 'odd' ? { ...row, party_id: Number.NaN } : row;
    }
  }
  class MemoryParty extends MemorySubscriber<typeof Party> {
    override readonly mapping = this.map({ name: 'values.name' });
  }
  class MemoryBill extends MemorySubscriber<typeof Bill> {
    override readonly mapping = this.map({ party_id: 'values.party', note: 'values.note' });
  }
  Party.register(MemoryParty);
  Bill.register(MemoryBill);
  const system = new MemorySystem();
  const world = await stage.start([Party, Bill], { memory: system });
  await stage.db.execute(`insert into party (id, name) values (1, 'Ada');
    insert into bill (id, party_id, note) values (1, 1, 'odd'), (2, 1, 'even')`);
  await settle(world);
  expect(remoteValues(system).filter((values) => 'note' in values)).toMatchObject([{ note: 'even' }]);
  expect(await parkedOf(world)).toMatchObject([{ subscriber: 'bill/memory', key: '["1"]' }]);
});
