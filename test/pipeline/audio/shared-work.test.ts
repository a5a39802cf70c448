import { describe, expect, it, vi } from 'vitest';
import { abortable } from '../../../src/pipeline/audio/abortable.ts';
import { SharedWork } from '../../../src/pipeline/audio/shared-work.ts';

/** Work that goes on until it is told to leave off, and then takes a moment to put things in order. */
function endless() {
  let isInOrder = false;
  const work = new SharedWork<string>(
    (signal) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () =>
          setTimeout(() => {
            isInOrder = true;
            reject(signal.reason);
          }, 20),
        );
      }),
  );
  return { work, isInOrder: () => isInOrder };
}

describe('work that several wait for', () => {
  it('is done once', async () => {
    const make = vi.fn(async () => 'song');
    const work = new SharedWork(make);
    expect(await Promise.all([work.wait(), work.wait(new AbortController().signal)])).toEqual([
      'song',
      'song',
    ]);
    expect(make).toHaveBeenCalledOnce();
  });

  it('goes on when one leaves, who is let go at once', async () => {
    const { work, isInOrder } = endless();
    const [first, second] = [new AbortController(), new AbortController()];
    const results = [work.wait(first.signal), work.wait(second.signal)];
    first.abort(new Error('canceled'));
    await expect(results[0]).rejects.toThrow('canceled');
    expect(work.isAborted).toBe(false);
    second.abort(new Error('timed out'));
    await expect(results[1]).rejects.toThrow('timed out');
    expect(isInOrder()).toBe(true);
    expect(work.isAborted).toBe(true);
  });
});

describe('pieces that are waited for', () => {
  it('are given up at once when the signal aborts', async () => {
    const abort = new AbortController();
    async function* stalled() {
      yield 1;
      await new Promise(() => {});
    }
    const seen: number[] = [];
    const reading = (async () => {
      for await (const piece of abortable(stalled(), abort.signal)) seen.push(piece);
    })();
    setTimeout(() => abort.abort(new Error('canceled')), 10);
    await expect(reading).rejects.toThrow('canceled');
    expect(seen).toEqual([1]);
  });
});
