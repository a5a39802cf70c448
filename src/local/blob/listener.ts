import { setTimeout as pause } from 'node:timers/promises';
import { BlobServiceClient, type ContainerClient, type RestError } from '@azure/storage-blob';
import { QueueServiceClient } from '@azure/storage-queue';
import { describe, type Log } from '../log.ts';
import type { App, LoadedFunction } from '../worker/app.ts';
import { type BlobPattern, parseBlobPattern } from './pattern.ts';
import { sendPoison } from './poison.ts';
import { type BlobVersion, Receipts } from './receipts.ts';
import { readTriggerData } from './trigger-data.ts';

const POLL_INTERVAL_MS = 500;
const MAX_TRIES = 5;
const RETRY_PAUSE_MS = 250;
/** Where the real host keeps its own blobs. */
const HOST_CONTAINER = 'azure-webjobs-hosts';

export interface BlobListenerOptions {
  app: App;
  fn: LoadedFunction;
  /** The trigger's path, with every `%NAME%` resolved. */
  path: string;
  /** Connection string of the watched container's account. */
  connection: string;
  /** Connection string of the account that keeps receipts and the poison queue. */
  hostConnection: string;
  hostId: string;
  /** Invocations at once. */
  parallelism: number;
  log: Log;
}

type Found = BlobVersion & { blobType: string; params: Record<string, string> };

/**
 * Calls one function for every version of a blob that matches its path: at least once, in no promised order. A version
 * that fails five times goes to the poison queue; the others go on meanwhile. A container that does not exist is waited
 * for.
 */
export class BlobListener {
  readonly #options: BlobListenerOptions;
  readonly #pattern: BlobPattern;
  readonly #container: ContainerClient;
  readonly #queues: QueueServiceClient;
  readonly #receipts: Receipts;
  readonly #waiting: Found[] = [];
  readonly #pending = new Set<string>();
  readonly #running = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  #polling: Promise<void> = Promise.resolve();
  #trouble = '';

  constructor(options: BlobListenerOptions) {
    this.#options = options;
    this.#pattern = parseBlobPattern(options.path);
    this.#container = BlobServiceClient.fromConnectionString(options.connection).getContainerClient(
      this.#pattern.container,
    );
    this.#queues = QueueServiceClient.fromConnectionString(options.hostConnection);
    this.#receipts = new Receipts(
      BlobServiceClient.fromConnectionString(options.hostConnection).getContainerClient(HOST_CONTAINER),
      options.hostId,
      this.#functionId,
      this.#pattern.container,
    );
  }

  async start(): Promise<void> {
    await this.#receipts.load();
    this.#polling = this.#poll();
  }

  /** Begins nothing new, and waits up to `graceMs` for what runs; the rest has no receipt and runs again next time. */
  async stop(graceMs: number): Promise<void> {
    this.#stopping.abort();
    await this.#polling;
    await Promise.race([Promise.allSettled(this.#running), pause(graceMs, undefined, { ref: false })]);
  }

  get #functionId(): string {
    return `Host.Functions.${this.#options.fn.name}`;
  }

  async #poll(): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      await this.#look().then(
        () => this.#report(''),
        (error) => this.#report(whatIsWrong(error, this.#pattern.container)),
      );
      await pause(POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
    }
  }

  async #look(): Promise<void> {
    const abortSignal = this.#stopping.signal;
    for await (const { name, properties } of this.#container.listBlobsFlat({
      prefix: this.#pattern.prefix,
      abortSignal,
    })) {
      const params = this.#pattern.match(name);
      const version = { name, etag: properties.etag.replaceAll('"', '') };
      if (!params || this.#pending.has(keyOf(version)) || this.#receipts.has(version)) continue;
      this.#pending.add(keyOf(version));
      this.#waiting.push({ ...version, params, blobType: properties.blobType ?? 'BlockBlob' });
    }
    this.#fill();
  }

  /** Says what is wrong when it changes, not at every poll. */
  #report(trouble: string): void {
    if (trouble !== this.#trouble && trouble !== '' && !this.#stopping.signal.aborted) {
      this.#options.log('warning', this.#options.fn.name, trouble);
    }
    this.#trouble = trouble;
  }

  #fill(): void {
    while (this.#running.size < this.#options.parallelism && !this.#stopping.signal.aborted) {
      const found = this.#waiting.shift();
      if (!found) return;
      const run = this.#handle(found)
        .catch((error) => this.#log('error', found, `is left for the next look: ${describe(error)}`))
        .finally(() => {
          this.#pending.delete(keyOf(found));
          this.#running.delete(run);
          this.#fill();
        });
      this.#running.add(run);
    }
  }

  async #handle(found: Found): Promise<void> {
    for (let attempt = 1; attempt <= MAX_TRIES; attempt++) {
      try {
        await this.#invoke(found);
        return await this.#receipts.add(found);
      } catch (error) {
        this.#log('error', found, `failed (try ${attempt} of ${MAX_TRIES}): ${describe(error)}`);
      }
      if (this.#stopping.signal.aborted) return;
      if (attempt < MAX_TRIES) await pause(RETRY_PAUSE_MS);
    }
    await sendPoison(this.#queues, {
      Type: 'BlobTrigger',
      FunctionId: this.#functionId,
      BlobType: found.blobType,
      ContainerName: this.#pattern.container,
      BlobName: found.name,
      ETag: `"${found.etag}"`,
    });
    await this.#receipts.add(found);
  }

  async #invoke(found: Found): Promise<void> {
    const { app, fn } = this.#options;
    const blob = this.#container.getBlobClient(found.name);
    const { connection, dataType, properties } = fn.trigger;
    const input = await readTriggerData(
      blob,
      found.etag,
      {
        connection: String(connection ?? ''),
        dataType,
        deferred: (properties as Record<string, string> | undefined)?.supportsDeferredBinding === 'true',
      },
      found.params,
    );
    if (!input) return;
    await app.invoke(fn.name, [{ name: fn.trigger.name, data: input.data }], input.metadata);
  }

  #log(level: 'error', found: Found, message: string): void {
    this.#options.log(level, this.#options.fn.name, `${this.#pattern.container}/${found.name} ${message}`);
  }
}

const keyOf = ({ name, etag }: BlobVersion) => `${etag}/${name}`;

function whatIsWrong(error: unknown, container: string): string {
  return (error as RestError).code === 'ContainerNotFound'
    ? `waits for the container ${container}, which does not exist`
    : `cannot list the container ${container}: ${(error as Error).message}`;
}
