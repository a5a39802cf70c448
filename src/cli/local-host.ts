import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DEFAULT_BLOB_PORT, DEFAULT_QUEUE_PORT } from '../local/azurite/azurite.ts';
import { HostSetupError } from '../local/errors.ts';
import type { HostOptions } from '../local/host.ts';
import { readConfig, wrongSetting } from '../pipeline/config.ts';
import { WorkerError } from '../pipeline/errors.ts';
import { ensureContainer, openContainer } from '../pipeline/storage/container.ts';

/** The project's folder. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

const DEFAULT_PORT = 7071;
const HIGHEST_PORT = 65_535;

/** Settings that the local commands use where neither the environment nor local.settings.json has them. */
const LOCAL_DEFAULTS: Readonly<Record<string, string>> = {
  BLOB_CONTAINER_NAME: 'audio-files',
  MODEL_FALLBACK: 'spectral',
  CALLBACK_ALLOWED_HOSTS: 'localhost, *.localhost, 127.0.0.0/8, ::1',
};

/**
 * How the local commands run the worker: state below `LOCAL_DIR` (default `.local`), Azurite on `AZURITE_BLOB_PORT`
 * and `AZURITE_QUEUE_PORT` (defaults 10000 and 10001), the container made where there is none.
 *
 * @throws WorkerError `misconfigured` where a setting is no port.
 */
export function localHost(): HostOptions {
  const { HOST, ALLOWED_HOSTS, LOCAL_DIR } = process.env;
  const port = portOf('PORT', DEFAULT_PORT, 0);
  const blobPort = portOf('AZURITE_BLOB_PORT', DEFAULT_BLOB_PORT);
  const queuePort = portOf('AZURITE_QUEUE_PORT', DEFAULT_QUEUE_PORT);
  if (blobPort === port) throw wrong('AZURITE_BLOB_PORT', 'that is PORT, the port of the worker itself');
  if (queuePort === port) throw wrong('AZURITE_QUEUE_PORT', 'that is PORT, the port of the worker itself');
  if (queuePort === blobPort) throw wrong('AZURITE_QUEUE_PORT', 'that is AZURITE_BLOB_PORT');
  return {
    root: ROOT,
    port,
    hostname: HOST || undefined,
    allowedHosts: ALLOWED_HOSTS?.split(/[\s,]+/).filter(Boolean),
    localDir: LOCAL_DIR || join(ROOT, '.local'),
    storage: { blobPort, queuePort },
    defaults: LOCAL_DEFAULTS,
    onStorage: async () => {
      try {
        await ensureContainer(openContainer(readConfig()));
      } catch (error) {
        throw error instanceof WorkerError ? new HostSetupError(error.message, { cause: error }) : error;
      }
    },
  };
}

function portOf(setting: string, fallback: number, lowest = 1): number {
  const port = Number(process.env[setting] || fallback);
  if (Number.isInteger(port) && port >= lowest && port <= HIGHEST_PORT) return port;
  throw wrong(setting, `expected a whole number from ${lowest} to ${HIGHEST_PORT}`);
}

const wrong = (setting: string, reason: string) =>
  new WorkerError('misconfigured', wrongSetting(setting, process.env[setting], reason));
