import { WorkerError } from '../errors.ts';
import { type Lease, leaseProcess, type ProcessNeeds } from './pool.ts';
import type { Task, TaskResult } from './protocol.ts';

/** Time that a child has to leave off between two segments, in ms; then it is ended. */
const GRACE_MS = 20_000;

export interface TaskSummary {
  /** The most memory that the child has taken since its start. */
  readonly peakBytes: number;
}

/**
 * Runs `task` in a child process and yields what comes of it until it is done. Leaving the loop, or `signal`, calls the
 * work off at once. At most `WORKERS` children run at a time; further ones wait for their turn.
 *
 * @throws WorkerError the child's own error, `compute_crashed` or `out_of_memory` where it ended, or the signal's reason.
 */
export async function* runInChild(task: Task, signal?: AbortSignal): AsyncGenerator<TaskResult, TaskSummary> {
  const separates = task.kind === 'separate';
  const lease = await leaseProcess(needsOf(task), signal);
  const child = lease.process;
  let state: 'working' | 'done' | 'failed' = 'working';
  try {
    child.send(task);
    for (;;) {
      const message = await child.receive(separates, signal);
      if (message.kind === 'done' || message.kind === 'failed') state = message.kind;
      if (message.kind === 'done') return { peakBytes: message.peakBytes };
      if (message.kind === 'failed') throw new WorkerError(message.error.code, message.error.message);
      yield message;
      if (message.kind === 'segment') child.send({ kind: 'acknowledged' });
    }
  } finally {
    if (!separates || state === 'failed') lease.release('end');
    else if (state === 'done') lease.release('keep');
    else void callOff(lease);
  }
}

function needsOf(task: Task): ProcessNeeds {
  if (task.kind !== 'separate') return { key: task.kind, network: false };
  return { key: JSON.stringify(task.separator), network: task.separator.precision !== null };
}

/** Has a child leave off what it separates; one that doesn't is ended. */
async function callOff({ process, release }: Lease): Promise<void> {
  process.send({ kind: 'cancel' });
  const late = AbortSignal.timeout(GRACE_MS);
  try {
    for (;;) {
      const { kind } = await process.receive(false, late);
      if (kind === 'done' || kind === 'failed') break;
    }
    release('keep');
  } catch {
    release('end');
  }
}
