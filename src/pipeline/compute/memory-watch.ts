/**
 * Ends this process when it takes more memory than it may. It looks from a thread of its own, because the main thread
 * answers nothing while a network or an analysis computes.
 */
import { writeSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { isMainThread, Worker, workerData } from 'node:worker_threads';

/** How often the memory is looked at, in ms. */
const INTERVAL_MS = 250;
/** What a process says on stderr before it ends itself; the bytes that it took follow. */
const NOTICE = 'memory limit exceeded:';
const STDERR = 2;

/** Watches this process from now on. */
export function watchMemory(limitBytes: number): void {
  new Worker(fileURLToPath(import.meta.url), { workerData: { limitBytes } }).unref();
}

/** The bytes that a process took, if what it last said on stderr is that it ended because of them. */
export function exceededMemory(stderr: string): number | undefined {
  const bytes = stderr.split(NOTICE)[1];
  return bytes === undefined ? undefined : Number.parseInt(bytes, 10);
}

if (!isMainThread && workerData?.limitBytes) {
  const look = () => {
    const bytes = process.memoryUsage.rss();
    if (bytes <= workerData.limitBytes) return;
    writeSync(STDERR, `${NOTICE}${bytes}\n`);
    process.kill(process.pid, 'SIGKILL');
  };
  look();
  setInterval(look, INTERVAL_MS);
}
