import { readConfig } from '../config.ts';
import { WorkerError } from '../errors.ts';
import { type Lease, leaseProcess, type ProcessNeeds } from './pool.ts';
import type { Task, TaskResult } from './protocol.ts';

/** Share of the memory it may take, up to which a process without a network is kept: a long song's is not given back. */
const KEPT_SHARE = 1 / 8;
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
  const needs = needsOf(task);
  const lease = await leaseProcess(needs, signal);
  const child = lease.process;
  const isKept = (peakBytes: number) =>
    needs.network || peakBytes <= KEPT_SHARE * readConfig().workerMemoryBytes;
  let state: 'working' | 'keep' | 'end' = separates ? 'working' : 'end';
  try {
    child.send(task);
    for (;;) {
      const message = await child.receive(separates, signal);
      if (message.kind === 'done') {
        state = isKept(message.peakBytes) ? 'keep' : 'end';
        return { peakBytes: message.peakBytes };
      }
      if (message.kind === 'failed') {
        state = 'end';
        throw new WorkerError(message.error.code, message.error.message);
      }
      yield message;
      if (message.kind === 'segment') child.send({ kind: 'acknowledged' });
    }
  } finally {
    if (state === 'working') void callOff(lease);
    else lease.release(state);
  }
}

function needsOf(task: Task): ProcessNeeds {
  const network = task.kind === 'separate' && task.separator.precision !== null;
  // What needs no network is done by one process after the other: its code is loaded and compiled by then.
  return { key: network ? JSON.stringify(task.separator) : 'no network', network };
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
