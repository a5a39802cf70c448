import fs from 'node:fs';

/** What happens to so many bytes that are to be written; `undefined`: they are written. */
type Answer = (bytes: number) => 'discard' | NodeJS.ErrnoException | undefined;
type Done = (error: Error | null, written: number) => void;
type Write = (fd: number, data: Uint8Array | Uint8Array[], ...more: unknown[]) => void;

/**
 * Comes before every write of a stream to a file, so that a test can count, discard or refuse what is written; until it
 * is disposed of. Not a mock of vitest's: those keep all that they are called with.
 */
export class DiskWatch implements Disposable {
  readonly #original = { write: fs.write, writev: fs.writev };

  constructor(answer: Answer) {
    const watched =
      (real: Write): Write =>
      (fd, data, ...more) => {
        const bytes = [data].flat().reduce((sum, { byteLength }) => sum + byteLength, 0);
        const outcome = answer(bytes);
        const done = more.at(-1) as Done;
        if (outcome === undefined) real(fd, data, ...more);
        else if (outcome === 'discard') setImmediate(done, null, bytes);
        else setImmediate(done, outcome, 0);
      };
    const { write, writev } = this.#original;
    Object.assign(fs, { write: watched(write as Write), writev: watched(writev as unknown as Write) });
  }

  [Symbol.dispose](): void {
    Object.assign(fs, this.#original);
  }
}

/** The error of a write to a full disk. */
export const noSpace = (): NodeJS.ErrnoException =>
  Object.assign(new Error('ENOSPC: no space left on device, write'), {
    code: 'ENOSPC',
    errno: -28,
    syscall: 'write',
  });
