import { describe, expect, test } from 'vitest';
import { hubs } from '../setup/hub.js';
import { invoiceCatalog, linesOf, linesSide, shown, type LinesOptions, type RemoteLine } from './lines-world.js';
import { atOnce, conflictsOf, MemorySystem, only, parkedOf, useStage, writesWhenQuiet, type Stage } from './stage.js';

async function oneInvoice(stage: Stage, options: LinesOptions = {}) {
  const Invoice = invoiceCatalog();
  Invoice.register(linesSide(options));
  const system = new MemorySystem();
  const world = await stage.start([Invoice], { memory: system });
  const invoices = world.flow.catalog(Invoice);
  const lines = ['a', 'b', 'c'].map((text, index) => ({ text, amount: `${index + 1}.00` }));
  const { id } = await invoices.save({ number: '2026-1', lines });
  await world.flow.sync();
  const there = only(system).id;
  const edit = (change: (lines: readonly RemoteLine[]) => readonly RemoteLine[]): void => {
    system.edit(there, { lines: change(linesOf(system, there)) });
  };
  const here = async () => (await invoices.get(id))?.lines.map(({ text, amount }) => [text, amount]);
  return { world, invoices, id, system, there, edit, here };
}

const withText = (text: string, change: Partial<RemoteLine>) => (lines: readonly RemoteLine[]) =>
  lines.map((line) => (line.text === text ? { ...line, ...change } : line));
const without = (text: string) => (lines: readonly RemoteLine[]) => lines.filter((line) => line.text !== text);
const added = (id: string, text: string, amount: number) => (lines: readonly RemoteLine[]) => [
  ...lines,
  { id, text, amount },
];

describe.each(hubs)('on $name', (hub) => {
  const stage = useStage(hub);

  test('lines go out with their invoice, and all is quiet', async () => {
    const { world, system, there, here } = await oneInvoice(stage);
    expect(shown(system, there)).toEqual([
      ['a', 100],
      ['b', 200],
      ['c', 300],
    ]);
    expect(await here()).toEqual([
      ['a', '1.00'],
      ['b', '2.00'],
      ['c', '3.00'],
    ]);
    expect(system.writes).toBe(1);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
    expect(await parkedOf(world)).toEqual([]);
  });

  test('an invoice is deleted by SQL, its lines with it: it is deleted there', async () => {
    const { world, system } = await oneInvoice(stage);
    await world.flow.database.query('delete from invoice');
    await world.flow.sync();
    expect(await parkedOf(world)).toEqual([]);
    expect(system.objects.size).toBe(0);
  });

  test('added, edited and removed there: comes here, without a write', async () => {
    const { world, system, edit, here } = await oneInvoice(stage);
    edit((lines) => added('new', 'd', 400)(without('b')(withText('a', { amount: 150 })(lines))));
    await world.flow.sync();
    expect(await here()).toEqual([
      ['a', '1.50'],
      ['c', '3.00'],
      ['d', '4.00'],
    ]);
    expect(system.writes).toBe(1);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('a line that came from there is edited here, then removed there', async () => {
    const { world, invoices, id, system, there, edit, here } = await oneInvoice(stage);
    edit(added('new', 'd', 400));
    await world.flow.sync();
    await stage.db.query(`update invoice_line set amount = 4.50 where text = 'd'`);
    await world.flow.sync();
    expect(linesOf(system, there).find((line) => line.id === 'new')).toMatchObject({ text: 'd', amount: 450 });
    edit(without('d'));
    await world.flow.sync();
    expect(await here()).toHaveLength(3);
    expect((await invoices.get(id))?.number).toBe('2026-1');
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('added, edited and removed here: goes there in one write', async () => {
    const { world, system, there } = await oneInvoice(stage);
    await stage.db.transaction(async (tx) => {
      await tx.query(`update invoice_line set amount = 1.50 where text = 'a'`);
      await tx.query(`delete from invoice_line where text = 'b'`);
      await tx.query(`insert into invoice_line (invoice_id, text, amount) select id, 'd', 4 from invoice`);
    });
    await world.flow.sync();
    expect(shown(system, there)).toEqual([
      ['a', 150],
      ['c', 300],
      ['d', 400],
    ]);
    expect(system.writes).toBe(2);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('different lines edited, added and removed on both sides at once', async () => {
    const { world, system, there, edit, here } = await oneInvoice(stage);
    await atOnce(world, 'invoice/memory', async () => {
      await stage.db.query(`update invoice_line set amount = 1.50 where text = 'a'`);
      await stage.db.query(`insert into invoice_line (invoice_id, text, amount) select id, 'here', 5 from invoice`);
      edit((lines) => added('new', 'there', 600)(without('b')(withText('c', { amount: 350 })(lines))));
    });
    const expected = [
      ['a', '1.50'],
      ['c', '3.50'],
      ['here', '5.00'],
      ['there', '6.00'],
    ];
    expect([...((await here()) ?? [])].sort()).toEqual(expected);
    expect(shown(system, there).sort()).toEqual(expected.map(([text, amount]) => [text, Number(amount) * 100]));
    expect(await conflictsOf(world)).toEqual([]);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });
});

describe('conflicts', () => {
  const stage = useStage();

  test('the same line edited on both sides: by authority, the loser is in the log', async () => {
    const { world, system, there, edit, here } = await oneInvoice(stage);
    await atOnce(world, 'invoice/memory', async () => {
      await stage.db.query(`update invoice_line set amount = 1.50 where text = 'a'`);
      edit(withText('a', { amount: 170, text: 'A' }));
    });
    expect((await here())?.[0]).toEqual(['A', '1.50']);
    expect(shown(system, there)[0]).toEqual(['A', 150]);
    const log = await conflictsOf(world);
    expect(log).toMatchObject([{ hub: '"1.50"', remote: '170', winner: 'hub' }]);
    expect(log[0]?.unit).toMatch(/^lines.*amount$/);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test.each([
    { authority: 'hub', left: true },
    { authority: 'remote', left: false },
  ] as const)('edited here and removed there, authority $authority', async ({ authority, left }) => {
    const { world, system, there, edit, here } = await oneInvoice(stage, { authority });
    await atOnce(world, 'invoice/memory', async () => {
      await stage.db.query(`update invoice_line set amount = 1.50 where text = 'a'`);
      edit(without('a'));
    });
    expect((await here())?.some(([text]) => text === 'a')).toBe(left);
    expect(shown(system, there).some(([text, amount]) => text === 'a' && amount === 150)).toBe(left);
    expect(await conflictsOf(world)).toMatchObject([{ winner: authority }]);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('edited here and removed there, authority remote: the lost values are in the log', async () => {
    const { world, edit } = await oneInvoice(stage, { authority: 'remote' });
    await atOnce(world, 'invoice/memory', async () => {
      await stage.db.query(`update invoice_line set amount = 1.50 where text = 'a'`);
      edit(without('a'));
    });
    expect(JSON.stringify(await conflictsOf(world))).toContain('1.50');
  });

  test('removed here and edited there: removed, and the lost values are in the log, once', async () => {
    const { world, system, there, edit, here } = await oneInvoice(stage);
    await atOnce(world, 'invoice/memory', async () => {
      await stage.db.query(`delete from invoice_line where text = 'a'`);
      edit(withText('a', { amount: 170 }));
    });
    expect(await here()).toHaveLength(2);
    expect(shown(system, there)).toHaveLength(2);
    const log = await conflictsOf(world);
    expect(log).toMatchObject([{ unit: 'lines["1"]', hub: null, winner: 'hub' }]);
    expect(JSON.parse(log[0]?.remote ?? '')).toEqual({ text: 'a', amount: 170 });
    expect(JSON.parse(log[0]?.base ?? '')).toEqual({ text: 'a', amount: '1.00' });
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('removed here before the edit there was heard of, in a system whose history tells nothing of lines: in the log', async () => {
    const { world, edit, here } = await oneInvoice(stage, { history: true });
    edit(withText('a', { amount: 170 }));
    await stage.db.query(`delete from invoice_line where text = 'a'`);
    await world.flow.settled();
    expect(await here()).toHaveLength(2);
    expect(await conflictsOf(world)).toMatchObject([{ unit: 'lines["1"]', hub: null, winner: 'hub' }]);
  });

  test('removed here and edited there, authority remote: it comes back', async () => {
    const { world, system, edit, here } = await oneInvoice(stage, { authority: 'remote' });
    await atOnce(world, 'invoice/memory', async () => {
      await stage.db.query(`delete from invoice_line where text = 'a'`);
      edit(withText('a', { amount: 170 }));
    });
    expect(await here()).toContainEqual(['a', '1.70']);
    expect(await conflictsOf(world)).toMatchObject([{ unit: 'lines["1"]', winner: 'remote' }]);
    expect(system.writes).toBe(1);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('a copied line there, with the marker of its original, becomes a line of its own', async () => {
    const { world, system, there, edit, here } = await oneInvoice(stage);
    edit((lines) => [...lines, { ...(lines[0] as RemoteLine), id: 'copy', amount: 999 }]);
    await world.flow.sync();
    expect(await here()).toEqual([
      ['a', '1.00'],
      ['b', '2.00'],
      ['c', '3.00'],
      ['a', '9.99'],
    ]);
    expect(shown(system, there)).toHaveLength(4);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('two equal lines added there at once are two lines here', async () => {
    const { world, system, edit, here } = await oneInvoice(stage);
    edit((lines) => added('y', 'same', 100)(added('x', 'same', 100)(lines)));
    await world.flow.sync();
    expect(await here()).toHaveLength(5);
    edit((lines) => lines.filter((line) => line.id !== 'x'));
    await world.flow.sync();
    expect(await here()).toHaveLength(4);
    expect(system.writes).toBe(1);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('an empty list there removes the lines here', async () => {
    const { world, edit, here } = await oneInvoice(stage);
    edit(() => []);
    await world.flow.sync();
    expect(await here()).toEqual([]);
  });

  test('an absent list is not an empty list: nothing is deleted', async () => {
    const { world, system, there, here } = await oneInvoice(stage);
    system.put(there, { number: '2026-2', marker: only(system).values['marker'] });
    await world.flow.sync();
    expect(await here()).toHaveLength(3);
    expect(system.writes).toBe(1);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test.each([true, false])('an answer without the list: a line is sent once, marker %s', async (marker) => {
    const { world, system, there, edit, here } = await oneInvoice(stage, { marker });
    await stage.db.query(`insert into invoice_line (invoice_id, text, amount) select id, 'd', 4 from invoice`);
    let lines = linesOf(system, there);
    system.normalise = ({ lines: written, ...values }) => {
      // it takes the lines, and doesn't show them
      const taken = written as readonly RemoteLine[];
      lines = [...lines.filter(({ id }) => !taken.some((one) => one.id === id)), ...taken];
      return values;
    };
    await world.flow.sync();
    await world.flow.sync();
    expect(system.writes).toBe(2);
    await stage.db.query(`update invoice_line set amount = 4.50 where text = 'd'`); // its id isn't known: it must wait
    await stage.db.query(`update invoice set number = 'n'`); // this needn't
    await world.flow.sync();
    expect(system.writes).toBe(3);
    expect(only(system).values['number']).toBe('n');
    system.normalise = (values) => values;
    edit(() => lines);
    await world.flow.sync();
    expect(await here()).toEqual([
      ['a', '1.00'],
      ['b', '2.00'],
      ['c', '3.00'],
      ['d', '4.50'],
    ]);
    expect(shown(system, there)).toHaveLength(4);
    expect(shown(system, there)).toContainEqual(['d', 450]);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('an absent list of a new invoice there has no lines', async () => {
    const { world, system } = await oneInvoice(stage);
    system.put('theirs', { number: '7' });
    await world.flow.sync();
    const count = await stage.db.query(`select count(*)::int as n from invoice_line`);
    expect(count).toEqual([{ n: 3 }]);
    await stage.db.query(
      `insert into invoice_line (invoice_id, text, amount) select id, 'x', 1 from invoice where number = '7'`,
    );
    await world.flow.sync();
    expect(shown(system, 'theirs')).toEqual([['x', 100]]);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('a line edited here while the invoice is deleted there is a delete-conflict', async () => {
    const { world, system, there, here } = await oneInvoice(stage);
    await atOnce(world, 'invoice/memory', async () => {
      await stage.db.query(`update invoice_line set amount = 1.50 where text = 'a'`);
      system.remove(there);
    });
    expect(await here()).toHaveLength(3);
    expect(await parkedOf(world)).toMatchObject([{ code: 'delete-conflict' }]);
  });

  test('a line edited there before the invoice is deleted there is no conflict', async () => {
    const { world, system, there, edit } = await oneInvoice(stage);
    await atOnce(world, 'invoice/memory', async () => {
      edit(withText('a', { amount: 170 }));
      system.remove(there);
    });
    expect(await stage.db.query('select * from invoice')).toEqual([]);
    expect(await parkedOf(world)).toEqual([]);
  });

  test('lines edited and added there while the invoice is deleted here are in the log', async () => {
    const { world, invoices, id, system, edit } = await oneInvoice(stage);
    await atOnce(world, 'invoice/memory', async () => {
      edit((lines) => added('new', 'd', 400)(withText('a', { amount: 170 })(lines)));
      await invoices.delete(id);
    });
    const log = await conflictsOf(world);
    expect(log.filter((one) => one.remote?.includes('170'))).toMatchObject([{ unit: 'lines["1"]', winner: 'hub' }]);
    expect(log.some((one) => one.unit === 'lines' && one.remote?.includes('400') === true)).toBe(true);
    expect(system.objects.size).toBe(0);
  });
});

describe('one-way lines', () => {
  const stage = useStage();

  test('outward: what is edited or removed there is said again', async () => {
    const { world, system, there, edit, here } = await oneInvoice(stage, { direction: 'outward' });
    edit((lines) => without('b')(withText('a', { amount: 170 })(lines)));
    await world.flow.sync();
    // `direction` stands for births and deaths; the units have one of their own
    expect((await here())?.map(([text]) => text)).toEqual(['a', 'b', 'c']);
    expect(
      shown(system, there)
        .map(([text]) => text)
        .sort(),
    ).toEqual(['a', 'b', 'c']);
    expect(await writesWhenQuiet(world, [system])).toBe(0);
  });

  test('outward: a value edited there is not taken over', async () => {
    const { world, edit, here } = await oneInvoice(stage, { direction: 'outward' });
    edit(withText('a', { amount: 170 }));
    await world.flow.sync();
    expect((await here())?.[0]).toEqual(['a', '1.00']);
  });

  test.each(['update invoice_line set amount = 9', 'delete from invoice_line'])(
    'inward: "%s" here is put back',
    async (sql) => {
      const { world, system, edit, here } = await oneInvoice(stage, { direction: 'inward' });
      edit(() => [{ id: 'x', text: 'theirs', amount: 100 }]);
      await world.flow.sync();
      await stage.db.query(sql);
      await world.flow.sync();
      expect(await here()).toContainEqual(['theirs', '1.00']);
      expect(await conflictsOf(world)).toMatchObject([{ winner: 'remote' }]);
      expect(await writesWhenQuiet(world, [system])).toBe(0);
    },
  );
});

describe('lines in several systems', () => {
  const stage = useStage();

  test('added in one, edited in the other, removed in the hub: all three agree', async () => {
    const Invoice = invoiceCatalog();
    Invoice.register(linesSide(), { as: 'a', account: 'a' });
    Invoice.register(linesSide(), { as: 'b', account: 'b' });
    const [a, b] = [new MemorySystem(), new MemorySystem()];
    const world = await stage.start([Invoice], { a, b });
    const invoices = world.flow.catalog(Invoice);
    const { id } = await invoices.save({ number: '1', lines: [{ text: 'x', amount: '1.00' }] });
    await world.flow.sync();
    const [inA, inB] = [only(a).id, only(b).id];
    a.edit(inA, { lines: [...linesOf(a, inA), { id: 'new', text: 'y', amount: 200 }] });
    await world.flow.sync();
    expect(shown(b, inB)).toEqual([
      ['x', 100],
      ['y', 200],
    ]);
    b.edit(inB, { lines: linesOf(b, inB).map((line) => ({ ...line, amount: (line.amount ?? 0) + 50 })) });
    await world.flow.sync();
    expect(shown(a, inA)).toEqual([
      ['x', 150],
      ['y', 250],
    ]);
    await stage.db.query(`delete from invoice_line where text = 'x'`);
    await world.flow.sync();
    expect([shown(a, inA), shown(b, inB)]).toEqual([[['y', 250]], [['y', 250]]]);
    expect((await invoices.get(id))?.lines).toMatchObject([{ text: 'y', amount: '2.50' }]);
    expect([a.writes, b.writes]).toEqual([3, 3]);
    expect(await writesWhenQuiet(world, [a, b])).toBe(0);
    expect(await conflictsOf(world)).toEqual([]);
  });
});
