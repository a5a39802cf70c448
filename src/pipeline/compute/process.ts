import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../config.ts';
import { WorkerError } from '../errors.ts';
import { exceededMemory } from './memory-watch.ts';
import type { ChildMessage, ParentMessage, Report } from './protocol.ts';

const CHILD = fileURLToPath(new URL(`./child${extname(import.meta.url)}`, import.meta.url));
/** What a child may hold in JavaScript's heap; sample buffers lie outside of it. */
const HEAP_MEGABYTES = 1024;
/** The child's last words that go into an error message. */
const REASON_CHARACTERS = 500;
const MEGABYTE = 1_000_000;

/** A compute child as its parent sees it: messages in, messages out, and what became of it. */
export class ComputeProcess {
  readonly #child: ChildProcess;
  readonly #inbox: Report[] = [];
  readonly #limits: Pick<Config, 'workerMemoryBytes' | 'workerSilenceMs'>;
  #stderr = '';
  #heardAt = performance.now();
  #ended: string | undefined;
  #wake = Promise.withResolvers<void>();

  constructor(limits: Pick<Config, 'workerMemoryBytes' | 'workerSilenceMs'>) {
    this.#limits = limits;
    this.#child = fork(CHILD, {
      serialization: 'advanced',
      execArgv: [`--max-old-space-size=${HEAP_MEGABYTES}`],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      this.#stderr = (this.#stderr + text).slice(-REASON_CHARACTERS);
    });
    this.#child.on('message', (message: ChildMessage) => {
      this.#heardAt = performance.now();
      if (message.kind !== 'alive') this.#inbox.push(message);
      this.#wake.resolve();
    });
    this.#child.once('error', (error) => this.#end(error.message));
    this.#child.once('close', (code, killed) => this.#end(killed ? `signal ${killed}` : `exit code ${code}`));
  }

  get alive(): boolean {
    return this.#ended === undefined && this.#child.connected;
  }

  send(message: ParentMessage): void {
    // One that has ended is told of by `receive`.
    if (this.#child.connected) this.#child.send(message, () => {});
  }

  /**
   * The next message. With `heartbeat`, a child that is silent for too long counts as hung and is ended.
   *
   * @throws WorkerError `compute_crashed` or `out_of_memory` where the child has ended, or the signal's reason.
   */
  async receive(heartbeat: boolean, signal?: AbortSignal): Promise<Report> {
    const since = performance.now();
    const wake = () => this.#wake.resolve();
    signal?.addEventListener('abort', wake);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const message = this.#inbox.shift();
        if (message) return message;
        if (this.#ended !== undefined) throw this.#failure(this.#ended);
        this.#wake = Promise.withResolvers();
        const silentSince = Math.max(since, this.#heardAt);
        const patience = silentSince + this.#limits.workerSilenceMs - performance.now();
        if (heartbeat && patience <= 0) throw this.#hung();
        const timer = heartbeat ? setTimeout(wake, patience) : undefined;
        await this.#wake.promise;
        clearTimeout(timer);
      }
    } finally {
      signal?.removeEventListener('abort', wake);
    }
  }

  /** Lets this process end without waiting for the child, or, with `false`, not. */
  detach(detached: boolean): void {
    const method = detached ? 'unref' : 'ref';
    this.#child[method]();
    this.#child.channel?.[method]();
    (this.#child.stderr as unknown as { ref(): void; unref(): void } | null)?.[method]();
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }

  #end(how: string): void {
    this.#ended ??= how;
    this.#wake.resolve();
  }

  #hung(): WorkerError {
    this.kill();
    const seconds = this.#limits.workerSilenceMs / 1000;
    return new WorkerError(
      'compute_crashed',
      `The computing process said nothing for ${seconds} s and was ended; WORKER_SILENCE_SECONDS sets how long it may.`,
    );
  }

  #failure(how: string): WorkerError {
    const bytes = exceededMemory(this.#stderr);
    if (bytes !== undefined) {
      const limit = this.#limits.workerMemoryBytes;
      return new WorkerError(
        'out_of_memory',
        `The computing process took ${megabytes(bytes)} MB; WORKER_MEMORY_MB allows ${megabytes(limit)}. Raise it, or lower WORKERS if this machine has no more.`,
      );
    }
    const hint =
      how === 'signal SIGKILL' ? ' The system does so when memory runs out: lower WORKERS or take more.' : '';
    return new WorkerError(
      'compute_crashed',
      `The computing process ended by itself (${how}).${hint} ${this.#stderr}`.trim(),
    );
  }
}

const megabytes = (bytes: number): number => Math.round(bytes / MEGABYTE);
