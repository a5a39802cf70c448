import { join } from 'node:path';
import type { ContainerClient } from '@azure/storage-blob';
import { emulatorAt } from '../local/azurite/azurite.ts';
import { isFree } from '../local/azurite/services.ts';
import { applySettings, pointAt } from '../local/environment.ts';
import { startHost } from '../local/host.ts';
import { logToFile } from '../local/log.ts';
import { readConfig } from '../pipeline/config.ts';
import { ensureContainer, openContainer } from '../pipeline/storage/container.ts';
import { localHost } from './local-host.ts';

/** A running worker: its address, and the container that it watches. */
export interface Worker extends AsyncDisposable {
  readonly url: string;
  readonly container: ContainerClient;
}

/** Time that a worker has to say that it is there. */
const PATIENCE_MS = 2_000;

/** The worker that runs on this machine, or else one started for as long as it is needed. */
export async function useWorker(): Promise<Worker> {
  const options = localHost();
  const { port } = options;
  const running = `http://127.0.0.1:${port}`;
  if (await answers(running)) {
    applySettings(options);
    const { blobPort, queuePort } = options.storage ?? {};
    pointAt(emulatorAt(blobPort, queuePort), process.env);
    const container = openContainer(readConfig());
    await ensureContainer(container);
    return { url: running, container, [Symbol.asyncDispose]: async () => {} };
  }
  const host = await startHost({
    ...options,
    port: (await isFree(port)) ? port : 0,
    // The terminal belongs to the progress bar and the results.
    log: logToFile(join(options.localDir, 'worker.log')),
  });
  return {
    url: host.url,
    container: openContainer(readConfig()),
    [Symbol.asyncDispose]: () => host.stop(),
  };
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
