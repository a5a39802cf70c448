import { createServer } from 'node:net';
import { join } from 'node:path';
import { BlobServiceClient, type ContainerClient } from '@azure/storage-blob';
import { startHost } from '../local/host.ts';
import { LOCAL_DEFAULTS, ROOT } from './defaults.ts';

/** A running worker: its address, and the container that it watches. */
export interface Worker extends AsyncDisposable {
  readonly url: string;
  readonly container: ContainerClient;
}

const DEFAULT_PORT = 7071;
/** Time that a worker has to say that it is there. */
const PATIENCE_MS = 2_000;
const DEVELOPMENT_STORAGE = 'UseDevelopmentStorage=true';

/** The worker that runs on this machine, or else one started for as long as it is needed. */
export async function useWorker(): Promise<Worker> {
  const port = Number(process.env.PORT ?? DEFAULT_PORT);
  const running = `http://127.0.0.1:${port}`;
  if (await answers(running))
    return { url: running, container: await container(), [Symbol.asyncDispose]: async () => {} };
  const host = await startHost({
    root: ROOT,
    port: (await isFree(port)) ? port : 0,
    localDir: join(ROOT, '.local'),
    defaults: LOCAL_DEFAULTS,
  });
  return { url: host.url, container: await container(), [Symbol.asyncDispose]: () => host.stop() };
}

async function container(): Promise<ContainerClient> {
  const connection = process.env.AZURE_STORAGE_CONNECTION_STRING || DEVELOPMENT_STORAGE;
  const client = BlobServiceClient.fromConnectionString(connection).getContainerClient(
    process.env.BLOB_CONTAINER_NAME || 'audio-files',
  );
  await client.createIfNotExists();
  return client;
}

/** Whether it is this worker that answers at `url`. */
async function answers(url: string): Promise<boolean> {
  try {
    const health = await fetch(`${url}/health`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    return 'services' in ((await health.json()) as object);
  } catch {
    return false;
  }
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}
