import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'src/**/*.test.ts'],
    // in Chromium: `npm run test:browser`
    exclude: ['test/browser/**'],
    // Two files at a time: each may start embedded hubs of its own, 2 to 4 s apiece on two cores.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // A busy machine is no failure: what is waited for is waited for as long as a test may take.
    expect: { poll: { timeout: 45_000, interval: 20 } },
    // A warning that scrolls past is a fault that nobody sees.
    onConsoleLog(log, _type, entity) {
      const who =
        entity === undefined ? 'A test file' : entity.type === 'module' ? entity.relativeModuleId : entity.fullName;
      throw new Error(`${who} wrote to the console (expect it with vi.spyOn, or take it out): ${log}`);
    },
  },
});
