import { mkdtempSync, rmSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
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

/** A port of 127.0.0.1 that nothing listens on. */
export function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => resolve(port));
    });
  });
}
