#!/usr/bin/env node
/** Runs the end-to-end tests in headless Chromium, against a build of the dashboard as it is now. Without a Chromium: one line, and no failure. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const places = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

if (!places.some((path) => path && existsSync(path))) {
  console.log('test:browser skipped: no Chromium here (apt-get install chromium, or set CHROMIUM_PATH)');
} else {
  run(['vite', 'build', 'dashboard', '--logLevel', 'warn']);
  run(['vitest', 'run', '--config', 'vitest.browser.config.ts', ...process.argv.slice(2)]);
}

function run(args) {
  const { status } = spawnSync('npx', ['--no-install', ...args], { cwd: root, stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}
