import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

// What tests and the processes that they start load is compiled once.
process.env.NODE_COMPILE_CACHE ??= 'node_modules/.cache/node';

/** Tests of how soon something answers: nothing else runs beside them. */
const TIMED = ['test/functions/http.test.ts', 'test/reliability/load.test.ts'];
/** Tests that compute, and change nothing that others see: those of one process share what they have loaded. */
const PURE = ['test/{bench,structure}/**/*.test.ts', 'test/pipeline/{mir,separation,jams}/**/*.test.ts'];
/** Tests of many minutes, in which processes are killed at random: `npm run test:chaos`. */
const CHAOS = 'test/reliability/chaos.test.ts';
/** One more than the least machine has processors: tests wait for a third of their time. */
const AT_A_TIME = 3;

export default defineConfig(({ mode }) => ({
  test: {
    globalSetup: ['test/build.ts', 'test/azurite.ts'],
    pool: 'forks',
    testTimeout: 120_000,
    hookTimeout: 120_000,
    env: mode === 'chaos' ? { CHAOS: 'full' } : {},
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        extends: true,
        test: {
          name: 'side by side',
          include: ['test/**/*.test.ts'],
          exclude: [...TIMED, ...PURE, ...(mode === 'chaos' ? [] : [CHAOS])],
          maxWorkers: AT_A_TIME,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'pure',
          include: PURE,
          isolate: false,
          maxWorkers: AT_A_TIME,
          sequence: { groupOrder: 0 },
        },
      },
      { extends: true, test: { name: 'alone', include: TIMED, maxWorkers: 1, sequence: { groupOrder: 1 } } },
    ],
  },
}));
