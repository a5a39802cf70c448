import { RandomAccessReader } from 'yauzl';
import type { BoundedFile } from './bounded-file.ts';

/**
 * Lets yauzl read a file. Its own reader hands Node whatever offsets an archive names, and one beyond
 * 2^53 throws where nobody can catch it; here every failure reaches the callback.
 */
export class ZipReader extends RandomAccessReader {
  readonly #file: BoundedFile;

  constructor(file: BoundedFile) {
    super();
    this.#file = file;
  }

  override read(
    buffer: Buffer,
    offset: number,
    length: number,
    position: number,
    callback: (error: Error | null) => void,
  ): void {
    this.#file
      .read(position, length)
      .then((bytes) => {
        buffer.set(new Uint8Array(bytes), offset);
        callback(null);
      })
      .catch(callback);
  }
}
