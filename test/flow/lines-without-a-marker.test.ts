import { expect, test } from 'vitest';
import { invoiceCatalog, linesSide, shown } from './lines-world.js';
import { MemorySystem, only, useStage, writesWhenQuiet } from './stage.js';

const stage = useStage();

/** Stops the subscriber after a few writes, for the sake of the machine. */
async function invoiceWithLines(lines: { text: string; amount: string }[]) {
  const Invoice = invoiceCatalog();
  Invoice.register(linesSide({ marker: false }));
  const system = new MemorySystem();
  const world = await stage.start([Invoice], { memory: system });
  system.beforeAnswer = async () => {
    if (system.writes > 3) await world.flow.unsubscribe('invoice/memory');
  };
  const invoices = world.flow.catalog(Invoice);
  const { id } = await invoices.save({ number: '2026-1', lines });
  await world.flow.settled();
  return { world, invoices, id, system };
}

// Bug, and the worst found: `marker` of a child mapping is optional, but `pairUp` (merge/children.ts) can pair a line that we have
// just sent only by its marker. Without one the line in our own answer is a stranger: it becomes a second row, while the first is
// still owed. Both sides grow by a line with every write, without end.
test.fails('a line that was sent is found in the answer', async () => {
  const { world, invoices, id, system } = await invoiceWithLines([{ text: 'a', amount: '1.00' }]);
  expect(system.writes).toBe(1);
  expect(shown(system, only(system).id)).toEqual([['a', 100]]);
  expect((await invoices.get(id))?.lines).toHaveLength(1);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});

test('an invoice that comes from there, with its lines, needs no marker', async () => {
  const { world, system } = await invoiceWithLines([]);
  system.put('theirs', { number: '2', lines: [{ id: 'x', text: 'x', amount: 100 }] });
  await world.flow.sync();
  expect(await stage.db.query('select text from invoice_line')).toEqual([{ text: 'x' }]);
  system.edit('theirs', { lines: [{ id: 'x', text: 'y', amount: 150 }] });
  await world.flow.sync();
  await stage.db.query(`update invoice_line set amount = 2`);
  await world.flow.sync();
  expect(shown(system, 'theirs')).toEqual([['y', 200]]);
  expect(system.writes).toBe(2);
  expect(await writesWhenQuiet(world, [system])).toBe(0);
});
