import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HostSetupError } from '../errors.ts';
import type { Log } from '../log.ts';
import { holderOf, portTaken, type Service, servicesAt } from './services.ts';

/** The account that every emulator has, and its published key. */
const ACCOUNT = {
  name: 'devstoreaccount1',
  key: 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==',
};

export const DEFAULT_BLOB_PORT = 10_000;
export const DEFAULT_QUEUE_PORT = 10_001;
const START_LIMIT_MS = 60_000;
const STOP_LIMIT_MS = 8000;
/** How long an Azurite whose host was killed may take to notice and to end. */
const ORPHAN_LIMIT_MS = 6000;

export interface AzuriteOptions {
  /** Where blobs, queues, the log and the pid file are kept. */
  directory: string;
  /** Default 10000. */
  blobPort?: number;
  /** Default 10001. */
  queuePort?: number;
  /** Default true: what it has acknowledged outlives a kill. Without, it is faster. */
  writesThrough?: boolean;
  log: Log;
}

/** A running emulator, ours or one that was there already. */
export interface Azurite {
  readonly connectionString: string;
  readonly blobUrl: string;
  readonly queueUrl: string;
  /** Ends it if this host started it; what is written is on the disk then. */
  stop(): Promise<void>;
}

/** The addresses of an account of an emulator on these ports. */
export function emulatorAt(
  blobPort = DEFAULT_BLOB_PORT,
  queuePort = DEFAULT_QUEUE_PORT,
  { name, key } = ACCOUNT,
): Omit<Azurite, 'stop'> {
  const [{ url: blobUrl }, { url: queueUrl }] = servicesAt(name, blobPort, queuePort);
  const connectionString =
    `DefaultEndpointsProtocol=http;AccountName=${name};AccountKey=${key};` +
    `BlobEndpoint=${blobUrl};QueueEndpoint=${queueUrl};`;
  return { connectionString, blobUrl, queueUrl };
}

/**
 * Uses the Azurite that answers on both ports, or starts one and waits until it listens there. One that was started here
 * and ends by itself is started again.
 *
 * @throws HostSetupError that tells which port is in use, and which setting changes it.
 */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  const { directory, blobPort = DEFAULT_BLOB_PORT, queuePort = DEFAULT_QUEUE_PORT, log } = options;
  const { writesThrough = true } = options;
  const pidFile = join(directory, 'azurite.pid');
  const found = emulatorAt(blobPort, queuePort);
  const services = servicesAt(ACCOUNT.name, blobPort, queuePort);

  await outliveOrphan(pidFile);
  if (await isThere(services, orphanOf(pidFile))) {
    log('information', 'azurite', `using the Azurite that runs at ${found.blobUrl} already`);
    return { ...found, stop: async () => {} };
  }

  mkdirSync(directory, { recursive: true });
  const logFile = join(directory, 'azurite.log');
  let child = spawnChild(directory, logFile, services, writesThrough);
  try {
    await listens(child, services, logFile);
  } catch (error) {
    child.kill('SIGKILL');
    throw error;
  }
  const watch = () => {
    writeFileSync(pidFile, String(child.pid));
    child.once('exit', restart);
  };
  const restart = (code: number | null, signal: string | null) => {
    log(
      'warning',
      'azurite',
      `Azurite ended by itself (${signal ?? `exit code ${code}`}); it is started again`,
    );
    child = spawnChild(directory, logFile, services, writesThrough);
    watch();
  };
  watch();
  return {
    ...found,
    stop: async () => {
      child.off('exit', restart);
      await end(child);
      rmSync(pidFile, { force: true });
    },
  };
}

/** Whether an Azurite answers on all ports; where nobody listens on any, one can be started. */
async function isThere(services: readonly Service[], orphan?: number): Promise<boolean> {
  const holders = await Promise.all(services.map(holderOf));
  if (holders.every((holder) => holder === 'Azurite')) return true;
  for (const [i, service] of services.entries()) {
    if (holders[i] === 'another program') throw portTaken(service, holders[i], orphan);
    // Half of one is none: the other half may have other data, or be about to end.
    if (holders[i] === 'Azurite') throw portTaken(service, 'an Azurite that has other ports besides', orphan);
  }
  return false;
}

/** In a process group of its own: a terminal's Ctrl-C must reach the host alone, which still needs its storage. */
function spawnChild(
  directory: string,
  logFile: string,
  [blobs, queues]: readonly Service[],
  writesThrough: boolean,
): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const script = fileURLToPath(new URL(`./child.${extension}`, import.meta.url));
  const output = openSync(logFile, 'w');
  const flags = ['--silent', '--skipApiVersionCheck', '--disableTelemetry', '--location', directory];
  const ports = ['--blobPort', `${blobs.port}`, '--queuePort', `${queues.port}`, '--tablePort', '0'];
  const child = spawn(process.execPath, [script, ...flags, ...ports], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
    env: { ...process.env, AZURITE_WRITES_THROUGH: String(writesThrough) },
    windowsHide: true,
  });
  closeSync(output);
  return child;
}

/** Waits until this very child says that it listens on each port: to ask the ports would be to hear anybody. */
async function listens(child: ChildProcess, services: readonly Service[], logFile: string): Promise<void> {
  const missing = new Set(services.map(({ port }) => port));
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const fail = (why?: string) => {
    const said = why ?? readFileSync(logFile, 'utf8').trim().split('\n').at(-1) ?? '';
    const taken = services.find(({ port }) => said.includes('EADDRINUSE') && said.endsWith(`:${port}`));
    reject(
      taken
        ? portTaken(taken, 'another program')
        : new HostSetupError(`Azurite did not start: ${said} (see ${logFile})`),
    );
  };
  const late = setTimeout(() => fail(`it took longer than ${START_LIMIT_MS / 1000} s`), START_LIMIT_MS);
  const onExit = () => fail();
  child.once('error', (error) => fail(error.message));
  child.once('exit', onExit);
  child.on('message', ({ listening }: { listening: number }) => {
    missing.delete(listening);
    if (missing.size === 0) resolve();
  });
  await promise.finally(() => {
    clearTimeout(late);
    child.off('exit', onExit);
  });
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await gone;
  clearTimeout(late);
}

/** After a host was killed, its Azurite is still closing: to use that one, or its files, would be to lose what is written. */
async function outliveOrphan(pidFile: string): Promise<void> {
  const deadline = Date.now() + ORPHAN_LIMIT_MS;
  while (orphanOf(pidFile) !== undefined && Date.now() < deadline) await pause(50);
}

/** The process that a pid file names, if it lives. */
function orphanOf(pidFile: string): number | undefined {
  try {
    const pid = Number(readFileSync(pidFile, 'utf8'));
    process.kill(pid, 0);
    return isZombie(pid) ? undefined : pid;
  } catch {
    return undefined;
  }
}

/** Of the fields behind the command in /proc/PID/stat: how many threads there are. */
const THREADS = 17;

/**
 * Whether a process has ended and is still listed, as orphans are in a container whose first process looks after none.
 * While one of its threads lives, its ports and files are still open.
 */
function isZombie(pid: number): boolean {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
    return fields[0] === 'Z' && Number(fields[THREADS]) <= 1;
  } catch {
    return false; // Only Linux tells.
  }
}
