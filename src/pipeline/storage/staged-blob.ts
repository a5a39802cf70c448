import {
  type BlobHTTPHeaders,
  type BlockBlobClient,
  type ContainerClient,
  RestError,
} from '@azure/storage-blob';
import { WorkerError } from '../errors.ts';
import { storageCall, storageCallIfThere } from './requests.ts';

/** Width of the index in a block id; all ids of a blob must be equally long. */
const INDEX_DIGITS = 6;

interface Block {
  readonly name: string;
}

/** What a committed blob begins with and is described by. */
export interface Commitment {
  /** Segments that it consists of. */
  readonly segments: number;
  /** What stands before them. */
  readonly header?: Buffer;
  readonly blobHTTPHeaders?: BlobHTTPHeaders;
  readonly metadata?: Readonly<Record<string, string>>;
}

/**
 * A blob of samples while it grows: each segment's are a staged block. Readers see nothing until it is committed. Ids
 * carry the run's identity, so blocks of another run are never taken for this one's.
 */
export abstract class StagedBlob {
  protected readonly blob: BlockBlobClient;
  readonly #name: string;
  readonly #run: string;

  constructor(container: ContainerClient, name: string, run: string) {
    this.blob = container.getBlockBlobClient(name);
    this.#name = name;
    this.#run = run;
  }

  /** Stages the samples of one segment, left and right interleaved. */
  async stage(segment: number, samples: Int16Array): Promise<void> {
    const bytes = Buffer.from(samples.buffer, samples.byteOffset, samples.byteLength);
    await this.#stageBlock(this.#segmentId(segment), bytes);
  }

  /** Segments that are staged and not yet committed. */
  async stagedSegments(): Promise<Set<number>> {
    return this.segmentsAmong((await this.blocks()).uncommittedBlocks);
  }

  /** Removes what is staged and not committed; a blob that an earlier run has published stays as it is. */
  async discard(): Promise<void> {
    if ((await this.blocks()).uncommittedBlocks.length === 0) return;
    const published = await this.#published();
    const { committedBlocks } = await this.blocks();
    // A commit drops all staged blocks that it doesn't name.
    const ids = committedBlocks.map(({ name }) => name);
    const headers = { blobContentType: published?.contentType };
    await storageCall(this.#name, (bounds) =>
      this.blob.commitBlockList(ids, { ...bounds, blobHTTPHeaders: headers, metadata: published?.metadata }),
    );
    if (!published) await storageCall(this.#name, (bounds) => this.blob.deleteIfExists(bounds));
  }

  /**
   * Makes the complete blob appear. Run again after it has, it finds that it has.
   *
   * @throws WorkerError `work_lost` where segments are missing.
   */
  protected async commitSegments({ segments, header, blobHTTPHeaders, metadata }: Commitment): Promise<void> {
    if (await this.#isCommitted()) return;
    const ids = Array.from({ length: segments }, (_, segment) => this.#segmentId(segment));
    if (header) {
      const headerId = blockId(this.#run, 'header');
      await this.#stageBlock(headerId, header);
      ids.unshift(headerId);
    }
    const options = { blobHTTPHeaders, metadata: { run: this.#run, ...metadata } };
    await storageCall(this.#name, (bounds) =>
      this.blob.commitBlockList(ids, { ...bounds, ...options }).catch(this.#lost),
    );
  }

  /** Which segments of this run the blocks are. */
  protected segmentsAmong(blocks: readonly Block[]): Set<number> {
    const prefix = `${this.#run}-`;
    const ids = blocks.map(({ name }) => Buffer.from(name, 'base64').toString('latin1'));
    return new Set(ids.filter((id) => id.startsWith(prefix)).map((id) => Number(id.slice(prefix.length))));
  }

  protected async blocks(): Promise<Record<'committedBlocks' | 'uncommittedBlocks', Block[]>> {
    const list = await storageCallIfThere(this.#name, (bounds) => this.blob.getBlockList('all', bounds));
    const { committedBlocks = [], uncommittedBlocks = [] } = list ?? {};
    return { committedBlocks, uncommittedBlocks };
  }

  async #stageBlock(id: string, bytes: Buffer): Promise<void> {
    await storageCall(this.#name, (bounds) => this.blob.stageBlock(id, bytes, bytes.length, bounds));
  }

  /** The properties of the blob, if it has been committed. */
  async #published() {
    return await storageCallIfThere(this.#name, (bounds) => this.blob.getProperties(bounds));
  }

  async #isCommitted(): Promise<boolean> {
    const published = await this.#published();
    return published?.metadata?.run === this.#run && (await this.blocks()).uncommittedBlocks.length === 0;
  }

  /** Storage drops staged blocks after a week; what else may lose them is no reason to give up either. */
  readonly #lost = (error: unknown): never => {
    if (!(error instanceof RestError) || error.code !== 'InvalidBlockList') throw error;
    throw new WorkerError('work_lost', `Staged segments of the stem '${this.#name}' are gone.`, {
      cause: error,
    });
  };

  #segmentId(segment: number): string {
    return blockId(this.#run, String(segment).padStart(INDEX_DIGITS, '0'));
  }
}

const blockId = (run: string, part: string) => Buffer.from(`${run}-${part}`, 'latin1').toString('base64');
