import { readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Which process something belongs to, told so that processes of other machines and containers understand it. */
export interface ProcessMark {
  /** The machine since its start, and the space in which process ids mean something on it. */
  readonly machine: string;
  readonly pid: number;
  /** When it started, in the system's own unit: an id is given again after its process has ended. Null where not known. */
  readonly started: string | null;
}

/** Field of `/proc/<pid>/stat` with the start time, counted behind the command's name. */
const START_FIELD = 19;

const machine = [
  hostname(),
  attempt(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
  // Containers of one host have ids of their own.
  attempt(() => readlinkSync('/proc/self/ns/pid')),
]
  .filter(Boolean)
  .join(' ');

export const thisProcess: ProcessMark = { machine, pid: process.pid, started: startOf(process.pid) };

/** Whether a process is still there; undefined where nobody here can know: on another machine, or by an id given again. */
export function isAlive({ machine, pid, started }: ProcessMark): boolean | undefined {
  if (machine !== thisProcess.machine) return undefined;
  if (!exists(pid)) return false;
  return started === null ? undefined : startOf(pid) === started;
}

function exists(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // A process of another user can't be signalled, but it is there.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function startOf(pid: number): string | null {
  const stat = attempt(() => readFileSync(`/proc/${pid}/stat`, 'utf8'));
  return stat ? stat.slice(stat.lastIndexOf(')') + 2).split(' ')[START_FIELD] : null;
}

/** What only Linux tells. */
function attempt<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}
