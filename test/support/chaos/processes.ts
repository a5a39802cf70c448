import { execFileSync } from 'node:child_process';
import type { Place } from '../commands.ts';

/** A process of a worker's, or one that a worker has left. */
export interface WorkerProcess {
  readonly pid: number;
  readonly parent: number;
  /** With its environment. */
  readonly command: string;
}

const MAX_LIST = 64_000_000;

/** All processes that were started for a place: each inherits its settings. */
export function processesOf({ folder }: Pick<Place, 'folder'>): WorkerProcess[] {
  const list = execFileSync('ps', ['axeww', '-o', 'pid=,ppid=,args='], {
    encoding: 'utf8',
    maxBuffer: MAX_LIST,
  });
  return list.split('\n').flatMap((line) => {
    const [, pid, parent, command] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return command?.includes(folder) ? [{ pid: Number(pid), parent: Number(parent), command }] : [];
  });
}

/** Those of a place's processes that don't belong to the worker `pid`: whoever started them is gone. */
export function orphansOf(place: Pick<Place, 'folder'>, pid: number): WorkerProcess[] {
  const all = processesOf(place);
  const belonging = new Set([pid]);
  for (let size = 0; size < belonging.size; ) {
    size = belonging.size;
    for (const child of all) if (belonging.has(child.parent)) belonging.add(child.pid);
  }
  return all.filter((process) => !belonging.has(process.pid));
}
