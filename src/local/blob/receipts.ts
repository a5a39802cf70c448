import type { ContainerClient } from '@azure/storage-blob';

/** A version of a blob: its name and its ETag, without quotes. */
export interface BlobVersion {
  name: string;
  etag: string;
}

/**
 * Which versions of a container's blobs a function is done with. Kept as empty blobs where the real host keeps them,
 * `blobreceipts/{host}/{function}/"{etag}"/{container}/{blob}`, so that they outlive the process.
 */
export class Receipts {
  readonly #store: ContainerClient;
  readonly #functionPrefix: string;
  readonly #container: string;
  readonly #done = new Set<string>();

  constructor(store: ContainerClient, hostId: string, functionId: string, container: string) {
    this.#store = store;
    this.#functionPrefix = `blobreceipts/${hostId}/${functionId}/`;
    this.#container = container;
  }

  /** Reads what earlier runs left. */
  async load(): Promise<void> {
    await this.#store.createIfNotExists();
    for await (const { name } of this.#store.listBlobsFlat({ prefix: this.#functionPrefix })) {
      this.#done.add(name);
    }
  }

  has(version: BlobVersion): boolean {
    return this.#done.has(this.#nameOf(version));
  }

  async add(version: BlobVersion): Promise<void> {
    const name = this.#nameOf(version);
    await this.#store.getBlockBlobClient(name).upload('', 0, { metadata: { Completed: 'true' } });
    this.#done.add(name);
  }

  #nameOf({ name, etag }: BlobVersion): string {
    return `${this.#functionPrefix}"${etag}"/${this.#container}/${name}`;
  }
}
