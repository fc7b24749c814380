import { describe, expect, test } from 'vitest';
import { hubs } from '../setup/hub.js';
import { invoiceCatalog, linesOf, linesSide, shown, type LinesOptions, type RemoteLine } from './lines-world.js';
import { missing, type Sight } from '../../src/subscriber/outcome.js';
import type { MemoryObject } from '../../src/testing/memory-system/index.js';
import { conflictsOf, memorySide, MemorySystem, only, useStage, writesWhenQuiet, type Stage } from './stage.js';

interface Line {
  readonly text: string;
  readonly amount: string;
}

/** Stops the subscriber after a few writes, for the sake of the machine. */
async function invoiceWithLines(stage: Stage, lines: readonly Line[], options: LinesOptions = {}) {
  const Invoice = invoiceCatalog();
  Invoice.register(linesSide({ marker: false, ...options }));
  const system = new MemorySystem();
  const world = await stage.start([Invoice], { memory: system });
  const invoices = world.flow.catalog(Invoice);
  system.beforeAnswer = async () => {
    if (system.writes > 5) await world.flow.pause('invoice/memory');
  };
  const { id } = await invoices.save({ number: '2026-1', lines: [...lines] });
  await world.flow.settled();
  const here = async () => (await invoices.get(id))?.lines.map(({ text, amount }) => [text, amount]);
  return { world, invoices, id, system, here };
}

const a: Line = { text: 'a', amount: '1.00' };
const b: Line = { text: 'b', amount: '2.00' };

/** A system that writes texts in capitals. */
function shouts(system: MemorySystem): void {
  system.normalise = (values) => ({
    ...values,
    lines: (values['lines'] as readonly RemoteLine[]).map((line) => ({ ...line, text: line.text?.toUpperCase() })),
  });
}

describe.each(hubs)('on $name', (hub) => {
  const stage = useStage(hub);

  test('a line that was sent is found in the answer', async () => {
    const { world, system, here } = await invoiceWithLines(stage, [a]);
    expect(system.writes).toBe(1);
    expect(shown(system, only(system).id)).toEqual([['a', 100]]);
    expect(await here()).toHaveLength(1);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('so are equal lines, and lines that are added later, while others are edited and removed', async () => {
    const { world, system, here } = await invoiceWithLines(stage, [a, a, b]);
    expect(shown(system, only(system).id)).toHaveLength(3);
    await stage.db.transaction(async (tx) => {
      await tx.query(`update invoice_line set amount = 3 where text = 'b'`);
      await tx.query(`delete from invoice_line where id = (select min(id) from invoice_line)`);
      await tx.query(`insert into invoice_line (invoice_id, text, amount) select id, 'b', 3 from invoice`);
    });
    await world.flow.sync();
    const expected = [
      ['a', '1.00'],
      ['b', '3.00'],
      ['b', '3.00'],
    ];
    expect(await here()).toEqual(expected);
    expect(shown(system, only(system).id)).toEqual(expected.map(([text, amount]) => [text, Number(amount) * 100]));
    expect(system.writes).toBe(2);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('an answer that was lost doesn’t double the line', async () => {
    const { world, system, here } = await invoiceWithLines(stage, [a]);
    system.beforeAnswer = () => {
      system.beforeAnswer = undefined;
      return Promise.reject(new Error('connection reset'));
    };
    await stage.db.query(`insert into invoice_line (invoice_id, text, amount) select id, 'b', 2 from invoice`);
    await world.flow.sync();
    await world.flow.sync();
    expect(await here()).toEqual([
      ['a', '1.00'],
      ['b', '2.00'],
    ]);
    expect(shown(system, only(system).id)).toHaveLength(2);
    expect(system.writes).toBe(2);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });
});

describe('what the answer shows', () => {
  const stage = useStage();

  test('a remote that is hidden when a lost answer is looked up: the line that was sent is still ours when it shows again', async () => {
    const Invoice = invoiceCatalog();
    let isHidden = false;
    Invoice.register(
      class extends (linesSide({ marker: false }) as ReturnType<typeof memorySide>) {
        override async fetch(remoteId: string): Promise<Sight<MemoryObject>> {
          return isHidden ? missing('404') : super.fetch(remoteId);
        }
      },
    );
    const system = new MemorySystem();
    const world = await stage.start([Invoice], { memory: system });
    const { id } = await world.flow.catalog(Invoice).save({ number: '2026-1', lines: [a] });
    await world.flow.settled();
    system.beforeAnswer = () => {
      system.beforeAnswer = undefined;
      isHidden = true;
      return Promise.reject(new Error('connection reset'));
    };
    await stage.db.query(`insert into invoice_line (invoice_id, text, amount) select id, 'b', 2 from invoice`);
    await world.flow.settled();
    expect(await world.flow.parked()).toMatchObject([{ code: 'remote-missing' }]);
    await stage.db.query(`update invoice_line set text = 'c' where text = 'b'`);
    await world.flow.settled();
    isHidden = false;
    await world.flow.retry();
    await world.flow.settled();
    const lines = (await world.flow.catalog(Invoice).get(id))?.lines.map(({ text }) => text);
    expect(lines).toEqual(['a', 'c']);
    expect(shown(system, only(system).id).map(([text]) => text)).toEqual(['a', 'c']);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('is normalised: the lines are told apart by what they share with what was sent', async () => {
    const { world, system, here } = await invoiceWithLines(stage, [a]);
    shouts(system);
    await stage.db.query(`insert into invoice_line (invoice_id, text, amount)
      select invoice.id, text, amount from invoice, (values ('x', 5), ('y', 6)) as line (text, amount)`);
    await world.flow.sync();
    expect(system.writes).toBe(2);
    expect(await here()).toContainEqual(['x', '5.00']);
    const there = only(system).id;
    system.edit(there, { lines: linesOf(system, there).map((line) => ({ ...line, amount: (line.amount ?? 0) + 1 })) });
    await world.flow.sync();
    expect(await here()).toEqual([
      ['A', '1.01'], // it was there before: the capital is an edit
      ['x', '5.01'],
      ['y', '6.01'],
    ]);
    expect(await conflictsOf(world)).toEqual([]);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('holds a line of somebody else, too: it is one line more on both sides', async () => {
    const { world, system, here } = await invoiceWithLines(stage, [a]);
    const there = only(system).id;
    system.beforeAnswer = () => {
      system.beforeAnswer = undefined;
      system.edit(there, { lines: [{ id: 'theirs', text: 'theirs', amount: 700 }, ...linesOf(system, there)] });
      return Promise.resolve();
    };
    await stage.db.query(`insert into invoice_line (invoice_id, text, amount) select id, 'b', 2 from invoice`);
    await world.flow.sync();
    expect(await here()).toEqual([
      ['a', '1.00'],
      ['b', '2.00'],
      ['theirs', '7.00'],
    ]);
    expect(shown(system, there)).toHaveLength(3);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('can’t be applied here: the line isn’t sent again', async () => {
    const { world, system, here } = await invoiceWithLines(stage, [a]);
    await stage.db.execute(`alter table invoice_line add constraint odd check (amount <> 1.11)`);
    await stage.db.query(`insert into invoice_line (invoice_id, text, amount) select id, 'b', 2 from invoice`);
    system.beforeAnswer = () => {
      system.beforeAnswer = undefined;
      // somebody's edit comes between: the answer must change the hub, which refuses it
      const there = only(system).id;
      const lines = linesOf(system, there).map((line) => (line.text === 'a' ? { ...line, amount: 111 } : line));
      system.edit(there, { lines });
      return Promise.resolve();
    };
    await world.flow.sync();
    await stage.db.execute(`alter table invoice_line drop constraint odd`);
    await world.flow.retry();
    await world.flow.sync();
    expect(await here()).toEqual([
      ['a', '1.11'],
      ['b', '2.00'],
    ]);
    expect(shown(system, only(system).id)).toHaveLength(2);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });
});

describe('lines that come from there', () => {
  const stage = useStage();

  test('need no marker', async () => {
    const { world, system } = await invoiceWithLines(stage, []);
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
});
