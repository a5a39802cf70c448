import { type FileHandle, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';

/** A file that is still being downloaded, and the ETag of what it is a part of. Both outlive the process. */
export class PartialFile {
  readonly path: string;
  readonly #target: string;
  readonly #tag: string;

  constructor(target: string) {
    this.#target = target;
    this.path = `${target}.partial`;
    this.#tag = `${target}.partial.etag`;
  }

  /** Bytes that are there, 0 where nothing is. */
  async size(): Promise<number> {
    const found = await unlessAbsent(stat(this.path));
    return found?.size ?? 0;
  }

  async etag(): Promise<string | undefined> {
    return (await unlessAbsent(readFile(this.#tag, 'utf8'))) || undefined;
  }

  /** Opens the file to write on at its end. The caller closes it. */
  async goOn(): Promise<FileHandle> {
    return await open(this.path, 'a');
  }

  /** Opens the file empty, as a part of what `etag` stands for. The caller closes it. */
  async startOver(etag: string | null): Promise<FileHandle> {
    const file = await open(this.path, 'w');
    await writeFile(this.#tag, etag ?? '');
    return file;
  }

  /** Makes it the file that it was to become. */
  async complete(): Promise<void> {
    await rename(this.path, this.#target);
    await rm(this.#tag, { force: true });
  }

  async remove(): Promise<void> {
    await rm(this.path, { force: true });
    await rm(this.#tag, { force: true });
  }
}

async function unlessAbsent<T>(found: Promise<T>): Promise<T | undefined> {
  try {
    return await found;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}
