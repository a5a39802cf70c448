/** Names the point at which this process is to end, for tests of what a crash leaves behind. */
const POINT = process.env.FAULT_POINT;

/** Ends the process at once, as `kill -9` does, where FAULT_POINT names this point of a stage. */
export function faultPoint(stage: string, point: 'before' | 'middle' | 'after'): void {
  if (POINT === `${stage}:${point}`) process.kill(process.pid, 'SIGKILL');
}
