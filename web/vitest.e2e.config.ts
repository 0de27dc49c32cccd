// The tests in a real Chromium. They share two cores with the browser, so that they run one by one.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    // Measuring takes minutes and a quiet machine: it is asked for by name.
    include: [process.env['MEASURE'] ? 'e2e/measure.ts' : 'e2e/*.test.ts'],
    environment: 'node',
    fileParallelism: false,
    testTimeout: 60_000,
    // As patient as the browser's own waiting is, on a machine that does other work as well.
    expect: { poll: { timeout: 20_000 } },
    hookTimeout: 60_000,
    globalSetup: 'e2e/prepare.ts',
  },
});
