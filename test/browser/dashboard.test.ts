/** Clicks through the dashboard as a person would, against a running engine, in both themes and on a phone. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DemoWorld } from '../../src/demo/world.js';
import { desk, launch, night, openTab, phone, picture, seriousViolations, type View } from './browser.js';
import { openShop, stripeId } from './world.js';
import { Customer } from '../../src/demo/catalogs.js';

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
  for (const one of opened) await one.close();
});

const at = (path: string): string => `${world.server.url}/dashboard/#${path}`;

interface Place {
  readonly name: string;
  readonly path: string;
  /** Waits until the page shows what it is for, and does what there is to open. */
  look(page: Page): Promise<unknown>;
}

const places: readonly Place[] = [
  {
    name: 'overview',
    path: '/',
    look: async (page) => {
      await page.getByRole('heading', { name: 'Something needs you' }).waitFor();
      await page.getByText('commit → remote', { exact: true }).waitFor();
      await page.locator('.feed .entry').first().waitFor();
    },
  },
  {
    name: 'parked',
    path: '/parked',
    look: async (page) => {
      await page.getByText('email: Invalid email address').first().waitFor();
      await page.getByText('Cure:').first().waitFor();
      await page.getByRole('button', { name: 'Show records' }).first().click();
      await page.getByRole('table', { name: 'Records of this cause' }).getByRole('link').first().waitFor();
    },
  },
  {
    name: 'conflicts',
    path: '/conflicts',
    look: (page) => page.getByText('+420 1111').first().waitFor(),
  },
  {
    name: 'activity',
    path: '/activity',
    look: async (page) => {
      await page.getByRole('button', { name: 'Remote → hub' }).click();
      await page.locator('.feed .sign.inward').first().waitFor();
    },
  },
  {
    name: 'subscriber',
    path: '/s/customer/stripe',
    look: async (page) => {
      await page.getByRole('button', { name: /^All/ }).click();
      await page.getByRole('table', { name: 'Records of customer/stripe' }).getByRole('link').nth(5).waitFor();
    },
  },
  {
    name: 'search',
    path: '/parked',
    look: async (page) => {
      await page.getByRole('heading', { name: 'Parked' }).waitFor();
      await page.keyboard.press('/');
      await page.keyboard.type('leonie.koehler');
      await page.keyboard.press('Enter');
      await page.getByText('email: leonie.koehler@surfeu.de').first().waitFor();
      expect(page.url()).not.toContain('leonie');
    },
  },
];

const views: readonly (readonly [string, View])[] = [
  ['light', desk],
  ['dark', night],
  ['phone', phone],
];

describe.each(views)('%s', (theme, view) => {
  test.each(places)('$name: shows what it is for, and nothing that axe or the console complains of', async (place) => {
    const { page, complaints } = await openTab(browser, view);
    await page.goto(at(place.path));
    await place.look(page);
    expect(await seriousViolations(page)).toEqual([]);
    await picture(page, `${place.name}-${theme}`);
    expect(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), 'nothing sticks out').toBe(true);
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('record: both sides, where each value came from, and what happened', async () => {
    const { page, complaints } = await openTab(browser, view);
    await openRecord(page, 'leonie.koehler');
    await page.getByRole('heading', { name: 'Timeline' }).waitFor();
    // who overwrote that e-mail?
    const email = page.getByRole('row', { name: /^email/ }).first();
    expect(await email.textContent()).toContain('customer/stripe');
    await page.getByRole('button', { name: 'Read the remotes now' }).click();
    await page.getByText('Read just now: the remote shows what it should.').first().waitFor();
    expect(page.url()).toMatch(/#\/r\/\d+$/);
    expect(await seriousViolations(page)).toEqual([]);
    await picture(page, `record-${theme}`);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});

async function openRecord(page: Page, text: string): Promise<void> {
  await page.goto(at('/'));
  await page.getByLabel('Search records').fill(text);
  await page.keyboard.press('Enter');
  await page.locator('.entry a.strong').first().click();
  await page.getByRole('button', { name: 'Read the remotes now' }).waitFor();
}

describe('what a person does', () => {
  test('a change shows as it happens', async () => {
    const { page } = await openTab(browser, desk);
    await page.goto(at('/'));
    await page.locator('.feed .entry').first().waitFor();
    await world.flow.database.query(`update customer set city = 'Town of the test' where id = 12`);
    await page.locator('.feed').getByText('customer 12', { exact: true }).first().waitFor();
    await page.context().close();
  });

  test('a conflict is decided: asked first, saved, said, and in the audit', async () => {
    const { page, complaints } = await openTab(browser, desk);
    await page.goto(at('/conflicts'));
    const conflict = page.getByRole('region', { name: 'phone of customer 7' });
    await conflict.getByRole('button', { name: 'Take the hub’s' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByText('+43 1111').waitFor();
    expect(await seriousViolations(page)).toEqual([]);
    await picture(page, 'dialog-light');
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    expect(await phoneOf(7)).toBe('+43 2222');
    await conflict.getByRole('button', { name: 'Take the hub’s' }).click();
    await dialog.getByLabel('Your name, for the audit').fill('Grace');
    await dialog.getByRole('button', { name: 'Take the hub’s' }).click();
    await page.getByText('phone of 7 is the hub’s value now').waitFor();
    await expect.poll(() => phoneOf(7)).toBe('+43 1111');
    await page.goto(at('/activity'));
    await page.getByRole('button', { name: 'By hand' }).click();
    await page.getByText(/phone of 7 is the hub’s value now.*by Grace/).waitFor();
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a subscriber is paused and resumed; the head of the overview says so', async () => {
    const { page } = await openTab(browser, desk);
    await page.goto(at('/s/product/stripe'));
    await page.getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Pause' }).click();
    await page.getByRole('button', { name: 'Resume' }).waitFor();
    await page.goto(at('/'));
    await page.getByText('product/stripe paused').waitFor();
    await page.goto(at('/s/product/stripe'));
    await page.getByRole('button', { name: 'Resume' }).click();
    await page.getByRole('button', { name: 'Pause' }).waitFor();
    await page.context().close();
  });

  test('what is parked is mended and tried again, all of a cause at once', async () => {
    const { page } = await openTab(browser, desk);
    await world.flow.database.query(`update customer set email = 'six@example.com' where id = 6`);
    await world.flow.settled();
    await page.goto(at('/parked'));
    await page.getByText('2 records, 1 cause.', { exact: false }).waitFor();
    await page.getByRole('button', { name: 'Retry all' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Try again' }).click();
    await page.getByText('2 records tried again').first().waitFor();
    await world.flow.settled();
    await world.flow.database.query(`update customer set email = 'nine@example.com' where id = 9`);
    await page.getByText('Nothing is parked').waitFor();
    await page.context().close();
  });

  test('both sides are compared, and what came of it is said', async () => {
    const { page } = await openTab(browser, desk);
    await page.goto(at('/s/customer/stripe'));
    await page.getByRole('button', { name: 'Compare' }).click();
    await page.getByText(/customer\/stripe: \d+ compared, all equal/).waitFor();
    await page.context().close();
  });

  test('what differs is listed with what a repair would do, and repaired', async () => {
    const { page, complaints } = await openTab(browser, desk);
    const { flow } = world;
    // an edit that no trigger saw
    await flow.database.transaction(async (tx) => {
      await tx.query('alter table customer disable trigger user');
      await tx.query(`update customer set city = 'Nowhere' where id in (10, 11)`);
      await tx.query('alter table customer enable trigger user');
    });
    await page.goto(at('/s/customer/stripe'));
    await page.getByRole('button', { name: 'Compare' }).click();
    const compared = page.getByRole('region', { name: /^Comparison/ });
    await compared.getByText('edited here, and not sent').waitFor();
    await compared.getByRole('button', { name: 'Show the list' }).click();
    await compared.getByText('the hub’s value is written there').first().waitFor();
    expect(await seriousViolations(page)).toEqual([]);
    await picture(page, 'compared-light');
    await compared.getByRole('button', { name: 'Repair…' }).click();
    await page.getByRole('dialog').getByText('the hub’s value is written there').waitFor();
    await picture(page, 'repair-light');
    await page.getByRole('button', { name: 'Compare again and repair' }).click();
    await page
      .getByText(/2 records queued to be merged/)
      .first()
      .waitFor();
    await flow.settled();
    const city = async () =>
      (await world.stripe.customers.retrieve(await stripeId(world, 'customer', 10))) as { address?: { city?: string } };
    expect((await city()).address?.city).toBe('Nowhere');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a plan tells what a load would do; what is ambiguous is decided there; then it is applied', async () => {
    const { page, complaints } = await openTab(browser, desk);
    const { flow, stripe } = world;
    await flow.pause('customer/stripe');
    await flow
      .catalog(Customer)
      .save({ id: 901, first_name: 'Grace', last_name: 'Hopper', email: 'grace@example.com' });
    // somebody copied her there with her marker: nobody can tell which one she is
    const metadata = await markerOf(901);
    for (const name of ['Grace Hopper', 'G. Hopper'])
      await stripe.customers.create({ name, email: 'grace@example.com', metadata });
    await stripe.customers.create({ name: 'Alan Turing', email: 'alan@example.com' });
    await page.goto(at('/s/customer/stripe'));
    await page.getByRole('link', { name: 'Plan' }).click();
    await page
      .getByRole('heading', { name: 'There is no plan' })
      .or(page.getByText('There is no plan'))
      .first()
      .waitFor();
    await picture(page, 'plan-empty-light');
    await page.getByRole('button', { name: 'Make a plan' }).click();
    await page.getByText('ready: nothing done yet').waitFor();
    await page.getByRole('button', { name: 'It is 901' }).first().waitFor();
    for (const view of [desk, night, phone]) {
      await page.setViewportSize(view);
      await page.emulateMedia({ colorScheme: view.theme });
      expect(await seriousViolations(page)).toEqual([]);
      await picture(page, `plan-${view === phone ? 'phone' : view.theme}`);
    }
    await page.setViewportSize(desk);
    await page.getByRole('button', { name: 'It is 901' }).first().click();
    await page.getByText('decided: linked to 901').waitFor();
    // the other remote; the record itself is decided about with the first
    const leave = page.getByRole('button', { name: 'Leave it alone' });
    await leave.nth((await leave.count()) - 2).click();
    // meanwhile the world moves: nothing may be written that nobody has approved
    await flow.resume('customer/stripe');
    await flow.sync();
    await page.getByRole('button', { name: 'Apply…' }).click();
    await picture(page, 'apply-light');
    await page.getByRole('button', { name: 'Apply it' }).click();
    await page.getByRole('alert').getByText('say something else than the plan that was approved').waitFor();
    await picture(page, 'moved-light');
    await page.getByRole('button', { name: 'Apply…' }).click();
    await page.getByRole('button', { name: 'Apply what both sides are now' }).click();
    await page.getByText('applied', { exact: true }).waitFor();
    await picture(page, 'applied-light');
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('a record is unlinked: asked before, said, in the audit; and linked again', async () => {
    const { page, complaints } = await openTab(browser, desk);
    const remoteId = await stripeId(world, 'customer', 3);
    await page.goto(at('/s/customer/stripe'));
    await page.getByRole('button', { name: /^All/ }).click();
    await page.getByRole('table').getByRole('link', { name: '3', exact: true }).click();
    const side = page.getByRole('region', { name: 'customer/stripe', exact: true });
    await side.getByRole('button', { name: 'Unlink' }).click();
    await page.getByRole('dialog').getByText('Both are left alone').waitFor();
    expect(await seriousViolations(page)).toEqual([]);
    await picture(page, 'unlink-light');
    await page.getByRole('dialog').getByRole('button', { name: 'Unlink' }).click();
    await page.getByText(`3 and ${remoteId} are parted in customer/stripe`).first().waitFor();
    await picture(page, 'unlinked-light');
    await side.getByText(/tombstone|not paired/).waitFor();
    await side.getByRole('button', { name: 'Link…' }).click();
    await page.getByLabel('The remote’s id').fill(remoteId);
    await page.getByRole('dialog').getByRole('button', { name: 'Link', exact: true }).click();
    await side.getByText('in agreement').waitFor();
    await page.goto(at('/activity'));
    await page.getByRole('button', { name: 'By hand' }).click();
    await page
      .getByText(/are parted in customer\/stripe/)
      .first()
      .waitFor();
    // linked anew, the record stands under another link: what is shown may be asked for once more under the old one, before the page moves on
    expect(complaints.filter((one) => !/400 .*\/api\/record$/.test(one))).toEqual([]);
    await page.context().close();
  });

  test('deletes that the guard holds are listed, and taken back when they were a mistake', async () => {
    const { page, complaints } = await openTab(browser, desk);
    const { flow } = world;
    await flow.database.query(
      `insert into product (id, name, unit_price, currency) select 900000 + i, 'Song ' || i, 0.99, 'usd' from generate_series(1, 200) i`,
    );
    await flow.settled();
    await flow.database.query('delete from product where id > 900000');
    await flow.settled();
    await page.goto(at('/s/product/stripe'));
    const guard = page.getByRole('region', { name: /held$/ });
    await guard.getByText('deleted in stripe').first().waitFor();
    await guard
      .getByText(/200 remotes are deleted in stripe/)
      .first()
      .waitFor();
    expect(await seriousViolations(page)).toEqual([]);
    await picture(page, 'guard-light');
    await guard.getByRole('button', { name: 'Release…' }).click();
    await picture(page, 'release-light');
    await page.getByRole('dialog').getByText('A delete can’t be undone.', { exact: false }).waitFor();
    await page.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
    await guard.getByRole('button', { name: 'Discard…' }).click();
    await page.getByRole('dialog').getByRole('button', { name: /^Take/ }).click();
    await page
      .getByText(/taken back/)
      .first()
      .waitFor();
    await guard.waitFor({ state: 'detached' });
    expect(complaints).toEqual([]);
    await page.context().close();
  });

  test('the keyboard is enough: skip link, pages, themes', async () => {
    const { page } = await openTab(browser, desk);
    await page.goto(at('/'));
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('content');
    await page.getByRole('button', { name: 'Use the dark theme' }).press('Enter');
    expect(await page.evaluate('document.documentElement.dataset.theme')).toBe('dark');
    await page.reload();
    await page.getByRole('button', { name: 'Use the light theme' }).waitFor();
    await page.context().close();
  });
});

/** Our marker as Stripe holds it, for another record. */
async function markerOf(id: number): Promise<Record<string, string>> {
  const known = await world.stripe.customers.retrieve(await stripeId(world, 'customer', 10));
  const { metadata } = known as { metadata: Record<string, string> };
  return Object.fromEntries(
    Object.entries(metadata).map(([name, value]) => [name, value.replace('["10"]', `["${id}"]`)]),
  );
}

async function phoneOf(id: number): Promise<string | null | undefined> {
  const rows = await world.flow.database.query<{ phone: string | null }>('select phone from customer where id = $1', [
    id,
  ]);
  return rows[0]?.phone;
}
