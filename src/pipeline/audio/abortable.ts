/**
 * The pieces of an iterable until `signal` aborts, which is noticed while a piece is waited for: that one is dropped.
 *
 * @throws the signal's reason.
 */
export async function* abortable<T>(pieces: AsyncIterable<T>, signal: AbortSignal): AsyncGenerator<T> {
  signal.throwIfAborted();
  const aborted = Promise.withResolvers<never>();
  aborted.promise.catch(() => {});
  const leave = () => aborted.reject(signal.reason);
  signal.addEventListener('abort', leave, { once: true });
  const iterator = pieces[Symbol.asyncIterator]();
  try {
    for (;;) {
      const next = await Promise.race([iterator.next(), aborted.promise]);
      if (next.done) return;
      yield next.value;
    }
  } finally {
    signal.removeEventListener('abort', leave);
    // It waits for the piece under way, and nobody for it.
    iterator.return?.().catch(() => {});
  }
}
