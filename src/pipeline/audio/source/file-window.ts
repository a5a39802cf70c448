import { type FileHandle, open } from 'node:fs/promises';

/** Bytes that are read at once. */
const WINDOW_BYTES = 1 << 20;

/** A file that is looked through from its beginning to its end, with the one or other step back. Whoever opens it closes it. */
export class FileWindow implements AsyncDisposable {
  readonly size: number;
  readonly #file: FileHandle;
  #start = 0;
  #bytes: Buffer = Buffer.alloc(0);

  private constructor(file: FileHandle, size: number) {
    this.#file = file;
    this.size = size;
  }

  static async open(path: string): Promise<FileWindow> {
    const file = await open(path);
    return new FileWindow(file, (await file.stat()).size);
  }

  /** The `length` bytes from `at` on; fewer at the file's end. They are good until the next read. */
  async bytes(at: number, length: number): Promise<Buffer> {
    const from = at - this.#start;
    const isHere =
      from >= 0 && (from + length <= this.#bytes.length || this.#start + this.#bytes.length >= this.size);
    if (isHere) return this.#bytes.subarray(from, from + length);
    const wanted = Math.max(0, Math.min(Math.max(length, WINDOW_BYTES), this.size - at));
    const buffer = Buffer.alloc(wanted);
    const { bytesRead } = await this.#file.read(buffer, 0, wanted, at);
    this.#bytes = buffer.subarray(0, bytesRead);
    this.#start = at;
    return this.#bytes.subarray(0, length);
  }

  /** `length` bytes as text of one character each. */
  async text(at: number, length: number): Promise<string> {
    return (await this.bytes(at, length)).toString('latin1');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
  }
}
