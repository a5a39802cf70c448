import { defineConfig } from 'vitest/config';
import { LongestFirst } from './test/longest-first.ts';

// What tests and the processes that they start load is compiled once.
process.env.NODE_COMPILE_CACHE ??= 'node_modules/.cache/node';

/** Tests of how soon something answers: nothing else runs beside them. */
const TIMED = ['test/functions/http.test.ts', 'test/reliability/load.test.ts'];
/** Tests that leave their process as they found it: those of one process share what they have loaded. */
const SHARED = [
  'test/{bench,structure,text}/**/*.test.ts',
  'test/pipeline/{audio,callback,jams,mir,models,publication,separation,stages,storage}/**/*.test.ts',
];
/** Tests of minutes, for `npm run test:chaos` alone: kills at random, many songs at once, every length of parts. */
const LONG = ['chaos', 'load', 'parts'].map((name) => `test/reliability/${name}.test.ts`);
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
          name: 'own processes',
          include: ['test/**/*.test.ts'],
          exclude: [...TIMED, ...SHARED, ...(mode === 'chaos' ? [] : LONG)],
          maxWorkers: AT_A_TIME,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'shared processes',
          include: SHARED,
          isolate: false,
          maxWorkers: AT_A_TIME,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: TIMED,
          exclude: mode === 'chaos' ? [] : LONG,
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
}));
