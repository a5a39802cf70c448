import {
  type BlobGetPropertiesResponse,
  type BlobHTTPHeaders,
  type BlockBlobClient,
  type ContainerClient,
  RestError,
} from '@azure/storage-blob';
import { WorkerError } from '../errors.ts';
import { isConflict, storageCall, storageCallIfThere } from './requests.ts';

/** Width of the index in a block id; all ids of a blob must be equally long. */
const INDEX_DIGITS = 6;
/** A commit meets a version that came between only where two processes publish the same run. */
const MAX_COMMIT_TRIES = 3;

interface Block {
  readonly name: string;
  readonly size: number;
}

/** What a committed blob begins with and is described by. */
export interface Commitment {
  /** Segments that it consists of. */
  readonly segments: number;
  /** What stands before them. */
  readonly header?: Buffer;
  /** Its length, where that is known. */
  readonly bytes?: number;
  readonly blobHTTPHeaders?: BlobHTTPHeaders;
  readonly metadata?: Readonly<Record<string, string>>;
}

/** What stands in a blob's place before its commit. */
export interface Standing {
  readonly properties?: BlobGetPropertiesResponse;
  /** That is what is to be committed, and nothing is staged beside. */
  readonly isCommitted: boolean;
}

/** The ETags of a blob before and after a change that left its content alone. */
export type EtagChange = readonly [before: string, after: string];

/**
 * A blob of samples while it grows: each segment's are a staged block. Readers see nothing until it is committed. Ids
 * carry the run's identity, so blocks of another run are never taken for this one's.
 */
export abstract class StagedBlob {
  readonly name: string;
  protected readonly blob: BlockBlobClient;
  readonly #run: string;

  constructor(container: ContainerClient, name: string, run: string) {
    this.blob = container.getBlockBlobClient(name);
    this.name = name;
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

  /**
   * Removes what is staged and not committed. A blob that an earlier run has published keeps its content, under another
   * ETag that is returned.
   */
  async discard(): Promise<EtagChange | undefined> {
    const [published, { committedBlocks, uncommittedBlocks }] = await Promise.all([
      this.#published(),
      this.blocks(),
    ]);
    // An empty one is what a discard leaves that was broken off.
    if (uncommittedBlocks.length === 0 && published?.contentLength !== 0) return undefined;
    // What was not put together of blocks can't be committed again: the storage drops the staged ones after a week.
    if (published?.contentLength && committedBlocks.length === 0) return undefined;
    // A commit drops all staged blocks that it doesn't name.
    const ids = committedBlocks.map(({ name }) => name);
    const after = await this.#commit(ids, published, {
      blobHTTPHeaders: published && headersOf(published),
      metadata: published?.metadata,
    });
    if (published?.contentLength) return [published.etag ?? '', after];
    await storageCall(this.name, (bounds) => this.blob.deleteIfExists(bounds));
    return undefined;
  }

  /**
   * Sees to it that the blob can be committed: that all its segments are there, and what stands before them.
   *
   * @throws WorkerError `work_lost` where segments are missing.
   */
  protected async prepareCommit({ segments, header, bytes }: Commitment): Promise<Standing> {
    const [properties, { committedBlocks, uncommittedBlocks }] = await Promise.all([
      this.#published(),
      this.blocks(),
    ]);
    if (properties?.metadata?.run === this.#run && uncommittedBlocks.length === 0)
      return { properties, isCommitted: true };
    // The commit takes a staged block before a committed one of the same id.
    const sizes = new Map([...committedBlocks, ...uncommittedBlocks].map(({ name, size }) => [name, size]));
    const ids = this.#segmentIds(segments);
    const missing = ids.filter((id) => !sizes.has(id)).length;
    if (missing > 0) throw this.#lost(`${missing} of its ${segments} staged segments are gone`);
    const size = ids.reduce((sum, id) => sum + sizes.get(id)!, header?.length ?? 0);
    if (bytes !== undefined && size !== bytes)
      throw this.#lost(`its staged segments make ${size} bytes, not ${bytes}`);
    if (header && !sizes.has(this.#headerId)) await this.#stageBlock(this.#headerId, header);
    return { properties, isCommitted: false };
  }

  /**
   * Makes the complete blob appear in the place of what stands there. Run again after it has, it finds that it has.
   * Returns its ETag.
   *
   * @throws WorkerError `work_lost` where segments are missing.
   */
  protected async commitSegments(commitment: Commitment, standing?: Standing): Promise<string> {
    const { segments, header, blobHTTPHeaders, metadata } = commitment;
    const ids = this.#segmentIds(segments);
    if (header) ids.unshift(this.#headerId);
    const described = { blobHTTPHeaders, metadata: { run: this.#run, ...metadata } };
    let now = standing ?? (await this.prepareCommit(commitment));
    for (let tries = 1; ; tries++) {
      if (now.isCommitted) return now.properties?.etag ?? '';
      try {
        return await this.#commit(ids, now.properties, described);
      } catch (error) {
        if (!isConflict(error) || tries === MAX_COMMIT_TRIES) throw error;
        now = await this.prepareCommit(commitment);
      }
    }
  }

  /** Which segments of this run the blocks are. */
  protected segmentsAmong(blocks: readonly Pick<Block, 'name'>[]): Set<number> {
    const prefix = `${this.#run}-`;
    const ids = blocks.map(({ name }) => Buffer.from(name, 'base64').toString('latin1'));
    return new Set(ids.filter((id) => id.startsWith(prefix)).map((id) => Number(id.slice(prefix.length))));
  }

  protected async blocks(): Promise<Record<'committedBlocks' | 'uncommittedBlocks', Block[]>> {
    const list = await storageCallIfThere(this.name, (bounds) => this.blob.getBlockList('all', bounds));
    const { committedBlocks = [], uncommittedBlocks = [] } = list ?? {};
    return { committedBlocks, uncommittedBlocks };
  }

  async #stageBlock(id: string, bytes: Buffer): Promise<void> {
    await storageCall(this.name, (bounds) => this.blob.stageBlock(id, bytes, bytes.length, bounds));
  }

  /** Commits in the place of exactly the version that was found. Returns the new ETag. */
  async #commit(
    ids: string[],
    found: BlobGetPropertiesResponse | undefined,
    described: Pick<Commitment, 'blobHTTPHeaders' | 'metadata'>,
  ): Promise<string> {
    const conditions = found ? { ifMatch: found.etag } : { ifNoneMatch: '*' };
    const { etag } = await storageCall(this.name, (bounds) =>
      this.blob.commitBlockList(ids, { ...bounds, ...described, conditions }).catch((error: unknown) => {
        // Storage drops staged blocks after a week; what else may lose them is no reason to give up either.
        if (!(error instanceof RestError) || error.code !== 'InvalidBlockList') throw error;
        throw this.#lost('staged segments are gone', error);
      }),
    );
    return etag ?? '';
  }

  /** The properties of the blob, if it has been committed. */
  async #published(): Promise<BlobGetPropertiesResponse | undefined> {
    return await storageCallIfThere(this.name, (bounds) => this.blob.getProperties(bounds));
  }

  #lost(what: string, cause?: unknown): WorkerError {
    return new WorkerError('work_lost', `The blob '${this.name}' can't be published: ${what}.`, { cause });
  }

  get #headerId(): string {
    return blockId(this.#run, 'header');
  }

  #segmentIds(segments: number): string[] {
    return Array.from({ length: segments }, (_, segment) => this.#segmentId(segment));
  }

  #segmentId(segment: number): string {
    return blockId(this.#run, String(segment).padStart(INDEX_DIGITS, '0'));
  }
}

/** The headers that a commit would otherwise reset. */
export function headersOf(properties: BlobGetPropertiesResponse): BlobHTTPHeaders {
  return {
    blobCacheControl: properties.cacheControl,
    blobContentType: properties.contentType,
    blobContentMD5: properties.contentMD5,
    blobContentEncoding: properties.contentEncoding,
    blobContentLanguage: properties.contentLanguage,
    blobContentDisposition: properties.contentDisposition,
  };
}

const blockId = (run: string, part: string) => Buffer.from(`${run}-${part}`, 'latin1').toString('base64');
