/** Aborts a transfer on which nothing happens for too long. */
export class Watchdog implements Disposable {
  readonly #controller = new AbortController();
  #timer: NodeJS.Timeout | undefined;

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Waits `ms` for the next sign of life; without one the signal aborts with an error that says `failure`. */
  expect(ms: number, failure: string): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#controller.abort(new Error(failure)), ms);
  }

  /** Ends the watch, and with it a transfer that is still open. */
  [Symbol.dispose](): void {
    clearTimeout(this.#timer);
    this.#controller.abort();
  }
}
