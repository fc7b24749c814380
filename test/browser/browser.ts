/** Headless Chromium, if this machine has one, and pages that fail a test for whatever a person would call broken. */
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { chromium, type Browser, type Page } from 'playwright-core';
import type { AxeResults } from 'axe-core';

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Undefined: this machine has none. */
export const chromiumPath = [process.env['CHROMIUM_PATH'] ?? '', ...places].find(
  (path) => path !== '' && existsSync(path),
);

export function launch(): Promise<Browser> {
  // as root, as in CI, Chromium has no sandbox; it opens nothing but our own pages
  return chromium.launch({ executablePath: chromiumPath ?? '', args: ['--no-sandbox', '--force-color-profile=srgb'] });
}

export interface View {
  readonly theme: 'light' | 'dark';
  readonly width: number;
  readonly height: number;
}

export const desk: View = { theme: 'light', width: 1360, height: 900 };
export const night: View = { ...desk, theme: 'dark' };
export const phone: View = { theme: 'light', width: 390, height: 844 };

export interface Tab {
  readonly page: Page;
  /** What the console said that it shouldn't have: errors, and refusals by the page's policy. */
  readonly complaints: string[];
}

export async function openTab(browser: Browser, view: View): Promise<Tab> {
  const context = await browser.newContext({
    viewport: { width: view.width, height: view.height },
    colorScheme: view.theme,
    reducedMotion: 'reduce',
  });
  const page = await context.newPage();
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning')
      complaints.push(`${message.text()} ${message.location().url}`.trim());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  page.on('request', (request) => {
    const { hostname } = new URL(request.url());
    if (hostname !== '127.0.0.1') complaints.push(`a request to ${hostname}`);
  });
  return { page, complaints };
}

const axePath = createRequire(import.meta.url).resolve('axe-core/axe.min.js');

/** Accessibility violations that axe calls serious or worse: what, and where. */
export async function seriousViolations(page: Page): Promise<string[]> {
  // by the debugger: the page's own policy lets no script in
  await page.evaluate(`${readFileSync(axePath, 'utf8')};0`);
  const { violations } = await page.evaluate<AxeResults>('axe.run(document)');
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) =>
      nodes.map((node) => `${id}: ${node.html.slice(0, 160)} (${node.failureSummary ?? ''})`),
    );
}

const folder = join(import.meta.dirname, '../../tmp/screenshots');

export async function picture(page: Page, name: string): Promise<void> {
  mkdirSync(folder, { recursive: true });
  await page.screenshot({ path: join(folder, `${name}.png`) });
}
