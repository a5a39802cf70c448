/** Azurite's services, and who holds their ports. */
import { createServer } from 'node:net';
import { HostSetupError } from '../errors.ts';

/** How long whoever listens on a port may take to say who it is. */
const ANSWER_LIMIT_MS = 1000;
const LOOPBACK = '127.0.0.1';

export interface Service {
  readonly name: 'blobs' | 'queues';
  readonly port: number;
  /** Where its account is. */
  readonly url: string;
  /** The setting that gives it another port. */
  readonly setting: string;
  /** How its answers name it. */
  readonly server: string;
}

/** Who listens on a service's port: nobody, an Azurite's service of that kind, or something else. */
export type Holder = 'nobody' | 'Azurite' | 'another program';

export function servicesAt(
  account: string,
  blobPort: number,
  queuePort: number,
): [blobs: Service, queues: Service] {
  const service = (name: Service['name'], port: number, setting: string, server: string): Service => ({
    name,
    port,
    url: `http://${LOOPBACK}:${port}/${account}`,
    setting,
    server,
  });
  return [
    service('blobs', blobPort, 'AZURITE_BLOB_PORT', 'Azurite-Blob'),
    service('queues', queuePort, 'AZURITE_QUEUE_PORT', 'Azurite-Queue'),
  ];
}

export async function holderOf({ port, url, server }: Service): Promise<Holder> {
  if (await isFree(port)) return 'nobody';
  try {
    const response = await fetch(`${url}?comp=list`, { signal: AbortSignal.timeout(ANSWER_LIMIT_MS) });
    await response.body?.cancel();
    return response.headers.get('server')?.startsWith(server) ? 'Azurite' : 'another program';
  } catch {
    return 'another program';
  }
}

/** That a service can't have its port, with the way out. `orphan` is a process that may still hold it. */
export function portTaken({ name, port, setting }: Service, by: string, orphan?: number): HostSetupError {
  const hint = orphan === undefined ? '' : ` (it may be process ${orphan}, the Azurite of an earlier worker)`;
  return new HostSetupError(
    `port ${port}, Azurite's for ${name}, is in use by ${by}${hint}. Stop it, or set ${setting} to a free one.`,
  );
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}
