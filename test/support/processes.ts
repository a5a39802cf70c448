import { execFileSync } from 'node:child_process';

/** The processes that `parent` has started, by what their command line matches. */
export function childrenOf(parent: number, command: RegExp): number[] {
  const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return list.split('\n').flatMap((line) => {
    const [, pid, ppid, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(ppid) === parent && command.test(args) ? [Number(pid)] : [];
  });
}

/** Processor time that a process has taken, as `ps` writes it; empty for one that has ended. */
export function processorTime(pid: number): string {
  try {
    return execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

/** Kills one of them. Returns whether there was one. */
export function killChildOf(parent: number, command: RegExp): boolean {
  const [pid] = childrenOf(parent, command);
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  return pid !== undefined;
}
