import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HostSetupError } from '../errors.ts';
import type { Log } from '../log.ts';

/** The account that every emulator has, and its published key. */
const ACCOUNT = 'devstoreaccount1';
const KEY = 'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

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

/** The addresses of an emulator on these ports. */
export function emulatorAt(blobPort = 10_000, queuePort = 10_001): Omit<Azurite, 'stop'> {
  const blobUrl = `http://127.0.0.1:${blobPort}/${ACCOUNT}`;
  const queueUrl = `http://127.0.0.1:${queuePort}/${ACCOUNT}`;
  const connectionString =
    `DefaultEndpointsProtocol=http;AccountName=${ACCOUNT};AccountKey=${KEY};` +
    `BlobEndpoint=${blobUrl};QueueEndpoint=${queueUrl};`;
  return { connectionString, blobUrl, queueUrl };
}

/**
 * Uses the Azurite that answers on the blob port, or starts one and waits until it answers. One that was started here
 * and ends by itself is started again.
 */
export async function startAzurite(options: AzuriteOptions): Promise<Azurite> {
  const { directory, blobPort, queuePort, log } = options;
  const pidFile = join(directory, 'azurite.pid');
  const found = emulatorAt(blobPort, queuePort);
  const { blobUrl, queueUrl } = found;

  await outliveOrphan(pidFile, blobUrl);
  if ((await serverAt(blobUrl))?.startsWith('Azurite')) {
    log('information', 'azurite', `using the Azurite that runs at ${blobUrl} already`);
    return { ...found, stop: async () => {} };
  }

  mkdirSync(directory, { recursive: true });
  const logFile = join(directory, 'azurite.log');
  let child = spawnChild(directory, logFile, found);
  try {
    await answers(child, queueUrl, logFile); // the queue service is the later one to open
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
    child = spawnChild(directory, logFile, found);
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

/** In a process group of its own: a terminal's Ctrl-C must reach the host alone, which still needs its storage. */
function spawnChild(
  directory: string,
  logFile: string,
  { blobUrl, queueUrl }: Pick<Azurite, 'blobUrl' | 'queueUrl'>,
): ChildProcess {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const script = fileURLToPath(new URL(`./child.${extension}`, import.meta.url));
  const output = openSync(logFile, 'w');
  const flags = ['--silent', '--skipApiVersionCheck', '--disableTelemetry', '--location', directory];
  const [blobPort, queuePort] = [new URL(blobUrl).port, new URL(queueUrl).port];
  const ports = ['--blobPort', blobPort, '--queuePort', queuePort, '--tablePort', '0'];
  const child = spawn(process.execPath, [script, ...flags, ...ports], {
    detached: true,
    stdio: ['ignore', output, output, 'ipc'],
    windowsHide: true,
  });
  closeSync(output);
  return child;
}

async function answers(child: ChildProcess, url: string, logFile: string): Promise<void> {
  const deadline = Date.now() + START_LIMIT_MS;
  let failure: Error | undefined;
  child.once('error', (error) => {
    failure = error;
  });
  while (!(await serverAt(url))?.startsWith('Azurite')) {
    if (failure || child.exitCode !== null || Date.now() > deadline) {
      const said = readFileSync(logFile, 'utf8').trim().split('\n').at(-1);
      throw new HostSetupError(`Azurite did not start: ${failure?.message ?? said} (see ${logFile})`);
    }
    await pause(50);
  }
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), STOP_LIMIT_MS);
  await gone;
  clearTimeout(late);
}

/** After a host was killed, its Azurite is still closing: to use that one would be to lose it a moment later. */
async function outliveOrphan(pidFile: string, blobUrl: string): Promise<void> {
  const deadline = Date.now() + ORPHAN_LIMIT_MS;
  while (isAlive(pidFile) && Date.now() < deadline && (await serverAt(blobUrl)) !== undefined)
    await pause(100);
}

function isAlive(pidFile: string): boolean {
  try {
    return process.kill(Number(readFileSync(pidFile, 'utf8')), 0);
  } catch {
    return false;
  }
}

/** The `server` header of whatever answers at `url` (empty if it names none), or undefined if nothing does. */
async function serverAt(url: string): Promise<string | undefined> {
  try {
    const response = await fetch(`${url}?comp=list`, { signal: AbortSignal.timeout(2000) });
    await response.body?.cancel();
    return response.headers.get('server') ?? '';
  } catch {
    return undefined;
  }
}
