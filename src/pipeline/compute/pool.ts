import pLimit, { type LimitFunction } from 'p-limit';
import { type Config, readConfig } from '../config.ts';
import { ComputeProcess } from './process.ts';

/** How long a process waits for more work, in ms. */
const IDLE_MS = 60_000;

interface IdleProcess {
  readonly key: string;
  readonly process: ComputeProcess;
  readonly timer: NodeJS.Timeout;
}

/** What a task needs of a process. */
export interface ProcessNeeds {
  /** Tasks of the same key can be worked off by one process after the other. */
  readonly key: string;
  /** Whether a network computes. */
  readonly network: boolean;
}

/** A process that one task has for itself until `release`. */
export interface Lease {
  readonly process: ComputeProcess;
  /** Ends the process, or keeps it for the next task of the same `key`. */
  release(outcome: 'keep' | 'end'): void;
}

let turns: { readonly all: LimitFunction; readonly networks: LimitFunction } | undefined;
let busy = 0;
let idle: IdleProcess[] = [];

/**
 * A process for a task: one that waits for tasks of this `key`, or a new one. At most `WORKERS` processes exist at a
 * time, and no more networks compute than there are processors for; a task that finds no room waits for its turn.
 *
 * @throws the signal's reason.
 */
export async function leaseProcess({ key, network }: ProcessNeeds, signal?: AbortSignal): Promise<Lease> {
  const config = readConfig();
  turns ??= { all: pLimit(config.workers), networks: pLimit(config.network.processes) };
  // The network's turn first: one that waits for it must not keep others from working.
  const endTurns = network ? [await takeTurn(turns.networks, signal)] : [];
  try {
    endTurns.push(await takeTurn(turns.all, signal));
  } catch (error) {
    for (const end of endTurns) end();
    throw error;
  }
  busy++;
  const process = takeIdle(key) ?? startProcess(config);
  return {
    process,
    release: (outcome) => {
      busy--;
      if (outcome === 'keep' && process.alive) keep(key, process);
      else process.kill();
      for (const end of endTurns) end();
    },
  };
}

/** Ends the processes that wait for work. */
export function endIdleProcesses(): void {
  for (const { process, timer } of idle.splice(0)) {
    clearTimeout(timer);
    process.kill();
  }
}

function takeIdle(key: string): ComputeProcess | undefined {
  const at = idle.findIndex((each) => each.key === key && each.process.alive);
  if (at < 0) return undefined;
  const [{ process, timer }] = idle.splice(at, 1);
  clearTimeout(timer);
  process.detach(false);
  return process;
}

/** Starts a process; idle ones that it leaves no room for are ended, the longest idle first. */
function startProcess(config: Config): ComputeProcess {
  while (idle.length > 0 && idle.length + busy > config.workers) {
    const [{ process, timer }] = idle.splice(0, 1);
    clearTimeout(timer);
    process.kill();
  }
  return new ComputeProcess(config);
}

function keep(key: string, process: ComputeProcess): void {
  process.detach(true);
  const timer = setTimeout(() => {
    idle = idle.filter((each) => each.process !== process);
    process.kill();
  }, IDLE_MS).unref();
  idle.push({ key, process, timer });
}

/** Waits for a turn. Returns what ends it. @throws the signal's reason */
async function takeTurn(limit: LimitFunction, signal?: AbortSignal): Promise<() => void> {
  const mine = Promise.withResolvers<void>();
  const over = Promise.withResolvers<void>();
  const giveUp = () => mine.reject(signal?.reason);
  signal?.addEventListener('abort', giveUp, { once: true });
  void limit(() => {
    mine.resolve();
    return over.promise;
  });
  try {
    signal?.throwIfAborted();
    await mine.promise;
    signal?.throwIfAborted();
  } catch (error) {
    over.resolve();
    throw error;
  } finally {
    signal?.removeEventListener('abort', giveUp);
  }
  return over.resolve;
}
