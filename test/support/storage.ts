import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { startAzurite } from '../../src/local/azurite/azurite.ts';

/** A real Azurite of the test's own, with an empty container. */
export interface TestStorage {
  readonly container: ContainerClient;
  readonly connectionString: string;
  stop(): Promise<void>;
}

export async function startStorage(): Promise<TestStorage> {
  const directory = mkdtempSync(join(tmpdir(), 'azurite-'));
  const azurite = await startAzurite({
    directory,
    blobPort: await freePort(),
    queuePort: await freePort(),
    // Nobody kills it.
    writesThrough: false,
    log: () => {},
  });
  const container = BlobServiceClient.fromConnectionString(azurite.connectionString).getContainerClient(
    'audio-files',
  );
  await container.create();
  return {
    container,
    connectionString: azurite.connectionString,
    stop: async () => {
      await azurite.stop();
      rmSync(directory, { recursive: true, force: true });
    },
  };
}

/** Where ports are taken from: below those that the system gives to outgoing connections. */
const FIRST_PORT = 20_000;
const PORTS = 10_000;

/** A port of 127.0.0.1 that nothing listens on, and that no connection is given meanwhile. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST_PORT + Math.floor(Math.random() * PORTS);
    if (await isFree(port)) return port;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
