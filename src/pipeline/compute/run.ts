import { fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import pLimit, { type LimitFunction } from 'p-limit';
import { readConfig } from '../config.ts';
import { WorkerError } from '../errors.ts';
import type { Acknowledged, ChildMessage, Task } from './protocol.ts';

const CHILD = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));
/** What a child may hold in JavaScript's heap; sample buffers lie outside of it. */
const HEAP_MEGABYTES = 1024;
/** The child's last words that go into an error message. */
const REASON_CHARACTERS = 500;

/**
 * Runs `task` in a child process and yields what it sends until it is done. Leaving the loop, or `signal`, ends the
 * child at once. At most `WORKERS` children run at a time; further ones wait for their turn.
 *
 * @throws WorkerError the child's own error, `compute_crashed` where it ended without a word, or the signal's reason.
 */
export async function* runInChild(
  task: Task,
  signal?: AbortSignal,
): AsyncGenerator<Exclude<ChildMessage, { kind: 'done' | 'failed' }>> {
  using _turn = await takeTurn(signal);
  const child = fork(CHILD, {
    serialization: 'advanced',
    execArgv: [`--max-old-space-size=${HEAP_MEGABYTES}`],
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  const inbox: ChildMessage[] = [];
  let stderr = '';
  let wake = Promise.withResolvers<void>();
  let ended: string | undefined;
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-REASON_CHARACTERS);
  });
  const notify = () => wake.resolve();
  child.on('message', (message: ChildMessage) => {
    inbox.push(message);
    notify();
  });
  child.once('error', (error) => {
    ended = error.message;
    notify();
  });
  child.once('close', (code, killed) => {
    ended = killed ? `signal ${killed}` : `exit code ${code}`;
    notify();
  });
  signal?.addEventListener('abort', notify);
  try {
    child.send(task);
    for (;;) {
      signal?.throwIfAborted();
      const message = inbox.shift();
      if (!message) {
        if (ended)
          throw new WorkerError(
            'compute_crashed',
            `The ${task.kind} process ended by itself (${ended}). ${stderr}`.trim(),
          );
        await wake.promise;
        wake = Promise.withResolvers();
        continue;
      }
      if (message.kind === 'done') return;
      if (message.kind === 'failed') throw new WorkerError(message.error.code, message.error.message);
      yield message;
      if (message.kind === 'segment') child.send({ kind: 'acknowledged' } satisfies Acknowledged);
    }
  } finally {
    signal?.removeEventListener('abort', notify);
    child.kill('SIGKILL');
  }
}

let limit: LimitFunction | undefined;

/** Waits until a child may run; disposing of the turn lets the next one run. @throws the signal's reason */
async function takeTurn(signal?: AbortSignal): Promise<Disposable> {
  limit ??= pLimit(readConfig().workers);
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
  return { [Symbol.dispose]: () => over.resolve() };
}
