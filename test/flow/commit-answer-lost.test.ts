/** The hub has committed, and its answer is lost: whoever goes on with what he read before must not undo it. */
import { describe, expect, test } from 'vitest';
import { hubs } from '../setup/hub.js';
import { intercepted } from './intercept.js';
import { conflictsOf, contactCatalog, memorySide, MemorySystem, only, useStage, writesWhenQuiet } from './stage.js';

describe.each(hubs)('$name', (hub) => {
  const stage = useStage(hub);

  /** The answer to one commit that has such a statement is lost, and something happens before anybody goes on. */
  async function losing(statement: RegExp, meanwhile: () => Promise<unknown>) {
    const Contact = contactCatalog();
    Contact.register(memorySide());
    const system = new MemorySystem();
    const lost = { armed: false, count: 0 };
    const database = intercepted(stage.db, {
      committed: async (statements) => {
        if (!lost.armed || !statements.some((one) => statement.test(one))) return;
        lost.armed = false;
        lost.count += 1;
        await meanwhile();
        throw new Error('the answer to COMMIT was lost');
      },
    });
    const world = await stage.start([Contact], { memory: system }, { database });
    return { world, contacts: world.flow.catalog(Contact), system, lost };
  }

  test('of a remote that became a record: what is edited there from now on is an edit', async () => {
    const { world, system, lost } = await losing(/^insert into \S*contact/, async () => {
      system.edit('r1', { city: 'London' });
      await stage.db.query('delete from contact');
    });
    lost.armed = true;
    system.put('r1', { name: 'Ada', city: 'Oldtown' });
    await world.flow.sync();
    expect(lost.count).toBe(1);
    expect(system.objects.size).toBe(0);
    expect(await conflictsOf(world)).toMatchObject([{ unit: 'city', remote: '"London"', winner: 'hub' }]);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('of an edit there: an edit here that follows it is no conflict', async () => {
    const { world, contacts, system, lost } = await losing(/^update \S*contact/, () =>
      stage.db.query(`update contact set city = 'Rome'`),
    );
    const ada = await contacts.save({ name: 'Ada', city: 'Oldtown' });
    await world.flow.sync();
    lost.armed = true;
    system.edit(only(system).id, { city: 'London' });
    await world.flow.sync();
    expect(lost.count).toBe(1);
    expect(await contacts.get(ada.id)).toEqual({ ...ada, city: 'Rome' });
    expect(only(system)).toMatchObject({ values: { city: 'Rome' } });
    expect(await conflictsOf(world)).toEqual([]);
  });
});
