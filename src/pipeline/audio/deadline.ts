import { WorkerError } from '../errors.ts';

/** A signal that ends what takes too long, and what the caller's own signal ends. */
export class Deadline implements Disposable {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  /** After `timeoutMs` the signal's reason is `timed_out`. */
  constructor(timeoutMs: number, signal: AbortSignal | undefined) {
    const late = new AbortController();
    this.#timer = setTimeout(() => late.abort(timedOut(timeoutMs)), timeoutMs);
    this.signal = signal ? AbortSignal.any([signal, late.signal]) : late.signal;
  }

  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
  }
}

function timedOut(timeoutMs: number): WorkerError {
  return new WorkerError(
    'timed_out',
    `Decoding took longer than ${timeoutMs / 1000} s, the limit that DECODE_TIMEOUT_SECONDS sets.`,
  );
}
