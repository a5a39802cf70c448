import { readFile } from 'node:fs/promises';
import pidusage from 'pidusage';

/** How often the memory is looked at, in ms: a decoder that goes wrong takes a gigabyte in a second. */
const INTERVAL_MS = 100;
/** Asking other systems than Linux takes a process each time. */
const SLOW_INTERVAL_MS = 1000;

/** Watches the memory of another process. */
export class MemoryWatch {
  /** The bytes that it had when they became too many. */
  exceeded: number | undefined;

  readonly #timer: NodeJS.Timeout;

  /** `onExceeded` is called once, when the process `pid` holds more than `limitBytes`. */
  constructor(pid: number | undefined, limitBytes: number, onExceeded: () => void) {
    let isAsking = false;
    const look = async () => {
      if (isAsking || pid === undefined) return;
      isAsking = true;
      const bytes = await memoryOf(pid);
      isAsking = false;
      if (bytes <= limitBytes || this.exceeded !== undefined) return;
      this.exceeded = bytes;
      this.stop();
      onExceeded();
    };
    this.#timer = setInterval(look, process.platform === 'linux' ? INTERVAL_MS : SLOW_INTERVAL_MS);
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** Bytes of memory that a process holds; 0 for one that has ended. */
async function memoryOf(pid: number): Promise<number> {
  try {
    if (process.platform !== 'linux') return (await pidusage(pid)).memory;
    const status = await readFile(`/proc/${pid}/status`, 'latin1');
    return 1024 * Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1] ?? 0);
  } catch {
    return 0;
  }
}
