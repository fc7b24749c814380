/** Two programs on one hub, each with a subscriber of its own; or a deploy under way that adds one. */
import { expect, test } from 'vitest';
import { contactCatalog, remoteValues, settle } from './hub-scenario.js';
import { useStage } from './stage.js';
import { MemorySystem } from './world.js';

const stage = useStage();

/** A program that serves one of the two. */
function program(as: 'first' | 'second') {
  const { Contact, MemoryContact } = contactCatalog('contact');
  Contact.register(MemoryContact, { as, account: as });
  return Contact;
}

test('what one program routes is due for the subscribers of the other, too', async () => {
  const [one, other] = [new MemorySystem(), new MemorySystem()];
  const second = await stage.start([program('second')], { second: other });
  await settle(second);
  await second.flow.stop();
  const first = await stage.start([program('first')], { first: one });
  await first.flow
    .catalog(program('first'))
    .save({ id: 1, name: 'Ada' })
    .catch(() => undefined);
  await stage.db.execute(`insert into contact (id, name) values (2, 'Bob')`);
  await settle(first);
  const names = (system: MemorySystem) => remoteValues(system).map(({ name }) => name);
  expect(names(one)).toContain('Bob');
  const again = await stage.start([program('second')], { second: other });
  await settle(again);
  expect(names(other)).toContain('Bob');
  // and an edit, while both are up
  await stage.db.execute(`update contact set name = 'Bert' where id = 2`);
  await expect.poll(() => names(one)).toContain('Bert');
  await expect.poll(() => names(other)).toContain('Bert');
});
