import { defineConfig } from 'vitest/config';

/** Tests in a real browser, against a running system at LYCEUM_URL. */
export default defineConfig({
  test: {
    include: ['tests/browser/**/*.test.ts'],
    testTimeout: 150_000,
    hookTimeout: 60_000,
    expect: { poll: { timeout: 20_000 } },
    fileParallelism: false,
    // A browser shares its machine with much else: what fails twice is broken.
    retry: 1,
    globalSetup: 'tests/browser/serve.ts',
  },
});
