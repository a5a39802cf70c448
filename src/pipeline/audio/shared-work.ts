/** Work that several callers wait for: it is done once, and left off when none of them wants it any more. */
export class SharedWork<T> {
  readonly #abort = new AbortController();
  readonly #result: Promise<T>;
  #waiting = 0;

  /** Starts `work`; its signal's reason is that of the last caller who left. */
  constructor(work: (signal: AbortSignal) => Promise<T>) {
    this.#result = work(this.#abort.signal);
    // Whoever waits is told; there may be nobody.
    this.#result.catch(() => {});
  }

  /** Whether it is being left off, so that newcomers must start anew. */
  get isAborted(): boolean {
    return this.#abort.signal.aborted;
  }

  /**
   * The result. Whoever leaves while others wait is let go at once; the last one waits until everything is put in order.
   *
   * @throws the signal's reason, or what the work throws.
   */
  async wait(signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    this.#waiting++;
    const left = Promise.withResolvers<never>();
    const leave = () => {
      this.#waiting--;
      if (this.#waiting === 0) this.#abort.abort(signal?.reason);
      else left.reject(signal?.reason);
    };
    signal?.addEventListener('abort', leave, { once: true });
    try {
      return await Promise.race([this.#result, left.promise]);
    } finally {
      signal?.removeEventListener('abort', leave);
      if (!signal?.aborted) this.#waiting--;
    }
  }
}
