import { defineConfig } from 'vitest/config';

/** End-to-end tests in headless Chromium: `npm run test:browser`. */
export default defineConfig({
  test: {
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 120_000,
    hookTimeout: 240_000,
    fileParallelism: false,
    pool: 'forks',
    // the demo's simulators are a process of their own, which takes over how this one was started
    execArgv: ['--import', 'tsx'],
    expect: { poll: { timeout: 30_000, interval: 50 } },
  },
});
