import { createHash } from 'node:crypto';
import { type FileHandle, open } from 'node:fs/promises';
import { basename } from 'node:path';

/** Tensors start at multiples of this, a cache line. */
const ALIGNMENT = 64;

/** A file of a converted network, with its SHA-256 in hex. */
export interface ModelFile {
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Where a tensor lies. */
export interface Place {
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
}

/** A file of tensors, one behind the other, that is being written. */
export class TensorFile implements AsyncDisposable {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #places = new Map<string, Place>();
  readonly #hash = createHash('sha256');
  #size = 0;

  private constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
  }

  static async create(path: string): Promise<TensorFile> {
    return new TensorFile(path, await open(path, 'w'));
  }

  /** Appends a tensor, once for each name. */
  async add(name: string, tensor: () => Promise<Uint8Array> | Uint8Array): Promise<void> {
    if (this.#places.has(name)) return;
    const data = await tensor();
    await this.#write(new Uint8Array((ALIGNMENT - (this.#size % ALIGNMENT)) % ALIGNMENT));
    this.#places.set(name, { file: basename(this.#path), offset: this.#size, bytes: data.length });
    await this.#write(data);
  }

  /** Where the tensor `name` was put. */
  place(name: string): Place {
    return this.#places.get(name)!;
  }

  /** Makes sure that everything is on the disk. */
  async finish(): Promise<ModelFile> {
    await this.#handle.sync();
    return { name: basename(this.#path), bytes: this.#size, sha256: this.#hash.digest('hex') };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#handle.close();
  }

  async #write(data: Uint8Array): Promise<void> {
    this.#hash.update(data);
    this.#size += data.length;
    await this.#handle.writeFile(data);
  }
}
