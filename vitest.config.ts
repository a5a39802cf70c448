import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

/** Tests of how soon something answers: nothing else runs beside them. */
const TIMED = ['test/reliability/load.test.ts'];

export default defineConfig(({ mode }) => ({
  test: {
    globalSetup: ['test/build.ts'],
    pool: 'forks',
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // What child processes load is compiled once.
    env: { NODE_COMPILE_CACHE: 'node_modules/.cache/node', ...(mode === 'chaos' ? { CHAOS: 'full' } : {}) },
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'side by side',
          include: ['test/**/*.test.ts'],
          exclude: TIMED,
          // One more than the least machine has processors: tests wait for a third of their time.
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'alone', include: TIMED, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
}));
