import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { emulatorAt } from '../../src/local/azurite/azurite.ts';
import { freePort } from './ports.ts';
import type { TestStorage } from './storage.ts';

/** Time that a worker may take to be up, on a machine that is busy with other things. */
const START_LIMIT_MS = 90_000;

/** A worker that has not come by its fault point by then never will. */
const FAULT_LIMIT_MS = 90_000;

/** Where a command keeps its state and what it listens on, so that it meets no other worker on this machine. */
export interface Place extends TestStorage {
  readonly folder: string;
  readonly env: Record<string, string>;
  remove(): void;
}

/** A place whose workers start an Azurite of their own, as a user's do. */
export async function aPlace(settings: Record<string, string> = {}): Promise<Place> {
  const folder = mkdtempSync(join(tmpdir(), 'worker-'));
  const [port, blobPort, queuePort] = [await freePort(), await freePort(), await freePort()];
  const { connectionString } = emulatorAt(blobPort, queuePort);
  return {
    folder,
    connectionString,
    env: {
      PORT: `${port}`,
      LOCAL_DIR: join(folder, 'local'),
      AZURITE_BLOB_PORT: `${blobPort}`,
      AZURITE_QUEUE_PORT: `${queuePort}`,
      WORK_DIR: join(folder, 'work'),
      MODELS_DIR: join(folder, 'models'),
      // Nothing listens there: no test fetches anything from elsewhere.
      // Shorter waits than a user has, and the same ways.
      STAGE_RETRY_SECONDS: '0.2',
      STORAGE_RETRY_SECONDS: '0.05',
      MODELS_URL: `http://127.0.0.1:${await freePort()}`,
      ...settings,
    },
    container: BlobServiceClient.fromConnectionString(connectionString).getContainerClient('audio-files'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** Starts a built command, as its npm script does. */
export function command(script: string, args: readonly string[], place: Place): ChildProcess {
  return spawn(process.execPath, [`dist/cli/${script}.js`, ...args], {
    env: { ...process.env, ...place.env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs a command to its end. */
export async function run(script: string, args: readonly string[], place: Place) {
  const child = command(script, args, place);
  const output = { stdout: '', stderr: '' };
  child.stdout?.setEncoding('utf8').on('data', (text) => {
    output.stdout += text;
  });
  child.stderr?.setEncoding('utf8').on('data', (text) => {
    output.stderr += text;
  });
  const [code] = await once(child, 'close');
  return { ...output, code: code as number | null };
}

/** Starts `npm start`'s command and waits until it listens. */
export async function startWorker(
  place: Place,
): Promise<{ child: ChildProcess; url: string; log: () => string }> {
  const child = command('start', [], place);
  let log = '';
  const url = await new Promise<string>((resolve, reject) => {
    const late = setTimeout(() => reject(new Error(`The worker did not start: ${log}`)), START_LIMIT_MS);
    child.once('close', (code) => {
      clearTimeout(late);
      reject(new Error(`The worker ended with ${code}: ${log}`));
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding('utf8').on('data', (text: string) => {
        log += text;
        const found = /Listening on (\S+)/.exec(log);
        if (!found) return;
        clearTimeout(late);
        resolve(found[1]);
      });
  });
  return { child, url, log: () => log };
}

/** Runs a worker up to a fault point; it may come there before it has told its address. */
export async function runToFault(
  point: string,
  place: Place,
): Promise<{ log: string; signal: string | null }> {
  const child = command('start', [], { ...place, env: { ...place.env, FAULT_POINT: point } });
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => {
      log += text;
    });
  const late = setTimeout(() => child.kill('SIGINT'), FAULT_LIMIT_MS);
  const [, signal] = await once(child, 'close');
  clearTimeout(late);
  return { log, signal };
}

/** Ends a process by `signal`; its exit code, or null after a kill. */
export async function end(child: ChildProcess, signal: NodeJS.Signals): Promise<number | null> {
  if (child.exitCode !== null) return child.exitCode;
  const gone = once(child, 'exit');
  child.kill(signal);
  return (await gone)[0];
}
