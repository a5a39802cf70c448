import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startAzurite } from '../src/local/azurite/azurite.ts';
import { freePort } from './support/ports.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** The Azurite that tests share, each with an account of its own. */
    azurite: { readonly blobPort: number; readonly queuePort: number };
  }
}

/** Processes of tests, and the storages that one of them may ask for. */
const PROCESSES = 150;
const STORAGES = 20;

/** Of all accounts. */
const KEY = Buffer.from('tests').toString('base64');

/** The account of a storage that the process `worker` of the tests asks for. */
export const accountOf = (worker: number, storage: number): { name: string; key: string } => {
  if (worker > PROCESSES || storage > STORAGES)
    throw new Error(
      `There is no account ${storage} for process ${worker} of the tests: raise STORAGES or PROCESSES.`,
    );
  return { name: `test${worker}s${storage}`, key: KEY };
};

/** Starts one Azurite before the tests: to start and warm up one for each takes longer than what they do with it. */
export default async function start(project: TestProject): Promise<() => Promise<void>> {
  const accounts = [];
  for (let worker = 0; worker <= PROCESSES; worker++)
    for (let storage = 1; storage <= STORAGES; storage++) accounts.push(accountOf(worker, storage));
  process.env.AZURITE_ACCOUNTS = accounts.map(({ name, key }) => `${name}:${key}`).join(';');
  const directory = mkdtempSync(join(tmpdir(), 'azurite-'));
  const [blobPort, queuePort] = [await freePort(), await freePort()];
  // Nobody kills it.
  const options = { directory, blobPort, queuePort, writesThrough: false };
  const azurite = await startAzurite({ ...options, log: () => {} });
  delete process.env.AZURITE_ACCOUNTS;
  project.provide('azurite', { blobPort, queuePort });
  return async () => {
    await azurite.stop();
    rmSync(directory, { recursive: true, force: true });
  };
}
