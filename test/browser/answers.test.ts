/** Questions that the dashboard answers within a minute: why this total, whose record is that, where in a long list, what of a long run. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { Catalog } from '../../src/catalog/catalog.js';
import type { DemoWorld } from '../../src/demo/world.js';
import { listen, type Listening } from '../../src/server/listen.js';
import type { ListPage } from '../../src/subscriber/base.js';
import { leastCapabilities } from '../../src/subscriber/capabilities.js';
import { Syncflow } from '../../src/syncflow.js';
import { MemorySubscriber, MemorySystem, type MemoryObject } from '../../src/testing/memory-system/index.js';
import { desk, launch, night, openTab, phone, picture, seriousViolations } from './browser.js';
import { openShop } from './world.js';

let world: DemoWorld;
let browser: Browser;
const opened: { close(): Promise<void> }[] = [];

beforeAll(async () => {
  browser = await launch();
  opened.push(browser);
  world = await openShop();
  opened.push(world);
}, 240_000);
afterAll(async () => {
  for (const one of opened.reverse()) await one.close();
});

const at = (path: string, server: Listening = world.server): string => `${server.url}/dashboard/#${path}`;

async function firstInvoice(page: Page): Promise<void> {
  await page.goto(at('/s/invoice/stripe'));
  await page.getByRole('table', { name: 'Records of invoice/stripe' }).getByRole('link').first().click();
  await page.getByRole('heading', { name: 'lines' }).waitFor();
}

test.each([
  ['light', desk],
  ['dark', night],
  ['phone', phone],
] as const)('why does this invoice have this total? (%s)', async (name, view) => {
  const { page, complaints } = await openTab(browser, view);
  await firstInvoice(page);
  const lines = page.getByRole('region', { name: 'lines', exact: true });
  // what its lines come to, exactly
  await lines.getByText('comes to').waitFor();
  const [record] = await world.flow.database.query<{ total: string; product: string; customer: string }>(
    `select i.total::text as total, p.name as product, c.first_name as customer from invoice i join customer c on c.id = i.customer_id
       join invoice_line l on l.invoice_id = i.id join product p on p.id = l.product_id
       where i.id = (select (key::json->>0)::int from syncflow.link where subscriber = 'invoice/stripe' order by id limit 1) order by l.id limit 1`,
  );
  expect(await lines.locator('.card-foot').textContent()).toMatch(
    new RegExp(`^unit_price × quantity, over \\d+ rows?, comes to ${record?.total ?? '?'}: that is total\\.$`),
  );
  // each line names its product, not a number alone, and says where it came from
  await lines
    .getByRole('link', { name: record?.product ?? '?' })
    .first()
    .waitFor();
  expect(await lines.getByRole('row').nth(1).textContent()).toMatch(/unit_price.*: .+ · /);
  // who is charged, and who said what the total is
  const side = page.getByRole('region', { name: 'invoice/stripe', exact: true });
  await side
    .getByRole('link', { name: record?.customer ?? '?' })
    .first()
    .waitFor();
  expect(await side.getByRole('row', { name: /^total/ }).textContent()).toMatch(/← total/);
  expect(await seriousViolations(page)).toEqual([]);
  await page.screenshot({ path: `tmp/screenshots/invoice-${name}.png`, fullPage: true });
  await lines
    .getByRole('link', { name: record?.product ?? '?' })
    .first()
    .click();
  await page.getByText('product', { exact: true }).first().waitFor();
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('conflicts, activity and hits call records by name', async () => {
  const { page, complaints } = await openTab(browser, desk);
  await page.goto(at('/conflicts'));
  await page
    .getByRole('region', { name: 'phone of customer 5' })
    .getByText(/František/)
    .waitFor();
  await picture(page, 'conflicts-named');
  await page.goto(at('/activity'));
  await page.getByText('František').first().waitFor();
  await picture(page, 'activity-named');
  await page.getByLabel('Search records').fill('5');
  await page.keyboard.press('Enter');
  await page.locator('.entry').getByText('František').first().waitFor();
  await picture(page, 'search-named');
  // as it happens, too
  await page.goto(at('/activity'));
  await world.flow.database.query(`update customer set fax = '+1' where id = 11`);
  await page.locator('.entry', { hasText: 'customer 11' }).getByText('Alexandre').first().waitFor();
  expect(complaints).toEqual([]);
  await page.context().close();
});

/** Lists two remotes a page, each when it is let. */
async function slowSystem() {
  class Person extends Catalog({ name: 'person', key: 'id', fields: { id: z.int(), name: z.string() } }) {}
  const gates: (() => void)[] = [];
  let isOpen = false;
  class SlowPerson extends MemorySubscriber<typeof Person> {
    override readonly capabilities = { ...leastCapabilities, marker: true, listing: true };
    override readonly mapping = this.map({ name: 'values.name' });
    override async list(cursor?: string): Promise<ListPage<MemoryObject>> {
      if (!isOpen) await new Promise<void>((resolve) => gates.push(resolve));
      const [from, all] = [Number(cursor ?? 0), [...this.account.objects.values()]];
      return { remotes: all.slice(from, from + 2), ...(from + 2 < all.length ? { cursor: String(from + 2) } : {}) };
    }
  }
  Person.register(SlowPerson, { as: 'memory' });
  const system = new MemorySystem();
  for (let n = 1; n <= 5; n++) system.put(`r${n}`, { name: `There ${n}` });
  const flow = new Syncflow({
    database: 'memory:',
    catalogs: [Person],
    accounts: { memory: system },
    pollIntervalMs: 50,
    verify: { everyMs: 100 },
  });
  await flow.start();
  const server = await listen(flow.handler, { port: 0 });
  opened.push({
    close: async () => {
      isOpen = true;
      gates.splice(0).forEach((go) => go());
      await server.close();
      await flow.stop();
    },
  });
  const page = async (): Promise<void> => {
    await expect.poll(() => gates.length).toBeGreaterThan(0);
    gates.shift()?.();
  };
  return { flow, server, page, gates };
}

test('a first load is paused and goes on; a sweep by the clock shows no button that would do nothing', async () => {
  const { flow, server, page: nextPage, gates } = await slowSystem();
  const { page, complaints } = await openTab(browser, desk);
  await page.goto(at('/s/person/memory', server));
  await page.getByRole('heading', { name: /person\/memory/ }).waitFor();
  await nextPage();
  const runs = page.getByRole('region', { name: 'Runs' });
  await runs.getByText('First load').waitFor();
  await picture(page, 'load-running');
  expect(await runs.getByRole('button', { name: 'Stop' }).count()).toBe(0);
  await runs.getByRole('button', { name: 'Pause' }).click();
  await runs.getByText('goes on once resumed', { exact: false }).waitFor();
  await picture(page, 'load-paused');
  // the page that was under way is taken in; no further one is asked for
  await nextPage();
  await flow.settled();
  expect(gates).toHaveLength(0);
  expect(await flow.database.query('select 1 from person')).toEqual([]);
  await page.getByRole('button', { name: 'Resume' }).click();
  await nextPage();
  await expect.poll(async () => (await flow.database.query('select 1 from person')).length).toBe(5);
  await flow.settled();

  // its time has come: nobody began it, and nobody can end it here
  await nextPage();
  await runs.getByText('Sweep by the clock').waitFor();
  await runs.getByRole('progressbar', { name: 'Sweep by the clock' }).waitFor();
  await picture(page, 'sweep-running');
  expect(await runs.getByRole('button').count()).toBe(0);
  expect(complaints).toEqual([]);
  await page.context().close();
});

test('a long list begins where somebody wants it to, and in the order that he wants', async () => {
  const { page, complaints } = await openTab(browser, desk);
  await page.goto(at('/s/product/stripe'));
  const list = page.getByRole('table', { name: 'Records of product/stripe' });
  const first = list.getByRole('row').nth(1).getByRole('link');
  await first.waitFor();
  const ids = (
    await world.flow.database.query<{ key: string }>(
      `select key::json->>0 as key from syncflow.link where subscriber = 'product/stripe' order by id`,
    )
  ).map(({ key }) => key);
  expect(await first.textContent()).toBe(ids[0]);
  await page.getByLabel('Order').selectOption('newest');
  await expect.poll(() => first.textContent()).toBe(ids.at(-1));
  const jump = page.getByLabel('Begin the list with this key or remote id');
  await jump.fill(ids[30] ?? '');
  await jump.press('Enter');
  await expect.poll(() => first.textContent()).toBe(ids[30]);
  expect(await list.getByRole('row').nth(2).getByRole('link').textContent()).toBe(ids[29]);
  await world.flow.database.query(`update product set name = 'Touched' where id = $1`, [ids[3] ?? '']);
  await world.flow.settled();
  await page.getByRole('button', { name: 'From the start' }).click();
  await page.getByLabel('Order').selectOption('changed');
  await expect.poll(() => first.textContent()).toBe(ids[3]);
  await picture(page, 'list-ordered');
  await jump.fill('nobody');
  await jump.press('Enter');
  await page.getByText('product/stripe knows no record and no remote “nobody”').waitFor();
  expect(await seriousViolations(page)).toEqual([]);
  expect(complaints.filter((one) => !one.includes('400'))).toEqual([]);
  await page.context().close();
});
