/**
 * Writes the Chinook sample shop into the hub, by plain SQL: `npx tsx examples/shop/load.ts`. Run it again as you like.
 *
 * An embedded hub belongs to one process at a time, so load it before `syncflow start`. A hub on a Postgres server can be loaded while
 * `syncflow start` runs: triggers capture every row.
 */
import { fileURLToPath } from 'node:url';
import { alignKeySequences } from '../../src/catalog/table.js';
import { Customer, Invoice, Product } from '../../src/demo/catalogs.js';
import { loadChinook, readChinook, type Shop } from '../../src/demo/chinook.js';
import { Syncflow } from '../../src/syncflow.js';

/** Makes the shop's tables and fills them. No subscriber is registered here: the accounts aren't needed for this. */
export async function loadShop(database: string, shop: Shop): Promise<void> {
  const flow = new Syncflow({ database, catalogs: [Customer, Product, Invoice] });
  try {
    await flow.prepare();
    await loadChinook(flow.database, shop);
    for (const catalog of [Customer, Product, Invoice]) await alignKeySequences(flow.database, catalog.definition);
  } finally {
    await flow.stop();
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const shop = readChinook();
  await loadShop(process.env['DATABASE_URL'] ?? fileURLToPath(new URL('.syncflow/hub', import.meta.url)), shop);
  process.stdout.write(
    `${shop.customers.length} customers, ${shop.products.length} products and ${shop.invoices.length} invoices are in the hub\n`,
  );
}
