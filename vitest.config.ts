import { defineConfig } from 'vitest/config';

export default defineConfig(({ mode }) => ({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: ['test/build.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What child processes load is compiled once.
    env: { NODE_COMPILE_CACHE: 'node_modules/.cache/node', ...(mode === 'chaos' ? { CHAOS: 'full' } : {}) },
  },
}));
