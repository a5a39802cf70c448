import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { HostOptions } from '../local/host.ts';
import { readConfig } from '../pipeline/config.ts';
import { ensureContainer, openContainer } from '../pipeline/storage/container.ts';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const DEFAULT_PORT = 7071;
const HIGHEST_PORT = 65_535;

/** Settings that the local commands use where neither the environment nor local.settings.json has them. */
const LOCAL_DEFAULTS: Readonly<Record<string, string>> = {
  BLOB_CONTAINER_NAME: 'audio-files',
  MODEL_FALLBACK: 'spectral',
};

/**
 * How the local commands run the worker: state below `LOCAL_DIR` (default `.local`), Azurite on `AZURITE_BLOB_PORT`
 * and `AZURITE_QUEUE_PORT` (defaults 10000 and 10001), the container made where there is none.
 *
 * @throws RangeError where PORT is no port, with a message for people.
 */
export function localHost(): HostOptions {
  const { HOST, LOCAL_DIR, AZURITE_BLOB_PORT, AZURITE_QUEUE_PORT } = process.env;
  return {
    root: ROOT,
    port: portOf(process.env.PORT),
    hostname: HOST || undefined,
    localDir: LOCAL_DIR || join(ROOT, '.local'),
    storage: {
      blobPort: AZURITE_BLOB_PORT ? Number(AZURITE_BLOB_PORT) : undefined,
      queuePort: AZURITE_QUEUE_PORT ? Number(AZURITE_QUEUE_PORT) : undefined,
    },
    defaults: LOCAL_DEFAULTS,
    onStorage: async () => {
      await ensureContainer(openContainer(readConfig()));
    },
  };
}

function portOf(text: string | undefined): number {
  const port = Number(text || DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 0 || port > HIGHEST_PORT)
    throw new RangeError(`PORT must be a whole number from 0 to ${HIGHEST_PORT}, got "${text}".`);
  return port;
}
