import { test } from 'vitest';
import { invoiceCatalog, linesSide, shown } from './lines-world.js';
import { MemorySystem, only, useStage } from './stage.js';
const stage = useStage();
test('x', async () => {
  const Invoice = invoiceCatalog();
  Invoice.register(linesSide({ marker: false }));
  const system = new MemorySystem();
  let writes = 0;
  const enough = new Promise<void>((resolve) => {
    system.beforeAnswer = async () => {
      if (++writes > 4) { resolve(); await new Promise(() => {}); }
    };
  });
  const world = await stage.start([Invoice], { memory: system });
  await world.flow.catalog(Invoice).save({ number: '1', lines: [{ text: 'a', amount: '1.00' }] });
  await Promise.race([enough, world.flow.settled()]);
  const { writeFileSync } = await import('node:fs');
  writeFileSync('/tmp/zz.txt', JSON.stringify([writes, shown(system, only(system).id), await stage.db.query('select * from invoice_line')], null, 1));
  process.exit(0);
});
