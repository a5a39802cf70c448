/** Names the point at which this process is to end, for tests of what a crash leaves behind. */
const POINT = process.env.FAULT_POINT;

/** Where in a stage: `upload` also has its steps, and `cleanup` a roll-back's. */
export type FaultPoint =
  | 'before'
  | 'middle'
  | 'after'
  | 'secured'
  | 'withdrawn'
  | 'written'
  | 'proven'
  | 'settled'
  | 'restored'
  | 'reinstated';

/** Ends the process at once, as `kill -9` does, where FAULT_POINT names this point of a stage. */
export function faultPoint(stage: string, point: FaultPoint): void {
  if (POINT === `${stage}:${point}`) process.kill(process.pid, 'SIGKILL');
}
