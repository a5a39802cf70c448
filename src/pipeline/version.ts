import { createRequire } from 'node:module';

const { name, version } = createRequire(import.meta.url)('../../package.json') as {
  name: string;
  version: string;
};

/** This program, as results and annotations name it. */
export const tool = { name, version } as const;
