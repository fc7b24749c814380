/** Clicks through the dashboard as a person would, against a running engine, in both themes and on a phone. */
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DemoWorld } from '../../src/demo/world.js';
import { desk, launch, night, openTab, phone, picture, seriousViolations, type View } from './browser.js';
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
  for (const one of opened) await one.close();
});

const views: readonly (readonly [string, View])[] = [
  ['light', desk],
  ['dark', night],
  ['phone', phone],
];

describe.each(views)('%s', (name, view) => {
  test('the overview says how things stand, and shows a change as it happens', async () => {
    const { page, complaints } = await openTab(browser, view);
    await page.goto(world.server.url);
    await page.getByRole('heading', { level: 1 }).waitFor();
    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('Something needs you');
    await page.getByText('2 records parked', { exact: true }).first().waitFor();
    const city = `Town of ${name}`;
    await world.flow.database.query('update customer set city = $1 where id = 1', [city]);
    await page.locator('.feed').getByText('customer 1', { exact: true }).first().waitFor();
    await page.getByText('Throughput').waitFor();
    expect(await seriousViolations(page)).toEqual([]);
    await picture(page, `overview-${name}`);
    expect(complaints).toEqual([]);
    await page.context().close();
  });
});
