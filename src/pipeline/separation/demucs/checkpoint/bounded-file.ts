import { type FileHandle, open } from 'node:fs/promises';
import { Refusal } from './refusal.ts';

/** An open file, read at any place but never beyond its end. */
export class BoundedFile implements AsyncDisposable {
  /** bytes */
  readonly size: number;
  readonly #handle: FileHandle;

  private constructor(handle: FileHandle, size: number) {
    this.#handle = handle;
    this.size = size;
  }

  static async open(path: string): Promise<BoundedFile> {
    const handle = await open(path);
    try {
      return new BoundedFile(handle, (await handle.stat()).size);
    } catch (error) {
      await handle.close();
      throw error;
    }
  }

  /** All of `length` bytes from `position`. Throws a `Refusal` before it makes room for what is not there. */
  async read(position: number, length: number): Promise<ArrayBuffer> {
    if (position + length > this.size) throw this.#cutOff(position, length);
    const bytes = new Uint8Array(length);
    let filled = 0;
    while (filled < length) {
      const { bytesRead } = await this.#handle.read(bytes, filled, length - filled, position + filled);
      if (bytesRead === 0) throw this.#cutOff(position, length);
      filled += bytesRead;
    }
    return bytes.buffer;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  #cutOff(position: number, length: number): Refusal {
    return new Refusal(`it is cut off: expected ${length} bytes at ${position}, it has ${this.size} in all`);
  }
}
