import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

/** The processes that `parent` has started, by what their command line matches. */
export function childrenOf(parent: number, command: RegExp): number[] {
  const list = execFileSync('ps', ['-A', '-o', 'pid=,ppid=,args='], { encoding: 'utf8' });
  return list.split('\n').flatMap((line) => {
    const [, pid, ppid, args] = /^\s*(\d+)\s+(\d+)\s+(.*)$/.exec(line) ?? [];
    return Number(ppid) === parent && command.test(args) ? [Number(pid)] : [];
  });
}

/** Of the fields behind the command in /proc/PID/stat: the processor's time, own and in the kernel, in hundredths of a second. */
const OWN_TIME = 11;
const KERNEL_TIME = 12;

/** Processor time that a process has taken, in seconds; 0 for one that has ended. */
export function processorTime(pid: number): number {
  try {
    if (process.platform === 'linux') {
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)!.split(' ');
      return (Number(fields[OWN_TIME]) + Number(fields[KERNEL_TIME])) / 100;
    }
    const time = execFileSync('ps', ['-o', 'time=', '-p', String(pid)], { encoding: 'utf8' }).trim();
    return time.split(':').reduce((sum, part) => 60 * sum + Number(part), 0);
  } catch {
    return 0;
  }
}

/** Kills one of them. Returns whether there was one. */
export function killChildOf(parent: number, command: RegExp): boolean {
  const [pid] = childrenOf(parent, command);
  if (pid !== undefined) process.kill(pid, 'SIGKILL');
  return pid !== undefined;
}
